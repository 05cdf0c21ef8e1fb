"""Groups of near-duplicates, against the definition."""

from __future__ import annotations

import doctest

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa.retrieval import near_duplicates

Texts = list[frozenset[int]]

_TEXTS = st.lists(st.frozensets(st.integers(0, 12), min_size=1), max_size=8)


def _alike(one: frozenset[int], other: frozenset[int]) -> bool:
    return 10 * len(one & other) >= 9 * min(len(one), len(other))


def _grouped(texts: Texts, most: int) -> list[list[int]]:
    alike = [[_alike(one, other) for one in texts] for other in texts]
    return near_duplicates.group(np.array(alike, np.bool_).reshape(len(texts), len(texts)), most)


@given(_TEXTS)
def test_each_text_is_grouped_with_the_first_one_that_it_resembles(texts: Texts) -> None:
    groups = _grouped(texts, len(texts))
    assert sorted(place for group in groups for place in group) == list(range(len(texts)))
    bests = [group[0] for group in groups]
    assert bests == sorted(bests)
    for group in groups:
        assert group == sorted(group)
        for place in group:
            like = [best for best in bests if best <= place and _alike(texts[best], texts[place])]
            assert like[0] == group[0]


@given(_TEXTS, st.integers(0, 9))
def test_fewer_groups_are_the_first_ones_of_all(texts: Texts, most: int) -> None:
    assert _grouped(texts, most) == _grouped(texts, len(texts))[:most]


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(near_duplicates).failed == 0
