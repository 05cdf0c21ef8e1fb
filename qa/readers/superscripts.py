"""Raised digits, written so that they do not fuse with what they follow."""

from __future__ import annotations

RAISED = str.maketrans("0123456789-−+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺")


def raise_digits(digits: str, before: str) -> str:
    """Return raised digits, perhaps with a sign, as they read after a text.

    >>> raise_digits("3", "10"), raise_digits("2", "km")
    ('^3', '²')
    """
    return f"^{digits}" if before[-1:].isdigit() else digits.translate(RAISED)


def raise_text(text: str, before: str) -> str:
    """Return raised text. Only digits after a letter or digit could be taken for something else."""
    last = before[-1:]
    fuses = text.strip("-−+").isdigit() and (last.isalpha() or last.isdigit())
    return raise_digits(text, before) if fuses else text
