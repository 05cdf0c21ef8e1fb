"""Vectors of what has left the index: what comes back is not embedded anew, and is what it was."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from corpus import DOCUMENTS, write, write_many
from fake_encoder import StandIn

from indexing.test_build import _assert_same, _live
from qa.config import Settings
from qa.index import generation
from qa.indexing import vector_cache
from qa.indexing.build import build


@pytest.fixture
def many(tmp_path: Path) -> Settings:
    """An index of 60 documents in two folders."""
    settings = Settings(docs=write_many(tmp_path / "many"), index=tmp_path / "index")
    build(settings, StandIn())
    return settings


def _files(settings: Settings) -> list[Path]:
    return sorted((settings.index / "vector_cache").glob("*"))


def _go(settings: Settings) -> int:
    """Let a folder go; give how many passages went."""
    before = _live(settings).manifest.passages
    (settings.docs / "a").rename(settings.docs.with_name("away"))
    build(settings, StandIn())
    return before - _live(settings).manifest.passages


def _come_back(settings: Settings) -> int:
    """Let it come back; give how many passages were embedded for it."""
    settings.docs.with_name("away").rename(settings.docs / "a")
    report = build(settings, StandIn())
    assert report.changed
    return report.embedded


def test_what_comes_back_is_not_embedded_anew_and_is_the_same(many: Settings, tmp_path: Path) -> None:
    went = _go(many)
    assert went > 50
    for number in range(3):  # so that no generation has it any more
        write(many.docs, {"note.txt": f"This is version {number} of a note."})
        build(many, StandIn())
    assert _come_back(many) == 0
    afresh = replace(many, index=tmp_path / "afresh")
    build(afresh, StandIn())
    _assert_same(_live(many), _live(afresh))
    generation.verify(generation.current(many.index))


def test_a_text_that_is_put_back_as_it_was_is_not_embedded_anew(settings: Settings) -> None:
    build(settings, StandIn())
    write(settings.docs, {"trade.md": DOCUMENTS["trade.md"].replace("by half", "by a third")})
    assert build(settings, StandIn()).embedded == 1
    write(settings.docs, {"trade.md": DOCUMENTS["trade.md"]})
    assert build(settings, StandIn()).embedded == 0


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "folder"])
def test_damaged_files_are_passed_over(many: Settings, tmp_path: Path, damage: str) -> None:
    went = _go(many)
    (file,) = _files(many)
    data = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        middle = len(data) // 3
        flipped = data[:middle] + bytes([data[middle] ^ 8]) + data[middle + 1 :]
        file.write_bytes({"cut": data[:middle], "flip": flipped, "empty": b""}[damage])
    assert _come_back(many) == went
    afresh = replace(many, index=tmp_path / "afresh")
    build(afresh, StandIn())
    np_same = _live(many).manifest.passages == _live(afresh).manifest.passages
    assert np_same
    generation.verify(generation.current(many.index))


def test_vectors_of_another_model_are_passed_over(many: Settings) -> None:
    went = _go(many)
    many.docs.with_name("away").rename(many.docs / "a")
    other = StandIn(fingerprint="another")
    report = build(many, other)
    assert report.embedded == report.passages > went


def test_they_go_after_some_days_and_where_they_are_too_many(
    many: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _go(many)
    (file,) = _files(many)
    week = time.time() - 7 * 86_400
    os.utime(file, (week + 60, week + 60))
    build(many, StandIn())
    assert file.exists()
    os.utime(file, (week - 1, week - 1))
    build(many, StandIn())
    assert not file.exists()
    monkeypatch.setattr(vector_cache, "_MOST_FILES", 2)
    for number in range(5):
        write(many.docs, {"note.txt": f"This is version {number} of a note."})
        build(many, StandIn())
    assert len(_files(many)) == 2
    newest = _files(many)[-1]
    monkeypatch.setattr(vector_cache, "_MOST_BYTES", newest.stat().st_size)
    build(many, StandIn())
    assert _files(many) == [newest]


def test_no_day_keeps_nothing(many: Settings) -> None:
    none = replace(many, retention_days=0)
    went = _go(none)
    assert _files(many) == []
    assert len(list((many.index / "generations").iterdir())) == 1
    assert _come_back(none) == went


def test_a_disk_without_room_for_them_builds_all_the_same(many: Settings) -> None:
    write(many.index, {"vector_cache": "a file where a folder should be"})
    shutil.rmtree(many.docs / "b")
    assert build(many, StandIn()).documents == 30
