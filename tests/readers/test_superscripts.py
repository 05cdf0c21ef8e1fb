"""Raised digits."""

from __future__ import annotations

import pytest

from qa.readers.superscripts import raise_digits, raise_text


@pytest.mark.parametrize(
    ("digits", "before", "text"), [("3", "10", "^3"), ("2", "km", "²"), ("-1", "s", "⁻¹"), ("2", "(a)", "²")]
)
def test_digits_do_not_fuse(digits, before, text):
    assert raise_digits(digits, before) == text


@pytest.mark.parametrize(
    ("piece", "before", "text"),
    [
        ("2", "m", "²"),
        ("2", "31", "^2"),
        ("1", "", "1"),
        ("2", "(a)", "2"),
        ("st", "21", "st"),
        ("-", "a", "-"),
    ],
)
def test_only_digits_after_a_letter_or_digit_are_set_apart(piece, before, text):
    assert raise_text(piece, before) == text
