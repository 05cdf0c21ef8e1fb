"""The confidence: its features, which regression it asks, and its biases."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.arrays import Affine
from qa.embedding.models import DEFAULT_MODEL, MULTILINGUAL_MODEL
from qa.retrieval.calibration import Calibration
from qa.retrieval.confidence import FEATURES, confidence, confidence_features, log_odds
from qa.retrieval.facts import NUMBERS
from qa.retrieval.fits import AcrossLanguages, Fit, Logistic, fit_for
from qa.retrieval.fusion import fuse
from qa.retrieval.signals import FOREIGN, SHARED, Signals
from qa.text.language import LEGIBLE
from qa.types import Float32, Mode

_MODELS = [DEFAULT_MODEL, MULTILINGUAL_MODEL, "of an unknown model"]
_FITS = st.sampled_from([fit_for(model) for model in _MODELS])
_NAMES = (*fit_for(DEFAULT_MODEL).dense, *fit_for(DEFAULT_MODEL).lexical)
_PLAIN = Calibration()

_TOLD_APART = replace(
    fit_for(DEFAULT_MODEL),
    confidence=Logistic(1.0, {"sentence": 2.0}),
    facts=Logistic(0.25, {"unmet_names": -1.0, "unmet_numbers": -2.0}),
    words=Logistic(-1.0, {"lexical": 3.0}),
    across=AcrossLanguages({"sentence": 1.0}, Affine(), Logistic(0.5, {"interaction": 1.0, "shared": 4.0})),
)
"""A fit whose regressions give different log odds."""


def _signals(values: list[float]) -> Signals:
    return {name: np.array(values, np.float32) for name in _NAMES}


_FALLING = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=14).map(
    lambda values: sorted(values, reverse=True)
)


_UNMET = st.sampled_from([0.0, 1.0, 2.0])


def _logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


@given(_FALLING, st.floats(0, 1), _FITS)
def test_features_are_those_of_the_first_passage_and_the_ten_after_it(
    values: list[float], fluency: float, fit: Fit
) -> None:
    signals = _signals(values)
    scores: Float32 = fuse(signals, fit, Mode.HYBRID, fluency)
    features = confidence_features(signals, fit, fluency)
    assert tuple(features) == FEATURES
    assert features["score"] == pytest.approx(scores[0])
    others = scores[1:11].tolist()
    margin = scores[0] - sum(others) / len(others) if others else 0
    assert features["margin"] == pytest.approx(margin, abs=1e-6)
    assert features["sentence"] == pytest.approx(fluency * values[0], abs=1e-6)
    assert features["sentence_coverage"] == pytest.approx(fluency * values[0] ** 2, abs=1e-6)
    assert features["illegible"] == pytest.approx(1 - fluency)
    for name in ("lexical", "coverage", "interaction"):
        assert features[name] == pytest.approx(values[0])
    assert features["shared"] == 0


def test_shared_names_are_a_feature() -> None:
    signals = {**_signals([0.5, 0.3]), SHARED: np.array([0.75, 1.0], np.float32)}
    assert confidence_features(signals, _TOLD_APART, 1.0)["shared"] == 0.75


def test_without_sentences_only_the_words_count() -> None:
    signals = {"lexical": np.array([0.5], np.float32), "coverage": np.array([1.0], np.float32)}
    features = confidence_features(signals, fit_for(DEFAULT_MODEL), 0.0)
    assert features["sentence"] == features["sentence_coverage"] == features["margin"] == 0
    assert (features["interaction"], features["lexical"], features["coverage"]) == (0, 0.5, 1)


@pytest.mark.parametrize("model", _MODELS)
def test_nothing_retrieved_is_no_answer(model: str) -> None:
    nothing, fit = _signals([]), fit_for(model)
    assert confidence(nothing, fit, 1.0, _PLAIN) == 0
    assert confidence({**nothing, FOREIGN: np.empty(0, np.float32)}, fit, 1.0, _PLAIN) == 0
    assert confidence_features(nothing, fit, 1.0) == dict.fromkeys(FEATURES, 0.0)


@given(_FALLING, st.floats(0, 1), _FITS)
def test_the_confidence_is_the_logistic_function_of_the_log_odds(
    values: list[float], fluency: float, fit: Fit
) -> None:
    signals = _signals(values)
    odds = math.exp(log_odds(signals, fit, fluency, _PLAIN))
    assert confidence(signals, fit, fluency, _PLAIN) == pytest.approx(odds / (1 + odds), abs=1e-9)


@pytest.mark.parametrize("model", _MODELS)
def test_a_better_first_passage_raises_the_confidence(model: str) -> None:
    fit = fit_for(model)
    weak = 0.25 if model == MULTILINGUAL_MODEL else 0.3
    likely, unlikely = (confidence(_signals([best, 0.2, 0.2]), fit, 1.0, _PLAIN) for best in (0.9, weak))
    assert likely > 0.5 > unlikely
    better, worse = (confidence(_signals([best, 0.2, 0.2]), fit, 0.0, _PLAIN) for best in (0.9, 0.3))
    assert better > worse


@given(_FALLING, st.floats(0, 1), st.floats(0, 1, width=32), _UNMET, st.tuples(st.booleans(), st.booleans()))
def test_each_kind_of_question_has_its_regression(
    values: list[float],
    fluency: float,
    shared: float,
    unmet: float,
    foreign: tuple[bool, bool],
) -> None:
    first, others = foreign
    foreigners = np.array([first, *[others] * (len(values) - 1)], np.float32)
    signals = {
        **_signals(values),
        FOREIGN: foreigners,
        SHARED: np.full(len(values), shared, np.float32),
        NUMBERS: np.array([unmet, *[np.nan] * (len(values) - 1)], np.float32),
    }
    if fluency < LEGIBLE:
        expected = -1 + 3 * values[0]
    elif first:
        expected = 0.5 + values[0] + 4 * shared
    else:
        both = _logistic(1 + 2 * fluency * values[0]) * _logistic(0.25 - 2 * unmet)
        expected = math.log(both / (1 - both))
    assert log_odds(signals, _TOLD_APART, fluency, _PLAIN) == pytest.approx(expected, abs=1e-5)


@given(_FALLING, st.floats(0, 1), st.sampled_from([0.0, 1.0]), _FITS)
def test_a_quotation_that_stands_nowhere_counts_against_answers_in_its_language(
    values: list[float], fluency: float, foreign: float, fit: Fit
) -> None:
    signals = {**_signals(values), FOREIGN: np.full(len(values), foreign, np.float32)}
    odds = partial(log_odds, signals, fit, fluency, _PLAIN)
    counts = not foreign or fit.across is None or fluency < LEGIBLE
    assert odds(absent_quotation=True) == pytest.approx(odds() - 1.3 * counts, abs=1e-9)
    both = [confidence(signals, fit, fluency, _PLAIN, absent_quotation=own) for own in (False, True)]
    assert both[1] < both[0] if counts else both[1] == both[0]


@given(_FALLING, st.floats(LEGIBLE, 1))
def test_a_model_that_finds_nothing_across_languages_has_one_regression_less(
    values: list[float], fluency: float
) -> None:
    fit = replace(_TOLD_APART, across=None)
    signals = {**_signals(values), FOREIGN: np.ones(len(values), np.float32)}
    assert log_odds(signals, fit, fluency, _PLAIN) == log_odds(_signals(values), fit, fluency, _PLAIN)


@given(st.floats(0, 1), st.floats(-3, 0), st.floats(-3, 0), st.sampled_from([0.0, 1.0]), _FITS)
def test_each_bias_counts_for_its_own_questions(
    fluency: float,
    bias: float,
    illegible: float,
    foreign: float,
    fit: Fit,
) -> None:
    signals = {**_signals([0.5, 0.3]), FOREIGN: np.full(2, foreign, np.float32)}
    made = Calibration(bias=bias, illegible_bias=illegible)
    moved = log_odds(signals, fit, fluency, made) - log_odds(signals, fit, fluency, _PLAIN)
    assert moved == pytest.approx(bias if fluency >= LEGIBLE else illegible, abs=1e-9)
    told = confidence(signals, fit, fluency, made)
    assert np.log(told / (1 - told)) == pytest.approx(log_odds(signals, fit, fluency, made), abs=1e-6)
