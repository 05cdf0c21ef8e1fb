"""Near-identical passages: grouped, so that each group is one hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from qa.types import Passage

THRESHOLD = 0.9
"""Two passages are near-duplicates if the longer one has at least this share of the shorter one's shingles.
Chosen: a paragraph of 32 words has 30 shingles, of which a changed word takes three."""


def group(near_duplicates: NDArray[np.bool_], limit: int) -> list[list[int]]:
    """Group near-identical passages, each with the best one that it resembles.

    Args:
        near_duplicates: for each two passages, the best first, whether they are near-duplicates. Shape
            (passages, passages), symmetric; each one is its own.
        limit: the largest number of groups.

    Returns:
        The groups, as places of passages, in the order of their best ones. There are at most ``limit``, but
        each is complete.

    >>> group(np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], bool), limit=2)
    [[0, 2], [1]]
    """
    groups: dict[int, list[int]] = {}
    firsts = near_duplicates.argmax(axis=1).tolist() if len(near_duplicates) else []
    for place, first in enumerate(firsts):  # the first one that it resembles, which may be itself
        best = None
        if first < place:
            best = next((best for best in groups if near_duplicates[place, best]), None)
        if best is not None:
            groups[best].append(place)
        elif len(groups) < limit:
            groups[place] = [place]
    return list(groups.values())


def earliest_first(rows: Sequence[int], passages: Mapping[int, Passage]) -> list[int]:
    """Sort a group by date: its earliest passage stands for it. Undated passages come last."""
    return sorted(rows, key=lambda row: (passages[row].document.metadata.published or "~", row))
