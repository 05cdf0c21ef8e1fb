"""Forgetting, where the index is served from a Milvus: only the live generation is left there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from corpus import write
from fake_encoder import StandIn

import qa.embedding.loading
from qa.cli.commands import main
from qa.config import Settings
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher
from qa.stores.milvus.upload import publish
from qa.types import Query
from stores.milvus.test_upload import _built, _kept


def _asked(settings: Settings) -> str:
    """Ask as a service does, which copies files of the generation into the cache; give the best passage."""
    live = LiveSearcher(settings, lambda _: StandIn())
    hits = live.current().search(Query("Who is the xylophonist?")).hits
    live._published.close()
    return hits[0].passage.text


def _copies(settings: Settings) -> list[str]:
    return [path.name for path in (settings.cache / "milvus").iterdir()]


@pytest.fixture
def two(small: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A Milvus with two generations, of which the first holds a file that was deleted since."""
    monkeypatch.setattr(qa.embedding.loading, "load_encoder", lambda *_: StandIn())
    secret = write(small.docs, {"secret.txt": "The xylophonist is a spy."}) / "secret.txt"
    publish(small.store, _built(small), None)
    assert "xylophonist" in _asked(small)
    secret.unlink()
    publish(small.store, _built(small), None)
    _asked(small)
    assert len(_kept(small)) == len(_copies(small)) == 2
    return small


def _run(settings: Settings, *words: str) -> int:
    environment = {
        "QA_STORE": settings.store, "QA_INDEX": str(settings.index), "QA_DOCS": str(settings.docs),
        "QA_CACHE": str(settings.cache),
    }  # fmt: skip
    return CliRunner().invoke(main, words, env=environment).exit_code


def test_what_is_forgotten_is_dropped_there_too(two: Settings) -> None:
    assert _run(two, "forget", "secret.txt") == 0
    assert _kept(two) == set(_copies(two))
    assert len(_kept(two)) == 1
    assert "xylophonist" not in _asked(two)
    assert _run(two, "forget", "secret.txt") == 1  # nothing knows it any more


def test_the_generation_before_goes_after_the_days(two: Settings) -> None:
    assert _run(two, "index") == 3
    assert len(_kept(two)) == 2
    when = time.time() - 8 * 86_400
    os.utime(two.index / "CURRENT", (when, when))
    assert _run(two, "index") == 3
    assert len(_kept(two)) == 1
    assert "xylophonist" not in _asked(two)


def test_a_store_that_is_away_forgets_nothing_here(two: Settings, tmp_path: Path) -> None:
    gone = f"milvus+{tmp_path / 'nowhere' / 'index.db'}"
    environment = {"QA_STORE": gone, "QA_INDEX": str(two.index), "QA_DOCS": str(two.docs)}
    assert build(two, StandIn()).changed is False
    live = sorted((two.index / "generations").iterdir())
    assert len(live) == 2
    result = CliRunner().invoke(main, ("forget", "secret.txt"), env=environment)
    assert result.exit_code == 1
    assert sorted((two.index / "generations").iterdir()) == live
