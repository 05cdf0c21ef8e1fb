"""Lengths in letters."""

from __future__ import annotations

import doctest
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from qa.text import extent
from qa.text.extent import LETTERS_OF_A_WIDE_CHARACTER, letters


@given(st.text(), st.text())
def test_letters_add_up(first: str, second: str) -> None:
    assert letters(first + second) == letters(first) + letters(second)


@given(st.text())
def test_only_wide_characters_count_for_several(text: str) -> None:
    assert len(text) <= letters(text) <= LETTERS_OF_A_WIDE_CHARACTER * len(text)


@given(st.characters(categories=["Lo", "Po"]))
def test_wide_letters_are_those_of_east_asia(letter: str) -> None:
    is_east_asian = unicodedata.name(letter, "").startswith(
        ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "HANGUL S")
    )
    if is_east_asian and unicodedata.east_asian_width(letter) == "W":
        assert letters(letter) == LETTERS_OF_A_WIDE_CHARACTER
    if unicodedata.east_asian_width(letter) == "N" and "HANGUL" not in unicodedata.name(letter, ""):
        assert letters(letter) == 1


def test_scripts_without_spaces_that_are_not_wide_count_as_they_are() -> None:
    assert [letters(word) for word in ("ข้าว", "បាយ", "ເຂົ້າ", "рис", "rice!")] == [4, 3, 5, 3, 5]


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(extent).failed == 0
