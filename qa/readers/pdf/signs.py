"""Characters of a page that stand for others: accents beside their letter, ligatures, letters' shapes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from qa.readers.extract import printable
from qa.readers.pdf.pdfium import Box

HYPHENS = frozenset("\x02\ufffe")
"""PDFium's characters for a hyphen with the line break after it."""

_SIGNS = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
    | {"\uf0b7": "•", "\uf0a7": "▪", "\uf02d": "-", "\uf020": " "}
    | dict.fromkeys("\x02\ufffe\u00ad", "-")
)
_ACCENTS = {
    "´": "\u0301",
    "`": "\u0300",
    "¨": "\u0308",
    "^": "\u0302",
    "ˆ": "\u0302",
    "~": "\u0303",
    "˜": "\u0303",
    "¸": "\u0327",
    "ˇ": "\u030c",
    "˚": "\u030a",
    "˙": "\u0307",
    "¯": "\u0304",
    "ˉ": "\u0304",
    "˘": "\u0306",
    "˝": "\u030b",
    "˛": "\u0328",
} | {chr(code): chr(code) for code in range(0x300, 0x329)}
"""Accents that TeX and others draw as a sign of their own, and the marks that combine with a letter."""

_HIGH_SURROGATE = re.compile("[\ud800-\udbff]")
_ACCENT = re.compile("[" + re.escape("".join(_ACCENTS)) + "]")
_PRESENTATION_FORMS = re.compile(r"[\ufb1d-\ufdff\ufe70-\ufefc]")
"""Shapes of Hebrew and Arabic letters that stand for ordinary ones."""

_DOTLESS = {"ı": "i", "ȷ": "j"}
_DUBIOUS = re.compile(
    r"[\x00\x01\x03-\x08\x0b\x0c\x0e-\x1f\ufffd]|(?![\uf0b7\uf0a7\uf02d\uf020])[\ue000-\uf8ff]"
)
"""Control codes but PDFium's hyphen, and private characters but those of Word's bullets."""

_NEARBY = 3  # characters beside an accent among which its letter is sought
_OVERLAP = 0.6  # the share of an accent's width that must be over its letter


def compose(characters: list[str], box_of: Callable[[int], Box]) -> None:
    """Put each accent on its letter, join surrogates, and replace shapes by letters, all in place.

    The list keeps its length: what has gone into another character is empty.
    """
    text = "".join(characters)
    if _HIGH_SURROGATE.search(text):
        _join_surrogates(characters)
    if _ACCENT.search(text):
        for index, character in enumerate(characters):
            if character in _ACCENTS:
                _put_on_letter(characters, index, box_of)
    if _PRESENTATION_FORMS.search(text):
        for index, character in enumerate(characters):
            if _PRESENTATION_FORMS.match(character):
                characters[index] = unicodedata.normalize("NFKC", character).strip()


def clean(text: str) -> str:
    """Return the text with ligatures dissolved and hyphens plain."""
    if text.isascii() and text.isprintable():
        return text
    return printable(text.translate(_SIGNS))


def is_dubious(text: str) -> bool:
    """Whether a character of a text says nothing: a control code, a private or a replacement character."""
    return bool(_DUBIOUS.search(text))


def _join_surrogates(characters: list[str]) -> None:
    for index in range(len(characters) - 1):
        high, low = characters[index], characters[index + 1]
        if "\ud800" <= high <= "\udbff" and "\udc00" <= low <= "\udfff":
            characters[index] = (high + low).encode("utf-16", "surrogatepass").decode("utf-16")
            characters[index + 1] = ""


def _put_on_letter(characters: list[str], index: int, box_of: Callable[[int], Box]) -> None:
    """Join an accent to the letter that it is drawn over or under, and drop the space between them."""
    accent = box_of(index)
    best: tuple[float, int, str] | None = None
    for near in range(max(0, index - _NEARBY), min(len(characters), index + _NEARBY + 1)):
        letter = _DOTLESS.get(characters[near], characters[near])
        if near == index or not letter or not letter[-1].isalpha():
            continue
        composed = unicodedata.normalize("NFC", letter + _ACCENTS[characters[index]])
        place = box_of(near)
        width = max(accent.right - accent.left, 0.01)
        over = min(accent.right, place.right) - max(accent.left, place.left)
        level = abs(accent.bottom - place.bottom) < max(accent.height, place.height)
        if len(composed) == len(letter) and over >= _OVERLAP * width and level:
            apart = abs(accent.left + accent.right - place.left - place.right)
            best = min(best or (apart, near, composed), (apart, near, composed))
    if not best:
        return
    _, letter_index, composed = best
    characters[letter_index], characters[index] = composed, ""
    _drop_made_spaces(characters, index, letter_index, box_of)


def _drop_made_spaces(characters: list[str], accent: int, letter: int, box_of: Callable[[int], Box]) -> None:
    """Drop the white space that PDFium makes where a line steps back for an accent or on from it."""
    place = box_of(letter)
    low, high = min(accent, letter), max(accent, letter)
    for index in range(low + 1, high):
        if characters[index].isspace():
            characters[index] = ""
    for step, start in ((1, high + 1), (-1, low - 1)):
        end = start
        while 0 <= end < len(characters) and characters[end].isspace():
            end += step
        if end == start or not 0 <= end < len(characters) or not characters[end].strip():
            continue
        other = box_of(end)
        gap = other.left - place.right if step > 0 else place.left - other.right
        on_line = abs(other.bottom - place.bottom) < place.height / 4
        if on_line and -place.height < gap < _JOINT * place.height:
            for index in range(min(start, end + 1), max(start + 1, end)):
                characters[index] = ""


_JOINT = 0.12  # of a letter's height: nearer letters are of one word; a space takes a fifth
