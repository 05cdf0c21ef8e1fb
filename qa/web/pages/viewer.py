"""A document's text as the viewer shows it: paragraphs and headings, with some ranges marked."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from qa.types import Heading, Span

PART = 40_000
"""About how many characters are shown at once."""

_SNAP = 2_000
# Atomic, so that half of a CR LF is never taken for a line of its own.
_BLANK = re.compile(r"(?>\r\n?|\n)[^\S\r\n]*+(?>\r\n?|\n)\s*+")
_WORD = re.compile(r"\w")

Kind = Literal["sentence", "passage", "other"]


class Mark(NamedTuple):
    """A range to be marked: the sentence that answers, the passage that is looked at, or another hit.

    ``name`` is what links call it.
    """

    span: Span
    kind: Kind
    name: str = ""


class Piece(NamedTuple):
    """A stretch of text, marked or not. ``name`` is that of the mark that begins with it."""

    text: str
    kind: Kind | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading (``level`` 1 to 6), other matter, or signs that a format puts before a heading.

    ``start`` is its offset, ``page`` the number of the page that begins with it.
    """

    kind: Literal["paragraph", "heading", "matter", "sign"]
    pieces: tuple[Piece, ...]
    start: int
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What is shown of a document. ``earlier`` and ``later`` are where the parts beside it begin."""

    span: Span
    blocks: tuple[Block, ...]
    earlier: int | None
    later: int | None


def marks_of(passage: Span, sentence: Span | None, others: Iterable[Span]) -> tuple[Mark, ...]:
    """Put together what is marked, in order and apart: the passage, the sentence within it, the other hits.

    A hit that overlaps the passage is not another one.
    """
    own = [Mark(passage, "passage")]
    if sentence and passage.start <= sentence.start < sentence.end <= passage.end:
        own = [
            Mark(Span(passage.start, sentence.start), "passage"),
            Mark(sentence, "sentence"),
            Mark(Span(sentence.end, passage.end), "passage"),
        ]
    own = [mark for mark in own if mark.span.start < mark.span.end]
    own[0] = own[0]._replace(name="passage")
    apart = (span for span in others if span.end <= passage.start or span.start >= passage.end)
    return tuple(sorted([*own, *(Mark(span, "other", f"hit-{span.start}") for span in apart)]))


def part_of(
    text: str,
    headings: Sequence[Heading],
    pages: Sequence[tuple[int, int]],
    marks: Sequence[Mark],
    at: int,
) -> Part:
    """Lay out the part of a document that begins at ``at``.

    Args:
        text: the whole text.
        headings: of the whole text, in order.
        pages: where each page's first passage begins, and the page's number; in order.
        marks: what to highlight, in order and apart.
        at: where the part begins.
    """
    start = min(at, len(text))
    end = _snap(text, start + PART)
    shown = _in_steps(_spans(text, Span(start, end), headings))
    return Part(
        span=Span(start, end),
        blocks=tuple(_block(text, kind, marks, pages) for kind in shown),
        earlier=_snap(text, start - PART) if start else None,
        later=end if end < len(text) else None,
    )


def beginning(text: str, around: int) -> int:
    """Give where the part begins that has an offset in its middle."""
    return _snap(text, around - PART // 2)


def pieces(text: str, base: int, span: Span, marks: Sequence[Mark]) -> tuple[Piece, ...]:
    """Cut ``span`` of a document at the edges of the marks; ``text`` holds the document from ``base`` on."""
    found = []
    position = span.start
    for mark in marks[bisect_left(marks, span.start, key=lambda mark: mark.span.end) :]:
        if mark.span.start >= span.end:
            break
        start, end = max(mark.span.start, span.start), min(mark.span.end, span.end)
        if start >= end:
            continue
        if position < start:
            found.append(Piece(text[position - base : start - base]))
        name = mark.name if start == mark.span.start else ""
        found.append(Piece(text[start - base : end - base], mark.kind, name))
        position = end
    if position < span.end or not found:
        found.append(Piece(text[position - base : span.end - base]))
    return tuple(found)


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
    for heading in headings[bisect_left(headings, part.start, key=lambda heading: heading.span.end) :]:
        if heading.span.start >= part.end:
            break
        start, end = max(heading.span.start, position), min(heading.span.end, part.end)
        if start < end:
            yield from _paragraphs(text, Span(position, start))
            yield _Kind(Span(start, end), heading.level)
            position = end
    yield from _paragraphs(text, Span(position, part.end))


def _in_steps(kinds: Iterable[_Kind]) -> Iterator[_Kind]:
    """Let the levels of headings begin with 1 and leave none out, as those who hear a page need it."""
    above: list[int] = []
    for kind in kinds:
        if kind.level:
            above = [level for level in above if level < kind.level] + [kind.level]
            yield kind._replace(level=len(above))
        else:
            yield kind


def _paragraphs(text: str, span: Span) -> Iterator[_Kind]:
    position = span.start
    for blank in _BLANK.finditer(text, span.start, span.end):
        yield from _unless_blank(text, Span(position, blank.start()))
        position = blank.end()
    yield from _unless_blank(text, Span(position, span.end))


def _unless_blank(text: str, span: Span) -> Iterator[_Kind]:
    if span.of(text).strip():
        yield _Kind(span, None)


def _block(text: str, kind: _Kind, marks: Sequence[Mark], pages: Sequence[tuple[int, int]]) -> Block:
    span, level = kind
    found = bisect_left(pages, (span.start, 0))
    page = pages[found][1] if found < len(pages) and pages[found][0] < span.end else None
    cut = pieces(text, 0, span, marks)
    if level is None:
        worded = _WORD.search(text, span.start, span.end)
        return Block("paragraph" if worded else "sign", cut, span.start, page=page)
    return Block("heading" if level else "matter", cut, span.start, level=min(level, 6), page=page)
