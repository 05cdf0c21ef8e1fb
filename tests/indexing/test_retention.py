"""What is not live goes after the days that are set, but not while somebody reads it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from corpus import write
from fake_encoder import StandIn

from qa.config import Settings
from qa.index import generation
from qa.indexing import lock, retention
from qa.indexing.build import build

_DAY = 86_400


@pytest.fixture
def two(settings: Settings) -> Settings:
    """An index with a live generation, and one before it that holds a file that was deleted."""
    write(settings.docs, {"secret.txt": "The password is xylophonist."})
    build(settings, StandIn())
    (settings.docs / "secret.txt").unlink()
    build(settings, StandIn())
    return settings


def _generations(settings: Settings) -> list[Path]:
    return sorted((settings.index / "generations").iterdir())


def _age(settings: Settings, days: float) -> None:
    """Let the live generation have been live for so long, and so everything else."""
    when = time.time() - days * _DAY
    for path in (settings.index / "CURRENT", *(settings.index / "vector_cache").iterdir()):
        os.utime(path, (when, when))


def test_an_earlier_generation_goes_after_the_days(two: Settings) -> None:
    live = generation.current(two.index)
    _age(two, 6.9)
    assert not build(two, StandIn()).changed
    assert len(_generations(two)) == 2
    _age(two, 7.1)
    assert not build(two, StandIn()).changed
    assert _generations(two) == [live]
    assert not list((two.index / "vector_cache").iterdir())


def test_one_that_is_read_goes_once_it_is_not(two: Settings) -> None:
    earlier = retention.earlier(two.index)[0]
    reader = generation.load(earlier)
    _age(two, 8)
    build(two, StandIn())
    assert earlier.is_dir()
    assert reader.store.counts()[0] == 6
    del reader
    build(two, StandIn())
    assert not earlier.exists()


def test_without_a_build_it_goes_unless_somebody_builds(two: Settings) -> None:
    _age(two, 8)
    with lock.hold(two.index):
        retention.expire_unless_locked(two.index, 7)
        assert len(_generations(two)) == 2
    retention.expire_unless_locked(two.index, 7)
    assert len(_generations(two)) == 1


def test_where_none_is_live_none_goes(two: Settings) -> None:
    _age(two, 8)
    pointer = two.index / "CURRENT"
    facts = pointer.stat()
    pointer.write_text("nobody\n")
    os.utime(pointer, (facts.st_atime, facts.st_mtime))
    retention.expire_unless_locked(two.index, 7)
    assert len(_generations(two)) == 2
