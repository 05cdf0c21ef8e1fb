"""Shapes of text that several modules look for: line ends, blank lines, ends of sentences, list items.

Where two users need slightly different shapes, both stand here with the difference stated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa.types import Span

SENTENCE_MARKS = frozenset(".!?…:;")
"""Marks that end a sentence or introduce a list. A comma at the end of a PDF's line ends nothing."""

PROSE_MARKS = SENTENCE_MARKS | frozenset(",。！？")
"""Also marks that end a line of prose but no title: a comma, and the full stops of Chinese and Japanese."""

PROSE_MARKS_OF_ALL_SCRIPTS = PROSE_MARKS | frozenset("，；：｡、،؛؟۔।॥៖។៕၊။։።፣፤፧།༎")
"""Also those of Chinese, Arabic, Urdu, Hindi, Khmer, Burmese, Armenian, Ethiopic and Tibetan."""

_CLOSING = "\"'»”’)]」』）】》"

_BULLETS = frozenset("•▪◦‣●○■□➢✓")
"""Signs that begin an item without a space after them. A dash needs one: it may begin a line of prose."""

# Atomic, so that half of a CR LF is never taken for a line end of its own.
_BREAK = r"(?>\r\n?|\n)"
_LINE_BREAK = re.compile(_BREAK)
_LINE = re.compile(r"[^\r\n]*+(?:\r\n?|\n)|[^\r\n]++")
_BLANK_LINES = re.compile(rf"{_BREAK}(?:[^\S\r\n]*+{_BREAK})++")
_BLANK_LINES_OR_PAGE_BREAK = re.compile(rf"{_BREAK}(?:[^\S\n\r\f]*+{_BREAK})++|\f")
_WORD_END = re.compile(r"(?<=[、，；])|\s+")

_DASH_OR_BULLET = r"[-*+•–—·▪‣]"
_LIST_ITEM = re.compile(rf"\s*+(?:{_DASH_OR_BULLET}|\(?\d{{1,3}}[.)]|\(?\w[.)])\s")
_LIST_ITEM_OR_ABBREVIATION = re.compile(rf"(?:{_DASH_OR_BULLET}|\(?\w{{1,3}}[.)])\s")


def ends_with_mark(text: str, marks: frozenset[str]) -> bool:
    """Whether a text ends with one of some marks, closing quotation marks and brackets aside."""
    return text.rstrip(_CLOSING)[-1:] in marks


def begins_with_bullet(line: str) -> bool:
    """Whether a line begins with a bullet, with or without a space after it."""
    return line[:1] in _BULLETS


def is_list_item(line: str) -> bool:
    """Whether a line begins with a dash, a bullet, a number or a single letter as list items do."""
    return bool(_LIST_ITEM.match(line))


def may_be_list_item(line: str) -> bool:
    """Whether a line begins like a list item, or with up to three letters such as "iii." or "Mr."."""
    return bool(_LIST_ITEM_OR_ABBREVIATION.match(line))


def has_line_break(text: str) -> bool:
    """Whether a text has more than one line."""
    return bool(_LINE_BREAK.search(text))


def line_breaks(text: str, span: Span) -> list[Span]:
    """Return the places of the line ends within ``text[span]``."""
    return [Span(*match.span()) for match in _LINE_BREAK.finditer(text, *span)]


def lines(text: str) -> list[str]:
    """Return the lines of a text, without their ends."""
    return _LINE_BREAK.split(text)


def lines_with_ends(text: str) -> Iterator[str]:
    """Yield the lines of a text, with their ends. A ``StringIO`` would copy it at four bytes a character."""
    return (match[0] for match in _LINE.finditer(text))


def paragraphs(text: str) -> list[str]:
    """Return what blank lines separate in a text."""
    return _BLANK_LINES.split(text)


def paragraph_spans(text: str, span: Span) -> Iterator[Span]:
    """Yield what blank lines or page breaks (form feeds) separate within ``text[span]``."""
    return _between(_BLANK_LINES_OR_PAGE_BREAK, text, span)


def line_spans(text: str, span: Span) -> Iterator[Span]:
    """Yield the lines within ``text[span]``, without their ends."""
    return _between(_LINE_BREAK, text, span)


def word_spans(text: str, span: Span) -> Iterator[Span]:
    """Yield what white space or a Chinese comma separates within ``text[span]``."""
    return (word for word in _between(_WORD_END, text, span) if word.start < word.end)


def trimmed(text: str, span: Span) -> Span:
    """Return ``span`` without the white space at both ends of ``text[span]``."""
    part = span.slice(text)
    start = span.start + len(part) - len(part.lstrip())
    return Span(start, max(start, span.start + len(part.rstrip())))


def _between(separator: re.Pattern[str], text: str, span: Span) -> Iterator[Span]:
    start = span.start
    for match in separator.finditer(text, *span):
        yield Span(start, match.start())
        start = match.end()
    yield Span(start, span.end)
