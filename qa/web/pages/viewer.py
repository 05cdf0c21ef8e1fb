"""The part of a document's text that its page shows: laid out, and cut at the edges of marked ranges."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from qa.types import Heading, Span
from qa.web.pages.layout_blocks import LaidOut, Run, Style
from qa.web.pages.text_layout import HeaderAt, lay_out

PART = 40_000
"""About how many characters are shown at once. Chosen: some fifteen pages, which a browser shows at once."""

_SNAP = 2_000
"""How far a part may end after its length, in characters, to end with a paragraph. Chosen: a long one."""

PART_LIMIT = PART + _SNAP
"""The longest part, in characters."""

# Atomic groups, so that half of a CR LF never counts as a line end.
_BLANK = re.compile(r"(?>\r\n?|\n)[^\S\r\n]*+(?>\r\n?|\n)\s*+")

Kind = Literal["sentence", "passage", "other", "word", "match", "current"]


class Mark(NamedTuple):
    """A range to highlight: the best sentence, the passage shown, another hit, a query's word, or a match.

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


class Shown(NamedTuple):
    """A piece of a run, marked or not, with its place in the document's text."""

    start: int
    text: str
    style: Style
    kind: Kind | None = None
    name: str = ""


Cell = tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it is laid out, its runs cut into pieces; a table has cells instead.

    ``page`` is the number of the page that begins with it.
    """

    laid_out: LaidOut
    pieces: Cell
    rows: tuple[tuple[Cell, ...], ...] = ()
    page: int | None = None

    @property
    def kind(self) -> str:
        """What it is."""
        return self.laid_out.kind

    @property
    def start(self) -> int:
        """Its offset in the text."""
        return self.laid_out.span.start


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


def overlaid(marks: Iterable[Mark], upper: Sequence[Mark]) -> tuple[Mark, ...]:
    """Return marks with others laid over them, both ordered and disjoint: what lies below is cut out."""
    cut: list[Mark] = [*upper]
    for mark in marks:
        start, name = mark.span.start, mark.name
        for over in upper[bisect_left(upper, start, key=lambda over: over.span.end) :]:
            if over.span.start >= mark.span.end:
                break
            if start < over.span.start:
                cut.append(Mark(Span(start, over.span.start), mark.kind, name))
                name = ""
            start = over.span.end
        if start < mark.span.end:
            cut.append(Mark(Span(start, mark.span.end), mark.kind, name))
    return tuple(sorted(cut))


def part_of(
    text: str,
    headings: Sequence[Heading],
    pages: Sequence[tuple[int, int]],
    marks: Sequence[Mark],
    start: int,
    *,
    media_type: str = "text/plain",
    header_at: HeaderAt = lambda _: None,
) -> Part:
    """Return the layout of the part of a document that begins at ``start``.

    Args:
        text: the whole text.
        headings: all headings of the text, ordered.
        pages: where each page's first passage begins, and the page's number; ordered.
        marks: what to highlight, ordered and disjoint.
        start: the offset at which the part begins.
        media_type: the document's.
        header_at: returns the header of the table's row at an offset, if it has one.
    """
    start = min(start, len(text))
    end = _snap(text, start + PART)
    cutter = _Cutter(marks)
    blocks = lay_out(text, Span(start, end), headings, media_type, header_at)
    return Part(
        span=Span(start, end),
        blocks=tuple(_block(block, cutter, pages) for block in blocks),
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


def _snap(text: str, offset: int) -> int:
    """Return the beginning of the next paragraph if it is near, else the offset itself."""
    if offset <= 0:
        return 0
    if offset >= len(text):
        return len(text)
    blank = _BLANK.search(text, offset, offset + _SNAP)
    return blank.end() if blank else offset


class _Cutter:
    """Cuts runs at the edges of marks. A mark's name goes to the first of its pieces that is shown."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._marks = marks
        self._named: set[str] = set()

    def cut(self, runs: Iterable[Run]) -> Cell:
        """Return the pieces of runs."""
        return tuple(piece for run in runs for piece in self._pieces(run))

    def _pieces(self, run: Run) -> Iterator[Shown]:
        position = run.start
        for mark in self._marks[bisect_right(self._marks, run.start, key=lambda mark: mark.span.end) :]:
            if mark.span.start >= run.end:
                break
            start, end = max(mark.span.start, position), min(mark.span.end, run.end)
            if start >= end:
                continue
            if position < start:
                yield Shown(position, run.text[position - run.start : start - run.start], run.style)
            name = "" if mark.name in self._named else mark.name
            self._named.add(name)
            yield Shown(start, run.text[start - run.start : end - run.start], run.style, mark.kind, name)
            position = end
        if position < run.end:
            yield Shown(position, run.text[position - run.start :], run.style)


def _block(block: LaidOut, cutter: _Cutter, pages: Sequence[tuple[int, int]]) -> Block:
    next_page = bisect_left(pages, (block.span.start, 0))
    page = pages[next_page][1] if next_page < len(pages) and pages[next_page][0] < block.span.end else None
    rows = tuple(tuple(map(cutter.cut, row)) for row in block.rows)
    return Block(block, cutter.cut(block.runs), rows, page)
