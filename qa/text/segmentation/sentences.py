"""Where a sentence is split."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import sentencex

from qa.errors import ReadError
from qa.text.patterns import is_list_item, line_breaks, trimmed
from qa.types import Span

MAX_SENTENCES = 500_000
"""Sentences of a document. The longest has some 200,000; each takes memory until the document is written."""

READABLE = re.compile(r"[^\W_]")
"""A letter or digit: text without any is neither a sentence nor a passage."""

_WINDOW, _LOOKAHEAD = 3_000, 1_000
"""How many characters sentencex gets at once, and how many of these only show it how the sentence goes on.

Its time grows with their square where quotation marks are not closed.
"""

_LONG_SENTENCE, _SHORTEST_CLAUSES = 250, 100
"""Letters of a Thai, Lao, Khmer, Burmese or Tibetan sentence that is split between clauses, and of its parts.

Thai and Lao have no full stop: a space is between clauses as well as between sentences. Chosen: an English
sentence has some 160 letters (XQuAD), so parts are about as long as one.
"""

_CLAUSED = "\u0e01-\u0e2e\u0e30-\u0e45\u0e47-\u0e4e\u0e81-\u0ebd\u0ec8-\u0ecd\u1000-\u1049\u1780-\u17d3"
"""Letters of scripts with spaces between clauses only; not the Thai signs of repetition and abbreviation."""

_BETWEEN_CLAUSES = re.compile(rf"(?<=[{_CLAUSED}])[^\S\r\n]++(?=[{_CLAUSED}])|[\u0f0d\u0f0e\u104a]\s*+")
_KHMER_END = re.compile(
    "[\u17d4\u17d5](?!\u179b\u17d4)[\"'»”’)\\]]*+\\s*+"
)  # but not within the sign for "etc."
_HAS_CLAUSES = re.compile(rf"[{_CLAUSED}\u0f00-\u0fff]")


def split_sentences(
    text: str, span: Span, language: str | None, check: Callable[[], None] = lambda: None
) -> list[Span]:
    """Split ``text[span]`` into sentences, in order and trimmed. A list item or a table row is one, too.

    Args:
        text: the document's text.
        span: the part of it to split.
        language: its ISO 639-1 code; English rules apply where it is unknown.
        check: called between steps that take little time each; what it raises ends the work.

    Raises:
        ReadError: it has more than ``MAX_SENTENCES``.
    """
    sentences = []
    for item in _items(text, span):
        start = item.start
        for end in _ends(text, item, language or "en", check):
            sentences.append(trimmed(text, Span(start, end)))
            start = end
        check_count(len(sentences))
    return [sentence for sentence in sentences if READABLE.search(text, *sentence)] or [span]


def check_count(count: int) -> None:
    """Raise ReadError if a document has too many sentences."""
    if count > MAX_SENTENCES:
        raise ReadError(f"has more than {MAX_SENTENCES:,} sentences: split it")


def _ends(text: str, span: Span, language: str, check: Callable[[], None]) -> Iterator[int]:
    """Yield where sentences end, working through the span in windows; the last one ends with the span.

    Each window begins with a sentence, unless the sentence is longer than the window before.
    """
    start, end = span
    while end - start > _WINDOW:
        check()
        window = text[start : start + _WINDOW]
        ends = [offset for offset in _ends_in(window, language) if offset <= _WINDOW - _LOOKAHEAD]
        yield from (start + offset for offset in ends)
        is_long = not ends or ends[-1] < (_WINDOW - _LOOKAHEAD) // 2
        start += _cut(window) if is_long else ends[-1]
    check()
    yield from (start + offset for offset in _ends_in(text[start:end], language))


def _ends_in(text: str, language: str) -> list[int]:
    ends = [boundary["end_index"] for boundary in sentencex.get_sentence_boundaries(language, text)]
    if text.isascii() or not _HAS_CLAUSES.search(text):
        return ends
    khmer = (match.end() for match in _KHMER_END.finditer(text))
    return list(_split_clauses(text, sorted({*ends, *khmer})))


def _split_clauses(text: str, ends: list[int]) -> Iterator[int]:
    """Yield where sentences end, and between clauses of long ones in scripts like Thai."""
    start = 0
    for end in ends:
        if end - start > _LONG_SENTENCE:
            for match in _BETWEEN_CLAUSES.finditer(text, start, end):
                if min(match.start() - start, end - match.end()) >= _SHORTEST_CLAUSES:
                    start = match.end()
                    yield start
        yield end
        start = end


def _cut(window: str) -> int:
    """Return where to cut a window without a sentence end: at a line end, or else between words."""
    last = _WINDOW - _LOOKAHEAD
    for mark in ("\n", " "):
        place = window.rfind(mark, last // 2, last)
        if place >= 0:
            return place + 1
    return last


def _items(text: str, span: Span) -> Iterator[Span]:
    """Split a paragraph where a new line begins a list item or a table row."""
    start = line_start = span.start
    breaks = line_breaks(text, span)
    for (line_end, next_line), (next_end, _) in pairwise([*breaks, (span.end, span.end)]):
        lines = text[line_start:line_end], text[next_line:next_end]
        if is_list_item(lines[1]) or any("|" in line or "\t" in line for line in lines):
            yield Span(start, next_line)
            start = next_line
        line_start = next_line
    yield Span(start, span.end)
