"""BM25: how much a term contributes to a passage's score.

Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009), equation 3.15, in the
form that Lucene uses::

    idf(t)       = ln(1 + (N - n + 0.5) / (n + 0.5))            N passages, of which n hold the term t
    impact(t, p) = idf(t) * f / (f + K1 * (1 - B + B * l / L))  f times in p, of length l; L is the mean
    length score(q, p)  = sum of impact(t, p) over the terms t of q
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qa.types import Int32, Int64

Float64 = NDArray[np.float64]

K1, B = 1.2, 0.75
"""Lucene's defaults. Measured: .9 and .4 are no better and favour long passages
(``benchmarks/README.md``)."""


def idf(passages: int, frequencies: Int64) -> Float64:
    """Return terms' inverse document frequency, which is never negative in Lucene's form.

    Args:
        passages: how many passages there are.
        frequencies: how many of them hold each term.

    >>> idf(10, np.array([0, 1, 10])).round(2).tolist()
    [3.09, 1.99, 0.05]
    """
    return np.asarray(np.log1p((passages - frequencies + 0.5) / (frequencies + 0.5)), np.float64)


def saturations(lengths: Float64) -> Float64:
    """Return ``K1 * (1 - B + B * l / L)`` for passages of these lengths, in terms.

    >>> saturations(np.array([10.0, 30.0])).tolist()
    [0.75, 1.65]
    """
    return K1 * (1 - B + B * lengths / (lengths.sum() / max(len(lengths), 1) or 1))


def impacts(idfs: Float64, counts: Int32, saturation: Float64) -> Float64:
    """Return how much terms contribute to the scores of passages, one number a posting.

    Args:
        idfs: each posting's term's ``idf``.
        counts: how often the passage holds the term.
        saturation: the passage's ``saturations``.

    >>> impacts(np.array([2.0, 2.0]), np.array([1, 3]), np.array([1.0, 1.0])).tolist()
    [1.0, 1.5]
    """
    return idfs * counts / (counts + saturation)
