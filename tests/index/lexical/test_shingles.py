"""Near-duplicates, and the share of shingles that passages share, against their definitions."""

from __future__ import annotations

import doctest
import time
from collections import Counter
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.arrays import offsets
from qa.index.lexical import shingles
from qa.types import Int32, Int64

_VOCABULARY = 6
_TEXTS = st.lists(st.lists(st.integers(0, _VOCABULARY - 1), max_size=20), min_size=1, max_size=8)


def _together(texts: list[list[int]]) -> tuple[Int32, Int64]:
    terms = np.array(list(chain.from_iterable(texts)), np.int32)
    return terms, offsets(np.array([*map(len, texts)], np.int64))


def _runs(text: list[int]) -> list[tuple[int, ...]]:
    return [tuple(text[i : i + 3]) for i in range(len(text) - 2)] or [tuple(text)]


@pytest.mark.parametrize(
    ("compared", "cubed", "few"),
    [(shingles._COMPARED_AT_ONCE, shingles._MAX_BASE, shingles._FEW), (2, 1, 0), (2, 1, 2), (1, 1, 99)],
)
@given(_TEXTS, st.sampled_from([0.1, 0.5, 0.6, 0.9, 1.0]))
def test_near_duplicates_share_the_shorter_ones_runs_of_three_terms(
    compared: int, cubed: int, few: int, texts: list[list[int]], threshold: float
) -> None:
    runs = [set(_runs(text)) for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shingles, "_COMPARED_AT_ONCE", compared)
        patch.setattr(shingles, "_MAX_BASE", cubed)
        patch.setattr(shingles, "_FEW", few)
        patch.setattr(shingles, "_PAIRS_AT_ONCE", compared)
        patch.setattr(shingles, "_PRODUCT", shingles._PRODUCT if compared > 2 else 0)
        matrix = shingles.near_duplicates(*_together(texts), _VOCABULARY, threshold)
    assert matrix.tolist() == [
        [len(one & other) >= threshold * min(len(one), len(other)) for one in runs] for other in runs
    ]


@pytest.mark.parametrize("words", [30, 50_000])
def test_thousands_of_passages_are_compared_in_a_bounded_time(words: int) -> None:
    chance = np.random.default_rng(3)
    texts = chance.integers(0, words, (1500, 50)).tolist()
    together = _together(texts + texts)
    started = time.process_time()
    matrix = shingles.near_duplicates(*together, words, 0.9)
    assert time.process_time() - started < 5
    assert matrix.sum() == 4 * len(texts)


@pytest.mark.parametrize(("shared", "enough"), [(10, True), (9, True), (8, False), (0, False)])
def test_nine_tenths_of_the_shorter_are_enough(shared: int, enough: bool) -> None:  # noqa: FBT001
    longer = list(range(30))
    shorter = [*longer[: shared + 2], *range(30, 40 - shared)]
    matrix = shingles.near_duplicates(*_together([longer, shorter, [50]]), 60, 0.9)
    assert matrix.tolist() == [[True, enough, False], [enough, True, False], [False, False, True]]


def _shares(texts: list[list[int]], **settings: Any) -> list[float]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setattr(shingles, name, value)
        return (shingles.shared_shingle_fraction(*_together(texts)) / shingles.ALL).tolist()


@pytest.mark.parametrize("settings", [{}, {"_BLOCK": 5}, {"_FOLDED": 3}], ids=str)
@given(texts=_TEXTS)
def test_the_shared_fraction_is_never_too_low(texts: list[list[int]], settings: Any) -> None:
    counts = Counter(chain.from_iterable(map(_runs, texts)))
    for share, text in zip(_shares(texts, **settings), texts, strict=True):
        assert share >= np.mean([counts[run] > 1 for run in _runs(text)])


@given(texts=_TEXTS, threshold=st.sampled_from([0.5, 0.9, 1.0]))
def test_of_two_near_duplicates_one_has_a_high_shared_fraction(
    texts: list[list[int]], threshold: float
) -> None:
    shares = np.array(_shares(texts))
    matrix = shingles.near_duplicates(*_together(texts), _VOCABULARY, threshold)
    for one, other in np.argwhere(matrix & ~np.eye(len(texts), dtype=np.bool_)):
        assert max(shares[one], shares[other]) >= threshold


def test_passages_that_share_nothing_have_low_shared_fractions() -> None:
    apart = np.arange(300 * 40).reshape(300, 40).tolist()
    copies = [apart[7], [*apart[8][:38], 0, 1]]
    shares = _shares([*apart, *copies])
    assert [place for place, share in enumerate(shares) if share >= 0.9] == [7, 8, 300, 301]


def test_empty_passages_have_a_shared_fraction() -> None:
    assert _shares([]) == []
    assert _shares([[]]) == [0]
    assert _shares([[], []]) == [1, 1]


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(shingles).failed == 0
