"""A backup: unpacked, it is the index that it was made of, whatever went on meanwhile."""

from __future__ import annotations

import json
import os
import tarfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from corpus import write
from fake_encoder import StandIn

from qa.cli.commands import main
from qa.config import Settings
from qa.errors import CorruptIndexError, IndexUnavailableError, QAError, SettingsError
from qa.index import calibration_file, generation
from qa.index.manifest import MANIFEST
from qa.indexing import backup, ledger
from qa.indexing.build import build
from qa.news.changes import Change, Memory
from qa.news.news_file import Asked, News, NewsFile, read_news, write_news
from qa.news.undelivered import Undelivered, add_undelivered, read_undelivered
from qa.retrieval import calibration, calibrator
from qa.retrieval.live import LiveSearcher
from qa.types import Query


@pytest.fixture
def whole(settings: Settings, tmp_path: Path) -> Settings:
    """An index with all that may stand beside it."""
    beside = write(tmp_path, {"judged.jsonl": '{"question": "Who?"}\n', "keys.json": '{"keys": []}'})
    settings = replace(settings, judgements=beside / "judged.jsonl", keys=beside / "keys.json")
    build(settings, StandIn())
    live = generation.load(generation.current(settings.index))
    calibration.write(settings.index, calibrator.measure(live, StandIn()))
    return settings


def _restored(settings: Settings, file: Path) -> Settings:
    """Unpack a backup into a new folder, as docs/backup.md has it."""
    index = settings.index.with_name(f"restored-{file.stem}")
    with tarfile.open(file) as archive:
        archive.extractall(index, filter="data")
    return replace(settings, index=index)


def _answer(settings: Settings) -> list[tuple[str, float]]:
    hits = LiveSearcher(settings, lambda _: StandIn()).current().search(Query("Who sold rice?")).hits
    return [(hit.passage.id, hit.score) for hit in hits]


def test_what_is_restored_is_what_was_saved(whole: Settings, tmp_path: Path) -> None:
    done = backup.write(whole, tmp_path / "a.tar")
    restored = _restored(whole, tmp_path / "a.tar")
    live = generation.current(restored.index)
    assert live.name == done.generation == generation.current(whole.index).name
    generation.verify(live)
    ledger.verify(restored.index)
    assert ledger.entries(restored.index) == ledger.entries(whole.index)
    assert calibration_file.read(restored.index) == calibration_file.read(whole.index)
    assert _answer(restored) == _answer(whole)
    report = build(restored, StandIn())
    assert (report.changed, report.reason) == (False, "nothing has changed")
    beside = {path.name: path.read_bytes() for path in (restored.index / backup.BESIDE).iterdir()}
    assert beside == {"judged.jsonl": b'{"question": "Who?"}\n'}
    assert done.bytes == (tmp_path / "a.tar").stat().st_size
    assert not done.keys


def test_keys_are_included_on_request(whole: Settings, tmp_path: Path) -> None:
    assert backup.write(whole, tmp_path / "a.tar", keys=True).keys
    restored = _restored(whole, tmp_path / "a.tar")
    assert (restored.index / backup.BESIDE / "keys.json").read_text() == '{"keys": []}'
    assert not backup.write(replace(whole, keys=Path("none")), tmp_path / "b.tar", keys=True).keys


def test_only_its_owner_may_read_it(whole: Settings, tmp_path: Path) -> None:
    backup.write(whole, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").stat().st_mode & 0o777 == 0o600
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert {(entry.mode, entry.uid, entry.uname) for entry in archive} == {(0o600, 0, "")}


def test_the_pointer_stands_last_so_that_a_part_is_no_index(whole: Settings, tmp_path: Path) -> None:
    backup.write(whole, tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert archive.getnames()[-1] == generation.POINTER
        names = archive.getnames()[:-1]
        for name in names:
            archive.extract(name, tmp_path / "part", filter="data")
    with pytest.raises(IndexUnavailableError, match="there is no index"):
        generation.current(tmp_path / "part")


def test_an_existing_file_stays_without_overwrite(whole: Settings, tmp_path: Path) -> None:
    file = write(tmp_path, {"a.tar": "mine"}) / "a.tar"
    with pytest.raises(SettingsError, match=r"a\.tar already exists"):
        backup.write(whole, file)
    assert file.read_text() == "mine"
    with pytest.raises(SettingsError, match="cannot be written: its folder does not exist"):
        backup.write(whole, tmp_path / "none" / "a.tar")
    backup.write(whole, file, overwrite=True)
    assert tarfile.is_tarfile(file)


@pytest.mark.parametrize("overwrite", [True, False])
def test_what_is_no_regular_file_is_not_replaced(whole: Settings, tmp_path: Path, overwrite: bool) -> None:  # noqa: FBT001
    os.mkfifo(tmp_path / "pipe.tar")
    (tmp_path / "link.tar").symlink_to("pipe.tar")
    (tmp_path / "folder.tar").mkdir()
    for name in ("pipe.tar", "link.tar", "folder.tar"):
        with pytest.raises(SettingsError, match=rf"{name} exists and is not a regular file"):
            backup.write(whole, tmp_path / name, overwrite=overwrite)
    assert (tmp_path / "pipe.tar").is_fifo()


@pytest.mark.parametrize("name", [generation.POINTER, ledger.NAME, "new.tar"])
def test_the_index_is_no_place_for_its_backup(whole: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / "way").symlink_to(whole.index)
    for place in (whole.index / name, tmp_path / "way" / name):
        with pytest.raises(SettingsError, match="is in the folder of the index"):
            backup.write(whole, place, overwrite=True)
    generation.verify(generation.current(whole.index))
    ledger.verify(whole.index)


def _left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if ".tar" in path.name]


def test_a_damaged_index_makes_no_backup(whole: Settings, tmp_path: Path) -> None:
    path = generation.current(whole.index) / generation.SENTENCES
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)
    with pytest.raises(QAError, match=r"sentences\.int16 is not what was written: run `qa verify`"):
        backup.write(whole, tmp_path / "a.tar")
    path.unlink()
    with pytest.raises(QAError, match=r"cannot be written: .*No such file"):
        backup.write(whole, tmp_path / "a.tar")
    (generation.current(whole.index) / MANIFEST).write_text("{}")
    with pytest.raises(CorruptIndexError):
        backup.write(whole, tmp_path / "a.tar")
    assert _left(tmp_path) == []


