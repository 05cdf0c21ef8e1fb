"""Equality of values regardless of case and of how Unicode encodes the same letters."""

from __future__ import annotations

import unicodedata


def same_form(text: str) -> str:
    """Return a text in NFC: é as one code point, not as two."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Return what all spellings of a value share: the canonical caseless form of Unicode, in NFC."""
    if text.isascii():
        return text.lower()
    return same_form(unicodedata.normalize("NFD", text).casefold())
