"""A document's text as the viewer shows it: paragraphs and headings, with one range marked."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from qa.contracts import Heading, Span

PART = 200_000
_SNAP = 2_000
_BLANK = re.compile(r"(?:\r\n?|\n)[^\S\r\n]*(?:\r\n?|\n)\s*")


class Piece(NamedTuple):
    """A stretch of text, marked or not. ``first`` is true of the first marked one."""

    text: str
    marked: bool
    first: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading (``level`` 1 to 6) or other matter; ``page`` where a page begins with it."""

    kind: Literal["paragraph", "heading", "matter"]
    pieces: tuple[Piece, ...]
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What is shown of a document. ``earlier`` and ``later`` are where the parts beside it begin."""

    blocks: tuple[Block, ...]
    earlier: int | None
    later: int | None


def part_of(
    text: str,
    headings: Sequence[Heading],
    pages: Sequence[tuple[int, int]],
    mark: Span | None,
    at: int | None,
) -> Part:
    """Lay out the part of a document that begins at ``at``, or that ``mark`` is in the middle of.

    Args:
        text: the whole text.
        headings: of the whole text, in order.
        pages: where each page's first passage begins, and the page's number; in order.
        mark: what to highlight.
        at: where the part begins.
    """
    start = min(at, len(text)) if at is not None else _snap(text, mark.start - PART // 2 if mark else 0)
    end = _snap(text, start + PART)
    return Part(
        blocks=tuple(_block(text, kind, mark, pages) for kind in _spans(text, Span(start, end), headings)),
        earlier=_snap(text, start - PART) if start else None,
        later=end if end < len(text) else None,
    )


def pieces(text: str, base: int, span: Span, mark: Span | None) -> tuple[Piece, ...]:
    """Cut ``span`` of a document at the edges of ``mark``; ``text`` holds the document from ``base`` on."""
    if mark is None or mark.end <= span.start or mark.start >= span.end:
        return (Piece(text[span.start - base : span.end - base], marked=False),)
    inside = Span(max(span.start, mark.start), min(span.end, mark.end))
    cuts = (
        (span.start, inside.start, False),
        (inside.start, inside.end, True),
        (inside.end, span.end, False),
    )
    return tuple(
        Piece(text[start - base : end - base], marked, first=marked and start == mark.start)
        for start, end, marked in cuts
        if start < end
    )


class _Kind(NamedTuple):
    span: Span
    level: int | None


def _snap(text: str, at: int) -> int:
    """Move an offset to the next paragraph's beginning, where there is one near."""
    if at <= 0:
        return 0
    if at >= len(text):
        return len(text)
    found = _BLANK.search(text, at, at + _SNAP)
    return found.end() if found else at


def _spans(text: str, part: Span, headings: Sequence[Heading]) -> Iterator[_Kind]:
    """Go through a part's headings and the paragraphs between them."""
    position = part.start
    for heading in headings:
        start, end = max(heading.span.start, position), min(heading.span.end, part.end)
        if start < end:
            yield from _paragraphs(text, Span(position, start))
            yield _Kind(Span(start, end), heading.level)
            position = end
    yield from _paragraphs(text, Span(position, part.end))


def _paragraphs(text: str, span: Span) -> Iterator[_Kind]:
    position = span.start
    for blank in _BLANK.finditer(text, span.start, span.end):
        yield from _unless_blank(text, Span(position, blank.start()))
        position = blank.end()
    yield from _unless_blank(text, Span(position, span.end))


def _unless_blank(text: str, span: Span) -> Iterator[_Kind]:
    if span.of(text).strip():
        yield _Kind(span, None)


def _block(text: str, kind: _Kind, mark: Span | None, pages: Sequence[tuple[int, int]]) -> Block:
    span, level = kind
    found = bisect_left(pages, (span.start, 0))
    page = pages[found][1] if found < len(pages) and pages[found][0] < span.end else None
    cut = pieces(text, 0, span, mark)
    if level is None:
        return Block("paragraph", cut, page=page)
    return Block("heading" if level else "matter", cut, level=min(level, 6), page=page)
