"""Signals → one score, and how sure it is. Pure functions over arrays.

The signals, one number a candidate each:

=================  ===================================================================================
dense              the cosine of the question's vector and the passage's
sentence           the best cosine of the question's vector and one of the passage's sentences'
sentence_nearby    the same of the better of the two neighbouring passages
interaction        the mean, over the question's tokens, of the cube of the best cosine with the passage's
lexical            BM25 as a share of the most that the question's terms could give
lexical_nearby     the same of the better of the two neighbouring passages
coverage           the share of the question's terms, by weight, in the sentence that holds most of it
adjacency          the share of the question's neighbouring terms that are neighbours there too
=================  ===================================================================================

Each means the same for every question and every index. So they can be added as they are, whatever else
was found. ``benchmarks/README.md`` tells what each one gives. The cosines are on the default model's
scale, onto which a ``Calibration`` brings those of another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.arrays import Affine
from qa.types import Float32, Int64, Mode

Signals = Mapping[str, Float32]
Weights = Mapping[str, float]

# Beside its sentences' vectors the passage's own adds nothing to the order.
DENSE: Weights = MappingProxyType(
    {"dense": 0.0, "sentence": 0.6, "sentence_nearby": 0.15, "interaction": 2.0}
)
LEXICAL: Weights = MappingProxyType(
    {"lexical": 0.7, "lexical_nearby": 0.3, "coverage": 0.4, "adjacency": 0.05}
)
_ANSWER_DENSE: Weights = MappingProxyType({"sentence": 0.5, "interaction": 2.0})
_ANSWER_LEXICAL: Weights = MappingProxyType({"coverage": 0.8})

CARRIED = 0.86
"""What a match counts for a sentence if it is in the one before: "There he was welcomed"."""

TITLED = 0.9
"""What a match counts for a sentence if it is in its passage's title or section."""

ANSWERABLE = 0.5
"""The results answer the question if the confidence is at least this."""

RELEVANT = 0.2
"""A passage bears on the question if its fused score is at least this.

Of the best right passages of 240 questions each, it leaves out none in English articles (XQuAD), 2% in five
long texts, and 6% in Russian articles, which the default model cannot read; of the passages found for
questions that nothing answers it leaves 0.4 a question.
"""

_INTERCEPT = -8.51
_EVIDENCE: Weights = MappingProxyType(
    {"score": 15.55, "margin": 9.39, "sentence": 5.05, "sentence_coverage": 3.67, "illegible": 5.45}
)

ALIKE = 0.9
"""What share of the shorter of two near-identical texts is in the longer, at the least."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes weights and confidence, fitted for one model, hold for another model and for an index.

    Attributes:
        sentence: for the cosines of the question's vector with sentences' and passages'.
        interaction: for the cosines of the question's tokens with passages'.
        bias: added to the log odds of the confidence in answers to questions that the model can read.
        illegible_bias: the same for questions that it cannot read.
    """

    sentence: Affine = field(default_factory=Affine)
    interaction: Affine = field(default_factory=Affine)
    bias: float = 0.0
    illegible_bias: float = 0.0


NOT_CALIBRATED = Calibration()


def fuse(signals: Signals, mode: Mode, legibility: float) -> Float32:
    """Weigh passages' signals into one score each, 1 at the most.

    Args:
        signals: by name; those that are missing do not count.
        mode: which signals count.
        legibility: how well the model knows the question's language, in [0, 1]: its say in hybrid mode.
    """
    return _weigh(signals, DENSE, LEXICAL, mode, legibility)


def fuse_answers(signals: Signals, mode: Mode, legibility: float) -> Float32:
    """Weigh sentences' signals into one score each, in the way of ``fuse``."""
    return _weigh(signals, _ANSWER_DENSE, _ANSWER_LEXICAL, mode, legibility)


def _weigh(signals: Signals, dense: Weights, lexical: Weights, mode: Mode, legibility: float) -> Float32:
    say = {Mode.HYBRID: (legibility, 1.0), Mode.DENSE: (1.0, 0.0), Mode.LEXICAL: (0.0, 1.0)}[mode]
    score: Any = 0.0
    total = 0.0
    for share, weights in zip(say, (dense, lexical), strict=True):
        for name, weight in weights.items():
            if weight and name in signals:
                score = score + share * weight * signals[name]
                total += share * weight
    return np.asarray(score / (total or 1.0), np.float32)


def rerank(scores: Float32, log_odds: Float32) -> tuple[Int64, Float32]:
    """Put the first passages in a reranker's order, and the others after them as they are.

    Args:
        scores: the passages', best first.
        log_odds: what the reranker says of the first of them.

    Returns:
        The passages' old places in the new order, and their new scores, in [0, 1] and falling.
    """
    count = len(log_odds)
    first = np.argsort(-log_odds, kind="stable")
    probabilities = (1 + np.tanh(log_odds[first] / 2)) / 2
    others = probabilities[-1:] * np.clip(scores[count:], 0, 1)
    order = np.concatenate([first, np.arange(count, len(scores))])
    return order, np.concatenate([probabilities, others]).astype(np.float32)


def group_alike(alike: NDArray[np.bool_], most: int) -> list[list[int]]:
    """Put near-identical texts together.

    Args:
        alike: of each two texts, the best first, whether they are. Shape (texts, texts).
        most: how many groups are wanted.

    Returns:
        The groups, as the texts' places, in the order of their best: at most as many as are wanted, but each
        with all its texts.
    """
    groups: dict[int, list[int]] = {}
    firsts = alike.argmax(axis=1).tolist() if len(alike) else []
    for place, first in enumerate(firsts):  # an earlier one is met, or it is the text itself
        best = next((best for best in groups if alike[place, best]), None) if first < place else None
        if best is not None:
            groups[best].append(place)
        elif len(groups) < most:
            groups[place] = [place]
    return list(groups.values())


def confidence(signals: Signals, legibility: float, calibration: Calibration = NOT_CALIBRATED) -> float:
    """Give the probability that the best passages answer the question.

    Args:
        signals: the passages', best first, as many as there are.
        legibility: how well the model knows the question's language, in [0, 1].
        calibration: what the model and the index make of the confidence.
    """
    said = log_odds(signals, legibility, calibration)
    return 1 / (1 + math.exp(-said)) if len(signals["lexical"]) else 0.0


def log_odds(signals: Signals, legibility: float, calibration: Calibration = NOT_CALIBRATED) -> float:
    """Give the log odds that the best passages answer the question.

    A logistic regression over ``evidence``, fitted by ``benchmarks/confidence.py`` on questions that
    documents answer and questions asked of documents that do not.
    """
    found = evidence(signals, legibility)
    fitted = _INTERCEPT + sum(weight * found[name] for name, weight in _EVIDENCE.items())
    return fitted + legibility * calibration.bias + (1 - legibility) * calibration.illegible_bias


def evidence(signals: Signals, legibility: float) -> dict[str, float]:
    """Give what tells whether the best passages answer the question.

    That is the first passage's score and how far it stands out from the next ten's, the best cosine with
    one of its sentences, and whether the passage has the question's words as well.
    """
    scores = fuse(signals, Mode.HYBRID, legibility)
    if not len(scores):
        return dict.fromkeys(_EVIDENCE, 0.0)
    sentence = legibility * float(signals["sentence"][0]) if "sentence" in signals else 0.0
    return {
        "score": float(scores[0]),
        "margin": float(scores[0] - scores[1:11].mean()) if len(scores) > 1 else 0.0,
        "sentence": sentence,
        "sentence_coverage": sentence * float(signals["coverage"][0]),
        "illegible": 1 - legibility,
    }
