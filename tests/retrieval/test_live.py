"""The live searcher: it follows what is published, and refuses what is damaged."""

from __future__ import annotations

import gc
import sqlite3
import time
from pathlib import Path

import pytest
from corpus import write
from fake_encoder import StandIn
from models import WORDS, exported, tiny

from qa.config import Settings
from qa.embedding.export.encoder import TOKENIZER
from qa.errors import CorruptIndexError, IndexUnavailableError, ModelError
from qa.index import generation
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher, encoder_of, load_tokenizer
from qa.stores.publication import publications
from qa.types import PassageInput, Query


def test_a_live_searcher_opens_what_is_published(settings: Settings) -> None:
    loads = []
    live = LiveSearcher(settings, lambda corpus: loads.append(corpus.manifest.model) or StandIn())
    with pytest.raises(IndexUnavailableError, match="run `qa index`"):
        live.current()
    build(settings, StandIn())
    first = live.current()
    assert live.current() is first
    write(settings.docs, {"new.txt": "A zeppelin landed in Phnom Penh."})
    build(settings, StandIn())
    second = live.current()
    assert second is not first
    assert "zeppelin" in second.search(Query("zeppelin")).hits[0].passage.text
    assert first.search(Query("rice")).hits
    assert loads == ["stand-in"]


def test_a_replaced_generation_is_closed_once_its_last_request_is_done(settings: Settings) -> None:
    live = LiveSearcher(settings, lambda _: StandIn())
    build(settings, StandIn())
    in_flight = live.current()
    connections = list(in_flight.library._connections)
    write(settings.docs, {"new.txt": "A zeppelin landed in Phnom Penh."})
    build(settings, StandIn())
    assert live.current() is not in_flight
    assert in_flight.search(Query("rice")).hits
    del in_flight
    gc.collect()
    assert connections
    for connection in connections:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_a_model_uses_the_tokenizer_that_was_loaded_before_if_it_is_its_own(
    settings: Settings, tmp_path: Path
) -> None:
    first, second = (
        exported(str(tiny(tmp_path / name, "mean", words=words)), tmp_path, "fp32")
        for name, words in (("first", WORDS), ("second", [*WORDS, "zeppelin"]))
    )
    build(settings, first)
    loaded = load_tokenizer(settings)
    opened = encoder_of(publications(settings).open(publications(settings).live()[0]), loaded)
    assert opened.tokenizer is loaded.tokenizer
    build(settings, second)
    opened = encoder_of(publications(settings).open(publications(settings).live()[0]), loaded)
    assert opened.tokenizer is not loaded.tokenizer
    assert opened.count_tokens(["zeppelin"]) == [1]


def test_no_tokenizer_is_loaded_before_where_none_can_be(settings: Settings, tmp_path: Path) -> None:
    assert load_tokenizer(settings) is None  # there is no index
    build(settings, StandIn())
    assert load_tokenizer(settings) is None  # the generation keeps no export
    build(settings, exported(str(tiny(tmp_path, "mean")), tmp_path, "fp32"))
    assert load_tokenizer(settings)
    (generation.current(settings.index) / generation.ENCODER / TOKENIZER).unlink()
    assert load_tokenizer(settings) is None  # it is gone


def test_the_time_taken_excludes_the_first_load_of_the_model(settings: Settings) -> None:
    class Slow(StandIn):
        """Takes half a second when it is first used."""

        def encode_queries(self, questions):
            if not self.encoded:
                time.sleep(0.5)
                self.encoded.append(PassageInput("", "warm", ()))
            return super().encode_queries(questions)

    build(settings, StandIn())
    result = LiveSearcher(settings, lambda _: Slow()).current().search(Query("rice"))
    assert 0 < result.took_ms < 500


def test_a_live_searcher_switches_models_with_the_index(settings: Settings) -> None:
    models = {"stand-in": StandIn(), "other": StandIn(name="other", fingerprint="ff", dimension=24)}
    live = LiveSearcher(settings, lambda corpus: models[corpus.manifest.model])
    build(settings, models["stand-in"])
    live.current()
    build(settings, models["other"])
    assert live.current().search(Query("rice")).index.model == "other"


def test_a_model_that_has_changed_is_refused(settings: Settings, built: Path) -> None:
    live = LiveSearcher(settings, lambda _: StandIn(fingerprint="changed"))
    with pytest.raises(ModelError, match=r"'stand-in' has changed.*run `qa index`"):
        live.current()


def test_a_damaged_generation_is_refused(settings: Settings, built: Path) -> None:
    (built / "sentences.int16").write_bytes(b"")
    with pytest.raises(CorruptIndexError, match=r"sentences\.int16"):
        LiveSearcher(settings, lambda _: StandIn()).current()


@pytest.mark.parametrize("checked_first", [2**27, 0])
def test_rotten_bits_are_an_error_instead_of_an_answer(
    settings: Settings, built: Path, monkeypatch: pytest.MonkeyPatch, checked_first: int
) -> None:
    monkeypatch.setattr("qa.retrieval.live._CHECKED_FIRST", checked_first)
    store = built / "store.sqlite"
    store.write_bytes(store.read_bytes().replace(b"rice", b"lice"))
    live = LiveSearcher(settings, lambda _: StandIn())

    def ask() -> None:
        for _ in range(100):
            live.current()
            time.sleep(0.05)

    with pytest.raises(CorruptIndexError, match=r"store\.sqlite is not what was written.*run `qa index`"):
        ask()
    with pytest.raises(CorruptIndexError):
        live.current()
    build(settings, StandIn())
    assert "rice" in live.current().search(Query("rice")).hits[0].passage.text
