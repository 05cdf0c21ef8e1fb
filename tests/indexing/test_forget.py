"""Forgetting: no byte of a file's text or name is left in the index's folder, and nothing else is lost."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from corpus import write
from fake_encoder import StandIn

from qa.cli.commands import main
from qa.config import Settings
from qa.errors import BuildError, DocumentsGoneError, LockedError, NotFoundError, SettingsError
from qa.index import generation
from qa.indexing import forget as forgetting
from qa.indexing import ledger
from qa.indexing.build import Report, build
from qa.indexing.forget import forget
from qa.readers import recognition_cache
from qa.readers.recognised_words import RecognisedText

SECRET = {
    "secret/plan.txt": "The word xylophonist stands here alone.\n\nAnd quagmirevale below it.\n",
    "secret/rows.jsonl": (
        '{"id": "zanzibarite", "text": "A row about xylophonists.", "source": "Flumphpress"}\n{}\n'
    ),
    "secret/broken.pdf": b"%PDF-1.7 xylophonist",
    "secret.txt": "This file beside the folder stays.",
}
_WORDS = ("xylophonist", "quagmirevale", "zanzibarite", "Flumphpress", "secret/plan", "broken.pdf")


@pytest.fixture
def known(settings: Settings) -> Settings:
    """An index in which the words are."""
    write(settings.docs, SECRET)
    build(settings, StandIn())
    return settings


def _left(settings: Settings) -> set[tuple[str, str]]:
    """Look for the words in every byte of every file of the index, and in the files' names."""
    found = set()
    for path in settings.index.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        for word in _WORDS:
            for form in (word.encode(), word.encode("utf-16-le")):
                if form.lower() in data.lower() or word in str(path.relative_to(settings.index)):
                    found.add((path.name, word))
    return found


def _rebuild(settings: Settings, places: Collection[str]) -> Report:
    return build(settings, StandIn(), forgotten=places)


def _forget(settings: Settings, *paths: str) -> forgetting.Forgotten:
    return forget(settings, paths, partial(_rebuild, settings))


def _delete(settings: Settings) -> None:
    shutil.rmtree(settings.docs / "secret")


def _whole(settings: Settings) -> None:
    live = generation.current(settings.index)
    generation.verify(live)
    ledger.verify(settings.index)
    paths = {document.path for document in generation.load(live).store.all_documents()}
    assert paths == {"envoy.txt", "trade.md", "notes/people.jsonl", "ru/visit.txt", "secret.txt"}
    assert not build(settings, StandIn()).changed


def _still_live(_: Settings) -> None:
    """The file is still in the live generation."""


def _in_the_one_before(settings: Settings) -> None:
    build(settings, StandIn())


def _in_a_draft(settings: Settings) -> None:
    folder = settings.index / "generations"
    shutil.copytree(generation.current(settings.index), folder / ".20260102T030405Z-1a2b3c4d")
    write(settings.index, {"shards/one": "xylophonist", ".ledger.sqlite": "secret/plan"})
    build(settings, StandIn())
    write(settings.index, {"shards/one": "xylophonist", ".ledger.sqlite": "secret/plan"})


def _in_one_that_is_damaged(settings: Settings) -> None:
    live = generation.current(settings.index)
    build(settings, StandIn())
    (live / generation.STORE).write_bytes(b"xylophonist")


def _in_a_damaged_ledger(settings: Settings) -> None:
    build(settings, StandIn())
    path = settings.index / ledger.NAME
    path.write_bytes(path.read_bytes() + b"secret/plan")


@pytest.mark.parametrize(
    "state", [_still_live, _in_the_one_before, _in_a_draft, _in_one_that_is_damaged, _in_a_damaged_ledger]
)
def test_no_byte_is_left_and_nothing_else_is_lost(known: Settings, state: Callable[[Settings], None]) -> None:
    assert {word for _, word in _left(known)} == set(_WORDS)
    _delete(known)
    state(known)
    assert _left(known)
    done = _forget(known, "secret")
    assert _left(known) == set()
    assert not (known.index / "vector_cache").exists()
    assert "secret/plan.txt" in done.files
    assert done.rebuilt == (state is _still_live)
    assert done.generation == generation.current(known.index).name
    _whole(known)
    assert "secret.txt" in {entry.path for entry in ledger.entries(known.index)}


def test_recognised_pages_are_removed(known: Settings, tmp_path: Path) -> None:
    with_cache = replace(known, cache=tmp_path / "cache")
    recognition_cache.keep(with_cache.cache, "ab", RecognisedText((), 0.0))
    _delete(with_cache)
    _forget(with_cache, "secret")
    assert not list(with_cache.cache.rglob("ab"))


def test_others_stay_in_the_ledger_and_in_the_generation_before(known: Settings) -> None:
    (known.docs / "trade.md").rename(known.docs / "trade2.md")
    write(known.docs, {"photo.psd": b"x"})
    build(known, StandIn())
    (known.docs / "photo.psd").unlink()
    build(known, StandIn())
    before = {entry.path: (entry.state, entry.since) for entry in ledger.entries(known.index)}
    assert before["trade.md"][0] == "gone"
    done = _forget(known, "photo.psd")
    assert (done.files, done.removed, done.rebuilt) == (("photo.psd",), (), False)
    after = {entry.path: (entry.state, entry.since) for entry in ledger.entries(known.index)}
    assert after == {path: facts for path, facts in before.items() if path != "photo.psd"}
    assert ledger.summary(known.index).counts["gone"] == 1


