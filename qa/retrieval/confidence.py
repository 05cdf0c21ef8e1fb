"""How likely the best passages answer the question: a logistic regression over a few features."""

from __future__ import annotations

import math
from types import MappingProxyType

from qa.retrieval.calibration import NOT_CALIBRATED, Calibration
from qa.retrieval.fusion import Weights, fuse
from qa.retrieval.signals import Signals
from qa.types import Mode

ANSWERABLE = 0.5
"""The results answer the question if the confidence is at least this: the more likely of the two."""

_INTERCEPT = -8.51
_FEATURE_WEIGHTS: Weights = MappingProxyType(
    {"score": 15.55, "margin": 9.39, "sentence": 5.05, "sentence_coverage": 3.67, "illegible": 5.45}
)
"""Fitted by ``benchmarks/confidence.py`` on questions that documents answer, and on questions put to
documents that don't."""

_RUNNERS_UP = 10
"""The first passage is compared with the mean of so many that follow: a page of results. Chosen."""


def confidence(signals: Signals, fluency: float, calibration: Calibration = NOT_CALIBRATED) -> float:
    """Return the probability that the best passages answer the question.

    Args:
        signals: signals of the passages, best first, as many as there are.
        fluency: how well the model knows the question's language, in [0, 1].
        calibration: the biases of the model and the index.
    """
    if not len(signals["lexical"]):
        return 0.0
    return 1 / (1 + math.exp(-log_odds(signals, fluency, calibration)))


def log_odds(signals: Signals, fluency: float, calibration: Calibration = NOT_CALIBRATED) -> float:
    """Return the log odds that the best passages answer the question.

    They are linear in ``confidence_features``, as in any logistic regression.
    """
    features = confidence_features(signals, fluency)
    fitted = _INTERCEPT + sum(weight * features[name] for name, weight in _FEATURE_WEIGHTS.items())
    return fitted + fluency * calibration.bias + (1 - fluency) * calibration.illegible_bias


def confidence_features(signals: Signals, fluency: float) -> dict[str, float]:
    """Return the features that show whether the best passages answer the question, by name.

    They are the first passage's score, how far it stands out from the ten that follow, its best sentence's
    cosine, the same times the question's words in it, and how little of the language the model knows.
    """
    scores = fuse(signals, Mode.HYBRID, fluency)
    if not len(scores):
        return dict.fromkeys(_FEATURE_WEIGHTS, 0.0)
    sentence = fluency * float(signals["sentence"][0]) if "sentence" in signals else 0.0
    return {
        "score": float(scores[0]),
        "margin": float(scores[0] - scores[1 : 1 + _RUNNERS_UP].mean()) if len(scores) > 1 else 0.0,
        "sentence": sentence,
        "sentence_coverage": sentence * float(signals["coverage"][0]),
        "illegible": 1 - fluency,
    }
