"""A disk that is full or read-only: the index that was live still is, and the next run goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from corpus import write
from fake_encoder import StandIn

from qa.config import Settings
from qa.errors import BuildError
from qa.index import generation
from qa.indexing import ledger
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher
from qa.types import Query

SIZE = 3 * 2**20


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system with little room: the words of whole languages would fill it."""
    monkeypatch.setattr("qa.index.lexical.known_words.real_words", lambda *_: None)
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small file system")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def _answers(settings: Settings) -> str:
    live = LiveSearcher(settings, lambda _: StandIn()).current()
    return live.search(Query("Who sold rice?")).hits[0].passage.text


def test_a_full_disk_loses_nothing(settings: Settings, small: Path) -> None:
    settings = replace(settings, index=small / "index")
    old = build(settings, StandIn()).generation
    answer = _answers(settings)
    write(settings.docs, {"more.txt": "\n\n".join(f"Paragraph {i} says more of it. " * 9 for i in range(40))})
    filler = small / "filler"
    told: list[str] = []
    # Each time a little more room: the disk is full at one step of the build after the other.
    for room in range(0, 1_500_000, 60_000):
        filler.unlink(missing_ok=True)
        with filler.open("wb") as file:
            stat = os.statvfs(small)
            os.posix_fallocate(file.fileno(), 0, max(stat.f_bavail * stat.f_frsize - room, 1))
        try:
            new = build(settings, StandIn())
        except BuildError as error:
            told.append(str(error))
        else:
            assert new.generation != old
            break
        generation.verify(generation.current(settings.index))
        ledger.verify(settings.index)
        assert _answers(settings) == answer
    assert len(told) >= 3
    assert all("cannot be written" in one for one in told)
    filler.unlink()
    build(settings, StandIn())
    generation.verify(generation.current(settings.index))
    assert _answers(settings) == answer
    assert not [path for path in (settings.index / "generations").iterdir() if path.name.startswith(".")]


def test_a_folder_that_becomes_read_only_serves_on(settings: Settings, small: Path) -> None:
    settings = replace(settings, index=small / "index")
    build(settings, StandIn())
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    write(settings.docs, {"more.txt": "There is more."})
    with pytest.raises(BuildError, match=r"cannot be written.*Read-only"):
        build(settings, StandIn())
    generation.verify(generation.current(settings.index))
    assert "ice" in _answers(settings)
    assert ledger.summary(settings.index).counts["indexed"] == 3
    subprocess.run(["mount", "-o", "remount,rw", small], check=True)
    assert build(settings, StandIn()).changed
