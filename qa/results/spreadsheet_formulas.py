"""Which texts a spreadsheet would run as formulas."""

from __future__ import annotations

_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""The characters that begin a formula in a spreadsheet (OWASP, "CSV injection")."""


def may_be_formula(text: str) -> bool:
    """Return whether a spreadsheet may run a text.

    >>> may_be_formula("=2+3"), may_be_formula("two")
    (True, False)
    """
    return text.startswith(_STARTS)
