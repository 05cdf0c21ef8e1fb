"""What a reader sees as one letter, which may be several code points."""

from __future__ import annotations

import regex

from qa.types import Span

_GRAPHEME = regex.compile(r"\X")


def whole_graphemes(text: str, span: Span) -> Span:
    r"""Return the least span around one that cuts no grapheme of a text.

    >>> whole_graphemes("Cafe\u0301s", Span(0, 4))
    Span(start=0, end=5)
    """
    start, end = span
    for match in _GRAPHEME.finditer(text):
        if match.start() >= end:
            break
        if match.start() < start < match.end():
            start = match.start()
        end = max(end, match.end())
    return Span(start, end)
