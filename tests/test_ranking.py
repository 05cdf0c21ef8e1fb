"""Grouping texts that are nearly the same, against the definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.ranking import group_alike

_TEXTS = st.lists(st.frozensets(st.integers(0, 12), min_size=1), max_size=8)


def _alike(one: frozenset[int], other: frozenset[int]) -> bool:
    return 10 * len(one & other) >= 9 * min(len(one), len(other))


@given(_TEXTS)
def test_each_text_is_with_the_first_that_it_is_like(texts: list[frozenset[int]]) -> None:
    groups = group_alike(texts, len(texts))
    assert sorted(place for group in groups for place in group) == list(range(len(texts)))
    bests = [group[0] for group in groups]
    assert bests == sorted(bests)
    for group in groups:
        assert group == sorted(group)
        for place in group:
            like = [best for best in bests if best <= place and _alike(texts[best], texts[place])]
            assert like[0] == group[0]


@given(_TEXTS, st.integers(0, 9))
def test_fewer_groups_are_the_first_of_all(texts: list[frozenset[int]], most: int) -> None:
    assert group_alike(texts, most) == group_alike(texts, len(texts))[:most]


@pytest.mark.parametrize(("shared", "groups"), [(10, 1), (9, 1), (8, 2), (0, 2)])
def test_nine_tenths_of_the_shorter_are_enough(shared: int, groups: int) -> None:
    longer = frozenset(range(30))
    shorter = frozenset([*range(shared), *range(100, 110 - shared)])
    assert len(group_alike([longer, shorter], 2)) == len(group_alike([shorter, longer], 2)) == groups
