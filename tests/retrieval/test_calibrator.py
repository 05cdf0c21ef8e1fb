"""Measuring a calibration, and what follows from what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from corpus import DOCUMENTS, write, write_many
from fake_encoder import StandIn
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qa.arrays import Affine, unit
from qa.config import Settings
from qa.embedding.model_protocols import Encoder
from qa.embedding.models import KNOWN
from qa.index import generation
from qa.index.generation import Generation
from qa.indexing.build import build
from qa.retrieval import calibration, calibrator
from qa.retrieval.calibration import REFERENCE, Calibration, Measurement, not_calibrated
from qa.retrieval.candidates import dense_candidates, lexical_candidates, merge
from qa.retrieval.fits import fit_for
from qa.retrieval.searcher import Searcher
from qa.retrieval.signals import QuestionSignals, Signals
from qa.types import Float32, Mode, PassageInput, PassageVectors, Query, QueryVectors

_QUESTIONS = ["Which minister spoke of the harvest?", "rice port bridge", "zeppelin"]


class Squeezed:
    """A stand-in whose cosines are (cosine + 3) / 4: its vectors have something in common."""

    name = "squeezed"
    fingerprint = "squeezed"

    def __init__(self) -> None:
        self._plain = StandIn()
        self.dimension = self._plain.dimension + 1
        self.max_tokens = self._plain.max_tokens
        self.count_tokens = self._plain.count_tokens
        self.count_query_tokens = self._plain.count_query_tokens
        self.check, self.save = self._plain.check, self._plain.save

    def encode_queries(self, questions: Sequence[str]) -> list[QueryVectors]:
        return [
            replace(one, vector=_squeeze(one.vector), tokens=_squeeze(one.tokens))
            for one in self._plain.encode_queries(questions)
        ]

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        return [
            replace(
                one,
                passage=_squeeze(one.passage),
                sentences=_squeeze(one.sentences),
                tokens=_squeeze(one.tokens),
            )
            for one in self._plain.encode_passages(passages)
        ]


def _squeeze(vectors: Float32) -> Float32:
    own = unit(vectors)
    return unit(np.concatenate([own, np.full((*own.shape[:-1], 1), 3**0.5)], axis=-1))


@pytest.fixture(scope="module")
def squeezed(tmp_path_factory: pytest.TempPathFactory) -> Generation:
    """The generation ``large`` as ``Squeezed`` makes it."""
    root = tmp_path_factory.mktemp("squeezed")
    settings = Settings(docs=write_many(root / "docs"), index=root / "index")
    build(settings, Squeezed())
    return generation.load(generation.current(settings.index))


def _signals(generation_: Generation, encoder: Encoder, calibration_: Calibration) -> list[Signals]:
    rows, languages = np.arange(len(generation_.passages)), ["en"]
    signals = []
    for question, vectors in zip(_QUESTIONS, encoder.encode_queries(_QUESTIONS), strict=True):
        query = Query(question)
        lexical = lexical_candidates(generation_, query, 20, languages, None)
        candidates = merge(query, 20, lexical, dense_candidates(generation_, vectors, 20, None))
        computed = QuestionSignals(generation_, candidates, calibration_)
        signals.append({**computed.closer(rows), **computed.score_sentences(rows)[0]})
    return signals


# What follows from what is measured


@given(st.floats(-0.5, 0.97), st.sampled_from(sorted(REFERENCE.values())))
def test_a_map_moves_the_mean_to_the_reference_and_keeps_1(mean: float, usual: float) -> None:
    cosines = calibrator._map(mean, usual)
    if abs(mean - usual) <= calibrator._USUAL_DIFFERENCE:
        assert cosines == Affine()
        return
    low, high = cosines(np.array([mean, 1], np.float32))
    assert low == pytest.approx(usual, abs=1e-4)
    assert high == pytest.approx(1, abs=1e-5)
    assert cosines.scale > 0


@given(st.lists(st.floats(-20, 20, width=32), max_size=60))
def test_a_bias_only_lowers_and_no_further_than_needed_or_allowed(log_odds: list[float]) -> None:
    told = np.array(log_odds, np.float32)
    bias = calibrator._bias(told)
    if len(told) < calibrator._MIN_QUESTIONS:
        assert bias == 0
        return
    most = float(np.quantile(told, 0.9))
    assert -calibrator._LARGEST_BIAS <= bias <= 0
    quarter = np.log(1 / 3)
    if most <= quarter:
        assert bias == 0
    elif bias > -calibrator._LARGEST_BIAS:
        assert most + bias == pytest.approx(quarter, abs=1e-4)


@pytest.mark.parametrize("language", calibrator.LANGUAGES)
def test_the_questions_are_many_and_all_different(language: str) -> None:
    lines = calibrator.questions(language)
    assert len(lines) == len(set(lines)) >= 40
    assert all(line.endswith("?") and line == line.strip() for line in lines)


# Measuring


@pytest.mark.parametrize("mode", Mode)
def test_without_a_calibration_nothing_changes(large: Generation, mode: Mode) -> None:
    queries = [Query(question, mode=mode) for question in _QUESTIONS]
    plain = Searcher(large, StandIn()).search_many(queries)
    same = Searcher(large, StandIn(), None, not_calibrated(fit_for("stand-in"))).search_many(queries)
    assert [(r.confidence, r.hits) for r in plain] == [(r.confidence, r.hits) for r in same]


@given(arrays(np.float32, 20, elements=st.floats(-1, 1, width=32)))
def test_the_default_map_changes_no_bit(cosines: Float32) -> None:
    mapped = Affine()(cosines)
    assert mapped.dtype == np.float32
    assert np.array_equal(mapped, cosines)


def test_a_model_of_another_scale_agrees_once_calibrated(large: Generation, squeezed: Generation) -> None:
    """Both are brought to the reference. What tokens have in common is gone before, with their mean."""
    plain, other = calibrator.measure(large, StandIn()), calibrator.measure(squeezed, Squeezed())
    assert other.means["sentence"] == pytest.approx((plain.means["sentence"] + 3) / 4, abs=1e-3)
    assert other.calibration.sentence.scale > 3
    assert other.means["interaction"] == pytest.approx(plain.means["interaction"], abs=0.02)
    ours = _signals(large, StandIn(), _always(plain))
    theirs = _signals(squeezed, Squeezed(), _always(other))
    raw = _signals(squeezed, Squeezed(), Calibration())
    for one, same, far in zip(ours, theirs, raw, strict=True):
        for name in ("dense", "sentence"):
            np.testing.assert_allclose(same[name], one[name], atol=2e-3)
        np.testing.assert_allclose(same["interaction"], one["interaction"], atol=0.06)
        assert np.abs(far["sentence"] - one["sentence"]).mean() > 0.3


def _always(measured: Measurement) -> Calibration:
    """Map to the reference even cosines that are about there already."""

    def line(name: str) -> Affine:
        scale = (1 - REFERENCE[name]) / (1 - measured.means[name])
        return Affine(scale, 1 - scale)

    return Calibration(line("sentence"), line("interaction"))


def test_a_calibrated_model_ranks_as_the_one_whose_scale_it_gets(
    large: Generation, squeezed: Generation
) -> None:
    made = calibrator.measure(squeezed, Squeezed()).calibration
    query = Query("Which minister spoke of the harvest?", k=20)
    searchers = (
        Searcher(large, StandIn(), None, calibrator.measure(large, StandIn()).calibration),
        Searcher(squeezed, Squeezed(), None, made),
        Searcher(squeezed, Squeezed()),
    )
    ours, theirs, raw = (searcher.search(query) for searcher in searchers)
    scores = {hit.passage.id: hit.score for hit in ours.hits}
    there = [scores[hit.passage.id] for hit in theirs.hits[:5]]
    # A token's 8 bits leave a little between them: what is as good may change places.
    assert there == pytest.approx(list(scores.values())[:5], abs=0.001)
    assert theirs.confidence == pytest.approx(ours.confidence, abs=0.1)
    assert raw.confidence > theirs.confidence


def test_calibrating_lowers_the_confidence_in_unrelated_questions(squeezed: Generation) -> None:
    measurement = calibrator.measure(squeezed, Squeezed())
    assert measurement.taken_before >= measurement.taken_after
    assert measurement.before > measurement.after
    assert measurement.after <= 0.2501


def test_a_generation_always_gets_the_same_calibration(large: Generation) -> None:
    one, other = (replace(calibrator.measure(large, StandIn()), created="") for _ in range(2))
    assert one == other
    assert (one.questions, one.languages) == (len(calibrator.questions("en")), ("en",))
    assert one.passages == min(len(large.passages), calibrator._SAMPLE)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (DOCUMENTS["ru/visit.txt"], "ru"),
        (DOCUMENTS["envoy.txt"], "en"),
        ("Der Minister unterschrieb einen Vertrag über Reis und über die Brücke am Fluss.", "en"),
    ],
)
def test_questions_are_in_the_language_of_the_index(tmp_path: Path, text: str, language: str) -> None:
    settings = Settings(docs=write(tmp_path / "docs", {"a.txt": text}), index=tmp_path / "index")
    build(settings, StandIn())
    opened = generation.load(generation.current(settings.index))
    assert calibrator.measure(opened, StandIn()).languages == (language,)


def test_without_token_vectors_sentences_get_the_scale_of_tokens(
    tmp_path: Path,
) -> None:
    settings = Settings(docs=write_many(tmp_path / "docs"), index=tmp_path / "index")
    encoder = StandIn(speaks_in_tokens=False)
    build(settings, encoder)
    opened = generation.load(generation.current(settings.index))
    made = calibrator.measure(opened, encoder)
    (one, *_) = _signals(opened, encoder, made.calibration)
    (raw, *_) = _signals(opened, encoder, Calibration())
    np.testing.assert_allclose(one["interaction"], made.calibration.interaction(raw["sentence"]), atol=1e-6)


class Illegible(StandIn):
    """A model that breaks every word into its letters."""

    def count_tokens(self, texts) -> list[int]:
        return [len(text) for text in texts]


def test_illegible_questions_say_nothing_about_cosines(large: Generation) -> None:
    measurement = calibrator.measure(large, Illegible())
    assert measurement.means == {}
    made = measurement.calibration
    assert (made.sentence, made.interaction, made.bias) == (Affine(), Affine(), 0)
    assert "the model cannot read the questions" in calibration.describe(measurement)


@pytest.mark.parametrize("model", [known.name for known in KNOWN])
def test_a_known_models_cosines_keep_the_maps_of_its_fit(tmp_path: Path, model: str) -> None:
    """They were fitted on far more than an index says of them; only the biases are measured."""
    encoder = StandIn(name=model)
    settings = Settings(docs=write_many(tmp_path / "docs"), index=tmp_path / "index", model=model)
    build(settings, encoder)
    opened = generation.load(generation.current(settings.index))
    measurement = calibrator.measure(opened, encoder)
    made, plain = measurement.calibration, not_calibrated(fit_for(model))
    assert replace(made, bias=0.0, illegible_bias=0.0) == plain
    assert measurement.means.keys() == REFERENCE.keys()
    same = Searcher(opened, encoder, None, plain).search(Query(_QUESTIONS[0]))
    assert Searcher(opened, encoder).search(Query(_QUESTIONS[0])).hits == same.hits