def test_one_file_by_its_name_in_the_ledger_or_its_place(known: Settings) -> None:
    (known.docs / "secret/plan.txt").unlink()
    assert _forget(known, str(known.docs / "secret" / "plan.txt"), "secret/plan.txt").paths == (
        "secret/plan.txt",
    )
    assert {word for _, word in _left(known)}.isdisjoint({"quagmirevale", "secret/plan"})
    assert {word for _, word in _left(known)} >= {"zanzibarite", "broken.pdf"}


def test_what_is_still_there_is_not_forgotten(known: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    live = generation.current(known.index)
    for path in ("secret", "secret/plan.txt"):
        with pytest.raises(BuildError, match="is still there: delete it first"):
            _forget(known, path)
    (known.docs / "secret/plan.txt").unlink()
    with pytest.raises(BuildError, match=r"rows\.jsonl is still there"):
        _forget(known, "secret/plan.txt", "secret/rows.jsonl")

    def fail(_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as for_now:
        for_now.setattr(os, "lstat", fail)
        with pytest.raises(BuildError, match=r"cannot determine whether .*: Input/output error"):
            _forget(known, "secret/plan.txt")
    assert generation.current(known.index) == live
    assert "secret/plan" in {word for _, word in _left(known)}


@pytest.mark.parametrize("path", ["", ".", "/", "..", "../docs/secret", "secret/../..", "/etc/passwd"])
def test_a_path_outside_the_folder_is_refused(known: Settings, path: str) -> None:
    with pytest.raises(SettingsError, match=r"is not (the path of a file|in the documents folder)"):
        _forget(known, path)


def test_an_unknown_name_is_an_error(known: Settings) -> None:
    with pytest.raises(NotFoundError, match="has no file or folder secre: `qa status --files`"):
        _forget(known, "secre")


def test_documents_that_are_not_mounted_are_not_forgotten_with_it(known: Settings) -> None:
    live = generation.current(known.index)
    known.docs.rename(known.docs.with_name("away"))
    with pytest.raises(BuildError, match="is it mounted"):
        _forget(known, "secret")
    known.docs.mkdir()
    with pytest.raises(DocumentsGoneError):
        _forget(known, "secret")
    write(known.docs, {"other.txt": "Another folder."})
    with pytest.raises(DocumentsGoneError):
        _forget(known, "secret")
    assert generation.current(known.index) == live
    generation.verify(live)


def test_the_last_file_can_be_forgotten(tmp_path: Path) -> None:
    settings = Settings(docs=write(tmp_path / "docs", SECRET), index=tmp_path / "index")
    (settings.docs / "secret.txt").unlink()
    build(settings, StandIn())
    _delete(settings)
    assert _forget(settings, "secret").rebuilt
    assert _left(settings) == set()


def test_what_a_service_has_open_goes_too_and_it_reads_on(
    known: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "_PATIENCE", 0.2)
    reader = generation.load(generation.current(known.index))
    _delete(known)
    done = _forget(known, "secret")
    assert done.still_open == done.removed == (reader.folder.name,)
    assert _left(known) == set()
    assert len(reader.store.text(next(reader.store.all_documents()).id)) > 0


def test_forgetting_during_a_build_is_refused(known: Settings) -> None:
    _delete(known)
    build(known, StandIn())
    from qa.indexing import lock

    with lock.hold(known.index), pytest.raises(LockedError):
        _forget(known, "secret")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, known: Settings) -> Callable[..., Result]:
    import qa.embedding.loading

    monkeypatch.chdir(known.index.parent)
    monkeypatch.setattr(qa.embedding.loading, "load_encoder", lambda *_: StandIn())
    return lambda *words: CliRunner().invoke(main, words)


def test_the_command(run: Callable[..., Result], known: Settings) -> None:
    said = run("forget", "secret", "--docs", "docs")
    assert (said.exit_code, said.stdout) == (1, "")
    assert "qa: docs/secret is still there: delete it first, then run `qa forget` again\n" in said.stderr
    _delete(known)
    assert run("forget", "../x", "--docs", "docs").exit_code == 2
    assert run("forget", "--docs", "docs").exit_code == 2
    said = run("forget", "secret", "--docs", "docs", "--json")
    assert said.exit_code == 0, said.output
    done = json.loads(said.stdout)
    assert done["files"] == ["secret/broken.pdf", "secret/plan.txt", "secret/rows.jsonl"]
    assert done["rebuilt"] is True
    assert _left(known) == set()
    write(known.docs, {"more.txt": "One more."})
    run("index", "docs")
    (known.docs / "more.txt").unlink()
    said = run("forget", "more.txt", "--docs", "docs")
    assert said.stdout == "1 file forgotten, 1 earlier generation removed, a new generation published\n"


def test_a_refused_build_says_so_and_exits_with_1(run: Callable[..., Result], known: Settings) -> None:
    shutil.rmtree(known.docs)
    known.docs.mkdir()
    said = run("index", "docs")
    assert (said.exit_code, said.stdout) == (1, "")
    assert (
        "qa: the documents folder docs is empty, and 8 of 8 indexed files are gone: the index stays"
        in said.stderr
    )
    assert run("index", "docs", "--allow-empty").exit_code == 0
    said = run("index", "docs", "--index", "docs")
    assert said.exit_code == 2
    assert "is also the folder of the index" in said.stderr
