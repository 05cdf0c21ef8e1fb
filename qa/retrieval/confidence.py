"""How likely the best passages answer the question: logistic regressions over a few features.

A passage answers a question that the model reads if it is about it, and if it meets its facts: the
probabilities of both are multiplied.
"""

from __future__ import annotations

import math

import numpy as np

from qa.retrieval.calibration import Calibration
from qa.retrieval.facts import FACTS
from qa.retrieval.fits import Fit
from qa.retrieval.fusion import fuse
from qa.retrieval.signals import FOREIGN, SHARED, Signals
from qa.text.language import LEGIBLE
from qa.types import Mode

ANSWERABLE = 0.5
"""The results answer the question if the confidence is at least this: the more likely of the two."""

FEATURES = (
    "score", "margin", "sentence", "sentence_coverage", "illegible", "lexical", "coverage", "shared",
    "interaction", *FACTS,
)  # fmt: skip
"""The names of all features. A fit uses some of them."""

_ABSENT_QUOTATION = -1.3
"""Added to the log odds if quoted words of the question stand nowhere: the logarithm of a likelihood ratio.
Measured on 140 questions with quotations, in the language of the documents (XQuAD, and questions that its
articles nearly answer): .16 of the answered ones have one that stands nowhere, and .63 of the others. It is
about the documents' words, so it holds for every model."""

_RUNNERS_UP = 10
"""The first passage is compared with the mean of so many that follow: a page of results. Chosen."""


def confidence(
    signals: Signals, fit: Fit, fluency: float, calibration: Calibration, *, absent_quotation: bool = False
) -> float:
    """Return the probability that the best passages answer the question.

    Args:
        signals: signals of the passages, best first, as many as there are.
        fit: what was fitted for the model.
        fluency: how well the model knows the question's language, in [0, 1].
        calibration: the biases of the model and the index.
        absent_quotation: whether quoted words of the question stand nowhere.
    """
    if not len(signals["lexical"]):
        return 0.0
    odds = log_odds(signals, fit, fluency, calibration, absent_quotation=absent_quotation)
    return 1 / (1 + math.exp(-odds))


def log_odds(
    signals: Signals, fit: Fit, fluency: float, calibration: Calibration, *, absent_quotation: bool = False
) -> float:
    """Return the log odds that the best passages answer the question.

    There is one regression for questions that the model cannot read, one for passages in another language
    than the question, in which no quotation stands, and one for all others, for whose facts there is another
    one. The arguments are those of ``confidence``.
    """
    features = confidence_features(signals, fit, fluency)
    quotation = _ABSENT_QUOTATION if absent_quotation else 0.0
    if fluency < LEGIBLE:
        return fit.words.log_odds(features) + calibration.illegible_bias + quotation
    is_foreign = fit.across is not None and FOREIGN in signals and signals[FOREIGN][:1].any()
    if fit.across is not None and is_foreign:
        return fit.across.confidence.log_odds(features) + calibration.bias
    both = _both(fit.confidence.log_odds(features), fit.facts.log_odds(features))
    return both + calibration.bias + quotation


def _both(first: float, second: float) -> float:
    """Return the log odds of two independent events together, from those of each.

    The probabilities .8 and .75 make .6:

    >>> round(_both(math.log(4), math.log(3)), 6) == round(math.log(1.5), 6)
    True
    """
    return -float(np.logaddexp(np.logaddexp(-first, -second), -first - second))


def confidence_features(signals: Signals, fit: Fit, fluency: float) -> dict[str, float]:
    """Return the features that show whether the best passages answer the question, by name.

    They are the first passage's score, how far it stands out from the ten that follow, its best sentence's
    cosine, the same times the question's words in it, the best share of the question's words in it, the share
    of names and numbers that are the same in any language, how well the words alone and the tokens match, how
    many of the question's names, numbers and negations the passage does not meet, and whether the question is
    keywords.
    """
    scores = fuse(signals, fit, Mode.HYBRID, fluency)
    if not len(scores):
        return dict.fromkeys(FEATURES, 0.0)
    first = {name: float(values[0]) for name, values in signals.items()}
    sentence = fluency * first.get("sentence", 0.0)
    values = (
        float(scores[0]),
        float(scores[0] - scores[1 : 1 + _RUNNERS_UP].mean()) if len(scores) > 1 else 0.0,
        sentence,
        sentence * first["coverage"],
        1 - fluency,
        first["lexical"],
        first["coverage"],
        first.get(SHARED, 0.0),
        first.get("interaction", 0.0),
        *(first.get(name, 0.0) for name in FACTS),
    )
    return dict(zip(FEATURES, values, strict=True))
