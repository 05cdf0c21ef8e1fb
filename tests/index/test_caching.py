"""What is kept for whoever asks again: the same as without, and no more bytes than it may take."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.index import caching
from qa.index.caching import SizedCache, size_of


@given(st.lists(st.integers(0, 12), max_size=60), st.integers(0, 2000))
def test_results_are_the_function_s_and_take_no_more_than_they_may(keys: list[int], most: int) -> None:
    cache = SizedCache(lambda key: "x" * (50 * key), most)
    for key in keys:
        assert cache(key) == "x" * (50 * key)
        assert sum(size_of((key, value)) for key, (value, _) in cache._kept.items()) <= most


def test_what_was_used_last_is_kept() -> None:
    calls: list[int] = []

    def function(key: int) -> bytes:
        calls.append(key)
        return bytes(300)

    cache = SizedCache(function, 1000)
    for key in (1, 2, 1, 3, 1, 4, 1):
        cache(key)
    assert calls == [1, 2, 3, 4]


@given(st.lists(st.sets(st.integers(0, 9), max_size=4), max_size=20), st.integers(0, 60))
def test_rows_are_those_read_and_take_no_more_than_they_may(lots: list[set[int]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caching, "_MOST_ROW_BYTES", most)
        cache: caching.RowCache[str] = caching.RowCache(len)
        for numbers in lots:
            known = set(cache)
            asked: list[int] = []

            def read(missing: Collection[int], asked: list[int] = asked) -> dict[int, str]:
                asked += missing
                return {number: "x" * number for number in missing}

            assert cache.look_up(numbers, read) == {number: "x" * number for number in numbers}
            assert set(asked) == numbers - known
            assert cache.size == sum(map(len, cache.values())) <= most
