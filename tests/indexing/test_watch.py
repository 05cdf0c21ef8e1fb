"""Watching: whatever way files are saved, the index follows, and not before they have come to rest."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from corpus import write
from fake_encoder import StandIn

from qa.config import Settings
from qa.errors import BuildError, DocumentsGoneError, LockedError, QAError
from qa.index import generation
from qa.indexing import watch
from qa.indexing.build import Report, build

REST = 0.25


class Watching:
    """A watch in a thread of its own."""

    def __init__(
        self, settings: Settings, build_: Callable[[], object] | None = None, **options: object
    ) -> None:
        self.settings = settings
        self.allow_empty = False
        self.reports: list[Report] = []
        self.errors: list[QAError] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(
            target=watch.watch,
            daemon=True,
            args=(settings.docs, build_ or self._build, self.errors.append, self.stop),
            kwargs={"own": settings.own_paths()} | options,
        )
        self.thread.start()

    def _build(self) -> None:
        self.reports.append(build(self.settings, StandIn(), allow_empty=self.allow_empty))

    def until(self, said: Callable[[], bool]) -> None:
        """Wait for something that should come."""
        ends = time.monotonic() + 60
        while not said():
            assert time.monotonic() < ends, (self.errors, self.reports)
            time.sleep(0.02)

    def published(self) -> int:
        return sum(report.changed for report in self.reports)

    def texts(self) -> dict[str, str]:
        store = generation.load(generation.current(self.settings.index)).store
        return {document.path: store.text(document.id) for document in store.all_documents()}


@pytest.fixture
def start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Watching]]:
    monkeypatch.setattr(watch, "_REST", int(REST * 1000))
    monkeypatch.setattr(watch, "_LOOK", 50)
    started: list[Watching] = []

    def begin(*arguments: Callable[[], object], given: Settings = settings, **options: object) -> Watching:
        started.append(Watching(given, *arguments, **options))
        return started[-1]

    yield begin
    for one in started:
        one.stop.set()
        one.thread.join(10)
        assert not one.thread.is_alive()


def _dances(docs: Path) -> Iterator[Callable[[str], object]]:
    """Save a file as editors do."""
    file = docs / "note.txt"

    def over(text: str) -> None:
        file.write_text(text)

    def renamed_onto(text: str) -> None:  # many editors, and rsync
        draft = docs / ".note.txt.swp"
        draft.write_text(text)
        draft.replace(file)

    def backed_up(text: str) -> None:  # Emacs, Vim with backup
        file.rename(docs / "note.txt~")
        file.write_text(text)

    def removed_first(text: str) -> None:
        file.unlink()
        time.sleep(REST / 5)
        file.write_text(text)

    def in_pieces(text: str) -> None:
        with file.open("w") as opened:
            for letter in text:
                opened.write(letter)
                opened.flush()
                os.fsync(opened.fileno())
                time.sleep(REST / 20)

    yield from (over, renamed_onto, backed_up, removed_first, in_pieces)


def test_every_way_to_save_a_file_is_followed_once(start, settings: Settings) -> None:
    write(settings.docs, {"note.txt": "The first text of the note."})
    watching = start()
    watching.until(lambda: len(watching.reports) == 1)
    for number, save in enumerate(_dances(settings.docs), start=2):
        text = f"The text number {number} of the note."
        save(text)
        watching.until(partial(lambda expected: watching.texts()["note.txt"] == expected, text))
    assert not watching.errors
    # A build for each save, not for each piece; one more each where the machine is slow.
    assert watching.published() <= 2 * number


def test_bursts_renames_new_folders_and_removals_are_followed(start, settings: Settings) -> None:
    watching = start()
    watching.until(lambda: len(watching.reports) == 1)
    write(settings.docs, {f"burst/{i}.txt": f"File {i} of a burst." for i in range(200)})
    watching.until(lambda: len(watching.texts()) == 204)
    assert len(watching.reports) <= 3
    (settings.docs / "burst").rename(settings.docs / "moved")
    watching.until(lambda: "moved/7.txt" in watching.texts())
    assert "burst/7.txt" not in watching.texts()
    write(settings.docs, {"moved/7.txt": "Changed where it went to."})
    watching.until(lambda: watching.texts()["moved/7.txt"] == "Changed where it went to.")
    watching.allow_empty = True
    shutil.rmtree(settings.docs / "moved")
    watching.until(lambda: len(watching.texts()) == 4)


def test_what_is_hidden_starts_nothing(start, settings: Settings) -> None:
    watching = start()
    watching.until(lambda: len(watching.reports) == 1)
    write(settings.docs, {".git/index": "x", ".note.swp": "x"})
    time.sleep(3 * REST)
    assert len(watching.reports) == 1


def test_an_error_is_reported_and_watching_goes_on(
    start, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_RETRY", 0.1)
    tried = []

    def build_() -> None:
        tried.append(1)
        if len(tried) < 3:
            raise LockedError("somebody else builds")

    watching = start(build_)
    watching.until(lambda: len(tried) == 3)
    assert [str(error) for error in watching.errors] == ["somebody else builds"] * 2
    time.sleep(0.3)
    assert len(tried) == 3
    write(settings.docs, {"new.txt": "Something new."})
    watching.until(lambda: len(tried) == 4)


def test_a_folder_that_goes_and_comes_back_is_followed_again(
    start, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_RETRY", 0.1)
    watching = start()
    watching.until(lambda: len(watching.reports) == 1)
    settings.docs.rename(settings.docs.with_name("away"))
    watching.until(lambda: bool(watching.errors))
    assert len(watching.texts()) == 4
    write(settings.docs, {"back.txt": "It is back."})
    watching.until(lambda: watching.texts() == {"back.txt": "It is back."})
    write(settings.docs, {"more.txt": "And more."})
    watching.until(lambda: len(watching.texts()) == 2)


def test_a_missing_folder_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="nowhere is not there"):
        watch.watch(tmp_path / "nowhere", lambda: None, lambda _: None, threading.Event())


def test_vanished_documents_are_reported_once_and_the_index_stays_until_they_are_back(
    start, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_RETRY", 0.1)
    monkeypatch.setattr(watch, "_RETRY_SHARE", 0)
    watching = start()
    watching.until(lambda: len(watching.reports) == 1)
    tried = len(watching.errors)
    for _ in range(2):
        settings.docs.rename(settings.docs.with_name("away"))
        settings.docs.mkdir()
        watching.until(lambda before=tried: len(watching.errors) == before + 1)
        time.sleep(1)  # time for several more tries
        assert len(watching.errors) == tried + 1
        assert isinstance(watching.errors[-1], DocumentsGoneError)
        assert len(watching.texts()) == 4
        settings.docs.rmdir()
        built = len(watching.reports)
        settings.docs.with_name("away").rename(settings.docs)
        watching.until(lambda before=built: len(watching.reports) > before)
        assert watching.published() == 1
        tried += 1
    write(settings.docs, {"new.txt": "And it goes on."})
    watching.until(lambda: "new.txt" in watching.texts())


def test_what_qa_writes_itself_starts_nothing(start, settings: Settings) -> None:
    inside = replace(
        settings,
        index=settings.docs / "index",
        judgements=settings.docs / "judged.jsonl",
        keys=settings.docs / "k",
    )
    watching = start(given=inside)
    watching.until(lambda: len(watching.reports) == 1)
    write(settings.docs, {"judged.jsonl": "{}\n", "k": "{}", "index/calibration.json": "{}"})
    time.sleep(6 * REST)
    assert len(watching.reports) == 1
    write(settings.docs, {"new.txt": "Something new."})
    watching.until(lambda: len(watching.reports) == 2)
    time.sleep(6 * REST)
    assert len(watching.reports) == 2
    assert len(watching.texts()) == 5


def test_it_tidies_now_and_then(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_TIDY", 0.1)
    tidied: list[int] = []

    def tidy() -> None:
        tidied.append(1)
        raise LockedError("somebody else builds")

    watching = start(tidy=tidy)
    watching.until(lambda: len(tidied) == 3)
    assert {str(error) for error in watching.errors} == {"somebody else builds"}
    assert len(watching.reports) == 1
