"""Signals → one score, and how sure it is. Pure functions over arrays.

Every signal means the same for every question and every index: a cosine, or a share of what the
question's words could give at most. So scores can be added as they are, whatever else was found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qa.contracts import Float32, Int64, Mode


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for each candidate, all of shape (candidates,).

    Attributes:
        dense: cosine of the question's vector and the passage's.
        sentence: the best cosine of the question's vector and one of the passage's sentences'.
        lexical: BM25 as a share of the most that the question's terms could give.
    """

    dense: Float32
    sentence: Float32
    lexical: Float32

    def at(self, places: Int64) -> Signals:
        """Give the signals of some candidates."""
        return Signals(self.dense[places], self.sentence[places], self.lexical[places])

    def of(self, place: int) -> dict[str, float]:
        """Give one candidate's signals by name."""
        return {name: float(getattr(self, name)[place]) for name in ("dense", "sentence", "lexical")}


_WEIGHTS = {
    Mode.HYBRID: {"dense": 0.1, "sentence": 0.35, "lexical": 0.55},
    Mode.DENSE: {"dense": 0.25, "sentence": 0.75, "lexical": 0.0},
    Mode.LEXICAL: {"dense": 0.0, "sentence": 0.0, "lexical": 1.0},
}

ANSWERABLE = 0.5
"""The results answer the question if the confidence is at least this."""


def fuse(signals: Signals, mode: Mode) -> Float32:
    """Weigh the signals into one score a candidate."""
    score: Float32 = sum(
        (weight * getattr(signals, name) for name, weight in _WEIGHTS[mode].items()), np.zeros_like(signals.dense)
    )
    return score


def fuse_sentences(cosines: Float32, coverage: Float32, mode: Mode) -> Float32:
    """Score a passage's sentences.

    Args:
        cosines: of the question's vector and each sentence's.
        coverage: the share of the question's terms, weighed by how telling they are, that each holds.
        mode: which signals count.
    """
    weights = _WEIGHTS[mode]
    return (weights["dense"] + weights["sentence"]) * cosines + weights["lexical"] * coverage


def confidence(best: Signals) -> float:
    """Give the probability that the results answer the question, from the signals of the first, shape (1,)."""
    evidence = -7.0 + 8.0 * float(best.sentence[0]) + 6.0 * float(best.lexical[0])
    return 1 / (1 + math.exp(-evidence))
