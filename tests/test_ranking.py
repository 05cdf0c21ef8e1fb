"""Grouping texts that are nearly the same, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.ranking import group_alike

Texts = list[frozenset[int]]

_TEXTS = st.lists(st.frozensets(st.integers(0, 12), min_size=1), max_size=8)


def _grouped(texts: Texts, most: int) -> list[list[int]]:
    likeness = [[len(one & other) / min(len(one), len(other)) for one in texts] for other in texts]
    return group_alike(np.array(likeness, np.float32).reshape(len(texts), len(texts)), most)


def _alike(one: frozenset[int], other: frozenset[int]) -> bool:
    return 10 * len(one & other) >= 9 * min(len(one), len(other))


@given(_TEXTS)
def test_each_text_is_with_the_first_that_it_is_like(texts: Texts) -> None:
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
def test_fewer_groups_are_the_first_of_all(texts: Texts, most: int) -> None:
    assert _grouped(texts, most) == _grouped(texts, len(texts))[:most]


@pytest.mark.parametrize(("shared", "groups"), [(10, 1), (9, 1), (8, 2), (0, 2)])
def test_nine_tenths_of_the_shorter_are_enough(shared: int, groups: int) -> None:
    longer = frozenset(range(30))
    shorter = frozenset([*range(shared), *range(100, 110 - shared)])
    assert len(_grouped([longer, shorter], 2)) == len(_grouped([shorter, longer], 2)) == groups
