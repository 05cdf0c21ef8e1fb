"""Marks of list items."""

from __future__ import annotations

import pytest

from qa.readers.numerals import write_number


@pytest.mark.parametrize(
    ("number", "form", "mark"),
    [
        (4, "upperRoman", "IV"),
        (1994, "lowerRoman", "mcmxciv"),
        (4000, "lowerRoman", "4000"),
        (26, "lowerLetter", "z"),
        (28, "upperLetter", "BB"),
        (3, "russianLower", "в"),
        (7, "decimalZero", "07"),
        (0, "lowerLetter", "0"),
        (12, "decimal", "12"),
    ],
)
def test_numbers_are_written_in_their_form(number, form, mark):
    assert write_number(number, form) == mark
