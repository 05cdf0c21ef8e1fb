"""The confidence: its features, its formula and its biases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.retrieval import fusion
from qa.retrieval.calibration import Calibration
from qa.retrieval.confidence import _FEATURE_WEIGHTS, confidence, confidence_features, log_odds
from qa.retrieval.fusion import fuse
from qa.retrieval.signals import Signals
from qa.types import Float32, Mode

_NAMES = (*fusion.DENSE, *fusion.LEXICAL)


def _signals(values: list[float]) -> Signals:
    return {name: np.array(values, np.float32) for name in _NAMES}


_FALLING = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=14).map(
    lambda values: sorted(values, reverse=True)
)


@given(_FALLING, st.floats(0, 1))
def test_features_are_those_of_the_first_passage_and_the_ten_after_it(
    values: list[float], fluency: float
) -> None:
    signals = _signals(values)
    scores: Float32 = fuse(signals, Mode.HYBRID, fluency)
    features = confidence_features(signals, fluency)
    assert features.keys() == _FEATURE_WEIGHTS.keys()
    assert features["score"] == pytest.approx(scores[0])
    others = scores[1:11].tolist()
    margin = scores[0] - sum(others) / len(others) if others else 0
    assert features["margin"] == pytest.approx(margin, abs=1e-6)
    assert features["sentence"] == pytest.approx(fluency * values[0], abs=1e-6)
    assert features["sentence_coverage"] == pytest.approx(fluency * values[0] ** 2, abs=1e-6)
    assert features["illegible"] == pytest.approx(1 - fluency)


def test_without_sentences_only_the_words_count() -> None:
    signals = {"lexical": np.array([0.5], np.float32), "coverage": np.array([1.0], np.float32)}
    features = confidence_features(signals, 0.0)
    assert features["sentence"] == features["sentence_coverage"] == features["margin"] == 0


def test_nothing_retrieved_is_no_answer() -> None:
    nothing = _signals([])
    assert confidence(nothing, 1.0) == 0
    assert set(confidence_features(nothing, 1.0).values()) == {0.0}


@given(_FALLING, st.floats(0, 1))
def test_the_confidence_is_the_logistic_function_of_the_log_odds(values: list[float], fluency: float) -> None:
    signals = _signals(values)
    odds = math.exp(log_odds(signals, fluency))
    assert confidence(signals, fluency) == pytest.approx(odds / (1 + odds), abs=1e-9)


def test_a_better_first_passage_raises_the_confidence() -> None:
    likely, unlikely = (confidence(_signals([best, 0.2, 0.2]), 1.0) for best in (0.8, 0.3))
    assert likely > 0.5 > unlikely


@given(st.floats(0, 1), st.floats(-3, 0), st.floats(-3, 0))
def test_each_bias_counts_for_its_own_questions(fluency: float, bias: float, illegible: float) -> None:
    signals = {name: np.array([0.5, 0.3], np.float32) for name in (*fusion.DENSE, *fusion.LEXICAL)}
    made = Calibration(bias=bias, illegible_bias=illegible)
    moved = log_odds(signals, fluency, made) - log_odds(signals, fluency)
    assert moved == pytest.approx(fluency * bias + (1 - fluency) * illegible, abs=1e-9)
    told = confidence(signals, fluency, made)
    assert np.log(told / (1 - told)) == pytest.approx(log_odds(signals, fluency, made), abs=1e-6)
