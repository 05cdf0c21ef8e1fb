"""The layout of a document's text on its page: paragraphs and headings, with marked ranges."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from qa.types import Heading, Span

PART = 40_000
"""About how many characters are shown at once. Chosen: some fifteen pages, which a browser shows at once."""

_SNAP = 2_000
"""How far a part may end after its length, in characters, to end with a paragraph. Chosen: a long one."""

# Atomic groups, so that half of a CR LF never counts as a line end.
_BLANK = re.compile(r"(?>\r\n?|\n)[^\S\r\n]*+(?>\r\n?|\n)\s*+")
_WORD = re.compile(r"\w")

Kind = Literal["sentence", "passage", "other", "word"]


class Mark(NamedTuple):
    """A range to highlight: the best sentence, the passage that is shown, another hit, or a query's word.

    ``name`` is the target of links to it.
    """

    span: Span
    kind: Kind
    name: str = ""


class Piece(NamedTuple):
    """A piece of text, marked or not. ``name`` is that of the mark that begins with it."""

    text: str
    kind: Kind | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading (``level`` 1 to 6), front matter, or the signs that mark a heading.

    ``start`` is its offset, ``page`` the number of the page that begins with it.
    """

    kind: Literal["paragraph", "heading", "matter", "sign"]
    pieces: tuple[Piece, ...]
    start: int
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a document that is shown. ``earlier`` and ``later`` are the offsets of its neighbours."""

    span: Span
    blocks: tuple[Block, ...]
    earlier: int | None
    later: int | None


def marks_of(passage: Span, sentence: Span | None, others: Iterable[Span]) -> tuple[Mark, ...]:
    """Return the marks of a passage, of the sentence within it and of other hits, ordered and disjoint.

    Hits that overlap the passage are left out.
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
    disjoint = (span for span in others if span.end <= passage.start or span.start >= passage.end)
    return tuple(sorted([*own, *(Mark(span, "other", f"hit-{span.start}") for span in disjoint)]))


def part_of(
    text: str,
    headings: Sequence[Heading],
    pages: Sequence[tuple[int, int]],
    marks: Sequence[Mark],
    start: int,
) -> Part:
    """Return the layout of the part of a document that begins at ``start``.

    Args:
        text: the whole text.
        headings: all headings of the text, ordered.
        pages: where each page's first passage begins, and the page's number; ordered.
        marks: what to highlight, ordered and disjoint.
        start: the offset at which the part begins.
    """
    start = min(start, len(text))
    end = _snap(text, start + PART)
    spans = _normalize_levels(_spans(text, Span(start, end), headings))
    return Part(
        span=Span(start, end),
        blocks=tuple(_block(text, span, marks, pages) for span in spans),
        earlier=_snap(text, start - PART) if start else None,
        later=end if end < len(text) else None,
    )


def part_start(text: str, middle: int) -> int:
    """Return the offset at which a part with ``middle`` in its middle begins."""
    return _snap(text, middle - PART // 2)


def pieces(text: str, base: int, span: Span, marks: Sequence[Mark]) -> tuple[Piece, ...]:
    """Cut ``span`` at the edges of the marks; ``text`` is the document's text from offset ``base`` on."""
    cut = []
    position = span.start
    for mark in marks[bisect_left(marks, span.start, key=lambda mark: mark.span.end) :]:
        if mark.span.start >= span.end:
            break
        start, end = max(mark.span.start, span.start), min(mark.span.end, span.end)
        if start >= end:
            continue
        if position < start:
            cut.append(Piece(text[position - base : start - base]))
        name = mark.name if start == mark.span.start else ""
        cut.append(Piece(text[start - base : end - base], mark.kind, name))
        position = end
    if position < span.end or not cut:
        cut.append(Piece(text[position - base : span.end - base]))
    return tuple(cut)


class _Block(NamedTuple):
    """A block before it is cut into pieces; a paragraph has no level, and front matter has level 0."""

    span: Span
    level: int | None


def _snap(text: str, offset: int) -> int:
    """Return the beginning of the next paragraph if it is near, else the offset itself."""
    if offset <= 0:
        return 0
    if offset >= len(text):
        return len(text)
    blank = _BLANK.search(text, offset, offset + _SNAP)
    return blank.end() if blank else offset


def _spans(text: str, part: Span, headings: Sequence[Heading]) -> Iterator[_Block]:
    """Yield a part's headings and the paragraphs between them, in order."""
    position = part.start
    for heading in headings[bisect_left(headings, part.start, key=lambda heading: heading.span.end) :]:
        if heading.span.start >= part.end:
            break
        start, end = max(heading.span.start, position), min(heading.span.end, part.end)
        if start < end:
            yield from _paragraphs(text, Span(position, start))
            yield _Block(Span(start, end), heading.level)
            position = end
    yield from _paragraphs(text, Span(position, part.end))


def _normalize_levels(blocks: Iterable[_Block]) -> Iterator[_Block]:
    """Number heading levels from 1 without gaps, as screen readers need them."""
    open_levels: list[int] = []
    for block in blocks:
        if block.level:
            open_levels = [level for level in open_levels if level < block.level] + [block.level]
            yield block._replace(level=len(open_levels))
        else:
            yield block


def _paragraphs(text: str, span: Span) -> Iterator[_Block]:
    position = span.start
    for blank in _BLANK.finditer(text, span.start, span.end):
        yield from _unless_blank(text, Span(position, blank.start()))
        position = blank.end()
    yield from _unless_blank(text, Span(position, span.end))


def _unless_blank(text: str, span: Span) -> Iterator[_Block]:
    if span.slice(text).strip():
        yield _Block(span, None)


def _block(text: str, block: _Block, marks: Sequence[Mark], pages: Sequence[tuple[int, int]]) -> Block:
    span, level = block
    next_page = bisect_left(pages, (span.start, 0))
    page = pages[next_page][1] if next_page < len(pages) and pages[next_page][0] < span.end else None
    cut = pieces(text, 0, span, marks)
    if level is None:
        has_words = _WORD.search(text, span.start, span.end)
        return Block("paragraph" if has_words else "sign", cut, span.start, page=page)
    return Block("heading" if level else "matter", cut, span.start, level=min(level, 6), page=page)
