"""Signals → one score. Pure functions over arrays; ``signals`` says what each signal is.

A signal means the same for every question and every index, so that signals can be added as they are,
whatever other passages there are. ``benchmarks/README.md`` has what each one contributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from qa.retrieval.signals import Signals
from qa.types import Float32, Int64, Mode

Weights = Mapping[str, float]

# All weights were chosen by quality on XQuAD and the long texts (benchmarks/README.md). Beside its sentences'
# vectors the passage's own adds nothing to the order.
DENSE: Weights = MappingProxyType(
    {"dense": 0.0, "sentence": 0.6, "sentence_nearby": 0.15, "interaction": 2.0}
)
LEXICAL: Weights = MappingProxyType(
    {"lexical": 0.7, "lexical_nearby": 0.3, "coverage": 0.4, "adjacency": 0.05}
)
_ANSWER_DENSE: Weights = MappingProxyType({"sentence": 0.5, "interaction": 2.0})
_ANSWER_LEXICAL: Weights = MappingProxyType({"coverage": 0.8})

RELEVANT = 0.2
"""A passage is relevant to the question if its fused score is at least this.

Measured on the best right passages of 240 questions each, it leaves out none in English articles (XQuAD), 2%
in five long texts, and 6% in Russian articles, which the default model cannot read. Of the passages
retrieved for questions that nothing answers, it leaves 0.4 a question.
"""


def fuse(signals: Signals, mode: Mode, fluency: float) -> Float32:
    """Fuse passages' signals into one score each, at most 1.

    Args:
        signals: by name; missing ones don't count.
        mode: which signals count.
        fluency: how well the model knows the question's language, in [0, 1]: the share that its signals have
            in hybrid mode.
    """
    return _weighted_mean(signals, DENSE, LEXICAL, mode, fluency)


def fuse_answers(signals: Signals, mode: Mode, fluency: float) -> Float32:
    """Fuse sentences' signals into one score each, as ``fuse`` does."""
    return _weighted_mean(signals, _ANSWER_DENSE, _ANSWER_LEXICAL, mode, fluency)


def _weighted_mean(signals: Signals, dense: Weights, lexical: Weights, mode: Mode, fluency: float) -> Float32:
    shares = {Mode.HYBRID: (fluency, 1.0), Mode.DENSE: (1.0, 0.0), Mode.LEXICAL: (0.0, 1.0)}[mode]
    score: Any = 0.0
    total = 0.0
    for share, weights in zip(shares, (dense, lexical), strict=True):
        for name, weight in weights.items():
            if weight and name in signals:
                score = score + share * weight * signals[name]
                total += share * weight
    return np.asarray(score / (total or 1.0), np.float32)


def rerank(scores: Float32, log_odds: Float32) -> tuple[Int64, Float32]:
    """Put the first passages in a reranker's order, and leave the others after them as they are.

    Args:
        scores: scores of the passages, best first.
        log_odds: the reranker's log odds for the first ones.

    Returns:
        The passages' old places in the new order, and their new scores, in [0, 1] and falling.
    """
    count = len(log_odds)
    first = np.argsort(-log_odds, kind="stable")
    probabilities = (1 + np.tanh(log_odds[first] / 2)) / 2
    others = probabilities[-1:] * np.clip(scores[count:], 0, 1)
    order = np.concatenate([first, np.arange(count, len(scores))])
    return order, np.concatenate([probabilities, others]).astype(np.float32)
