"""When two values count as one: capitals aside, and however Unicode writes the same letters."""

from __future__ import annotations

import unicodedata


def same_form(text: str) -> str:
    """Return a text in the one form that stands for all that look the same: é as one letter, not as two."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return what is the same of all spellings of a value: a canonical caseless match of Unicode, in NFC."""
    if text.isascii():
        return text.lower()
    return same_form(unicodedata.normalize("NFD", text).casefold())