def test_a_backup_that_differs_from_what_was_read_is_refused(
    whole: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ = backup._write

    def damaging(draft: Path, *arguments: object) -> dict[str, str]:
        expected = write_(draft, *arguments)
        data = bytearray(draft.read_bytes())
        data[data.index(b"passages.int16") + 600] ^= 1
        draft.write_bytes(data)
        return expected

    monkeypatch.setattr(backup, "_write", damaging)
    with pytest.raises(QAError, match=r"passages\.int16 is not what was written"):
        backup.write(whole, tmp_path / "a.tar")
    assert _left(tmp_path) == []


def test_a_full_disk_leaves_nothing(whole: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(QAError, match=r"a\.tar cannot be written: .*No space left"):
        backup.write(whole, tmp_path / "a.tar")
    assert _left(tmp_path) == []


def test_builds_go_on_meanwhile(whole: Settings, tmp_path: Path) -> None:
    stopped = threading.Event()
    failures: list[Exception] = []

    def build_on() -> None:
        number = 0
        try:
            while not stopped.is_set():
                number += 1
                write(whole.docs, {"new.txt": f"This is version {number} of a text."})
                build(whole, StandIn())
        except Exception as error:  # noqa: BLE001 -- told below
            failures.append(error)

    building = threading.Thread(target=build_on)
    building.start()
    saved: set[str] = set()
    ends = time.monotonic() + 60
    try:
        for number in count():
            if number >= 4 and (
                len(saved) > 1 or time.monotonic() > ends
            ):  # builds take long on a busy machine
                break
            saved.add(backup.write(whole, tmp_path / f"{number}.tar").generation)
            restored = _restored(whole, tmp_path / f"{number}.tar")
            generation.verify(generation.current(restored.index))
            ledger.verify(restored.index)
    finally:
        stopped.set()
        building.join()
    assert not failures
    assert len(saved) > 1


@pytest.fixture
def run(whole: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(whole.index.parent)
    return lambda *words: CliRunner().invoke(main, words)


def test_the_command_includes_the_news_and_what_of_it_is_undelivered(
    run: Callable[..., Result], whole: Settings, tmp_path: Path
) -> None:
    change = Change("new", "A title", None, None, "a.txt", None, None, "It is so.", None, None)
    news = News("urn:1", "trade", "How much?", "g1", "2026-11-28T09:00:00+00:00", (change,))
    asked = {"trade": Asked("How much?", news.created, Memory("", "", (), ()))}
    write_news(whole.index, NewsFile("g1", "", asked, (news,)))
    add_undelivered(whole.index, [Undelivered("urn:1", "trade", "webhook", 2)], {("urn:1", "webhook")})
    assert run("backup", "a.tar").exit_code == 0
    restored = _restored(whole, tmp_path / "a.tar").index
    assert read_news(restored) == read_news(whole.index)
    assert read_undelivered(restored) == (Undelivered("urn:1", "trade", "webhook", 2),)
    printed = json.loads(run("news", "--json", "--index", str(restored)).stdout)
    assert [each["id"] for each in printed["news"]] == ["urn:1"]
    with tarfile.open(tmp_path / "a.tar") as archive:
        names = archive.getnames()
    assert names.index("news.json") < names.index("undelivered.json")


def test_the_command(run: Callable[..., Result], whole: Settings) -> None:
    name = generation.current(whole.index).name
    said = run("backup", "a.tar", "--judgements", "judged.jsonl")
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith(f"generation {name} is in a.tar: ")
    assert said.stdout.endswith(" MB, checked\n")
    said = run("backup", "a.tar")
    assert (said.exit_code, said.stdout) == (2, "")
    assert "qa: a.tar already exists: name another file, or use --overwrite\n" in said.stderr
    done = json.loads(run("backup", "a.tar", "--overwrite", "--with-keys", "--json").stdout)
    assert (done["generation"], done["keys"], done["path"]) == (name, True, "a.tar")
    assert run("backup", "b.tar", "--index", "none").exit_code == 1
    _restored(whole, Path("a.tar"))
    said = run("verify", "--index", "restored-a")
    assert (said.exit_code, said.stdout) == (0, f"{name} is intact\n")
