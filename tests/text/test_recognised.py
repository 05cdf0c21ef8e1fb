"""Words keep their places when packed, and a range has the certainty of what was recognised in it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.recognised import certainty, pack, unpack, words_in
from qa.types import RecognisedPage, Span, WordBox

SHARE = st.floats(0, 1)
OFFSET = st.integers(0, 20_000_000)


@given(st.lists(st.builds(WordBox, OFFSET, OFFSET, SHARE, SHARE, SHARE, SHARE), max_size=5))
def test_words_come_back_within_a_fraction_of_a_pixel(words: list[WordBox]) -> None:
    found = unpack(pack(words))
    assert [word[:2] for word in found] == [word[:2] for word in words]
    for one, other in zip(found, words, strict=True):
        assert one[2:] == pytest.approx(other[2:], abs=1e-5)
    assert pack(found) == pack(words)


def test_impossible_boxes_are_brought_onto_the_page() -> None:
    [word] = unpack(pack([WordBox(0, 1, -0.5, math.nan, 7.0, math.inf)]))
    assert word == (0, 1, 0, 0, 1, 1)


def test_a_cut_word_is_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        unpack(pack([WordBox(0, 1, 0, 0, 1, 1)])[:-1])


def test_the_certainty_of_a_range_is_that_of_its_recognised_characters() -> None:
    pages = (RecognisedPage(1, Span(0, 10), 0.5), RecognisedPage(3, Span(20, 30), 1.0))
    assert certainty(pages, Span(0, 5)) == 0.5
    assert certainty(pages, Span(5, 25)) == 0.75
    assert certainty(pages, Span(8, 28)) == 0.9
    assert certainty(pages, Span(10, 20)) is None
    assert certainty((), Span(0, 9)) is None


def test_the_words_that_a_range_touches() -> None:
    words = tuple(WordBox(start, start + 3, 0, 0, 1, 1) for start in (0, 4, 8))
    page = RecognisedPage(1, Span(0, 11), 1, words)
    assert [word.start for word in words_in(page, Span(3, 9))] == [4, 8]
    assert list(words_in(page, Span(3, 4))) == []
