"""Signals → one score. Pure functions over arrays; ``signals`` says what each signal is.

A signal means the same for every question and every index, so that signals can be added as they are,
whatever other passages there are. ``benchmarks/README.md`` has what each one contributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qa.retrieval.fits import AcrossLanguages, Fit, Weights
from qa.retrieval.signals import FOREIGN, Signals
from qa.types import Float32, Int64, Mode


def fuse(signals: Signals, fit: Fit, mode: Mode, fluency: float) -> Float32:
    """Fuse passages' signals into one score each, at most 1.

    Args:
        signals: by name; missing ones don't count.
        fit: what was fitted for the model.
        mode: which signals count.
        fluency: how well the model knows the question's language, in [0, 1]: the share that its signals have
            in hybrid mode.
    """
    return _fuse(signals, (fit.dense, fit.lexical), fit.across, mode, fluency)


def fuse_answers(signals: Signals, fit: Fit, mode: Mode, fluency: float) -> Float32:
    """Fuse sentences' signals into one score each, as ``fuse`` does."""
    return _fuse(signals, (fit.answer_dense, fit.answer_lexical), fit.across, mode, fluency)


def _fuse(
    signals: Signals,
    weights: tuple[Weights, Weights],
    across: AcrossLanguages | None,
    mode: Mode,
    fluency: float,
) -> Float32:
    dense, lexical = weights
    shares = {Mode.HYBRID: (fluency, 1.0), Mode.DENSE: (1.0, 0.0), Mode.LEXICAL: (0.0, 1.0)}[mode]
    scores = _weighted_mean(signals, [(shares[0], dense), (shares[1], lexical)])
    if across is None or FOREIGN not in signals:
        return scores
    foreign = across.score(_weighted_mean(signals, [(1.0, across.weights)]))
    return np.where(signals[FOREIGN] > 0, foreign, scores)


def _weighted_mean(signals: Signals, weights: Sequence[tuple[float, Weights]]) -> Float32:
    score: Any = 0.0
    total = 0.0
    for share, own in weights:
        for name, weight in own.items():
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
