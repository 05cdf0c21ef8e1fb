"""Where a text is split into headings, paragraphs and tables."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from qa.text.extent import letters
from qa.text.patterns import line_spans, paragraph_spans, trimmed
from qa.text.segmentation.headings import guess_level
from qa.text.segmentation.sentences import READABLE
from qa.text.segmentation.table_lines import Tables
from qa.types import Reading, Span

FRAGMENT_LENGTH = 250
"""A block of fewer letters (``extent.letters``) is a fragment and joins its neighbours: two sentences."""

_MAX_HEADINGS_IN_A_ROW = 3
"""A title, a section and a subsection may follow each other; more short lines in a row are a list."""

_MAX_WRAPPED_LINE = 160
"""Letters of a wrapped line. Where one is longer, lines are not wrapped: each is a paragraph."""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, or the rows of a table that are on one page.

    Attributes:
        span: its place in the text.
        alone: whether blank lines set it apart.
        level: a heading's level; None for a paragraph.
        page: the page that it begins on, from 1; None if the document has no pages.
        rows: the rows of a table; none for a heading or paragraph.
        header: the lines that name the table's columns.
        introduction: the paragraph before the table, if it belongs to ``span``; the header then does, too.
    """

    span: Span
    alone: bool = True
    level: int | None = None
    page: int | None = None
    rows: tuple[Span, ...] = ()
    header: Span | None = None
    introduction: Span | None = None

    def is_fragment(self, text: str) -> bool:
        """Whether it is too short to be a passage of its own. A table stands alone, however short.

        Args:
            text: the document's text.
        """
        is_short = self.span.end - self.span.start < FRAGMENT_LENGTH
        return not self.rows and is_short and letters(self.span.slice(text)) < FRAGMENT_LENGTH


def split_blocks(reading: Reading, check: Callable[[], None]) -> list[Block]:
    """Split a document into headings, paragraphs and tables. A heading above nothing is a paragraph."""
    tables = Tables(reading)
    headings = {
        heading.span: heading.level for heading in reading.headings or () if not tables.overlap(heading.span)
    }
    page_starts = [page.start for page in reading.pages]
    edges = [offset for heading in headings for offset in heading]
    blocks = []
    for part in _between([*page_starts, *edges, *tables.edges], len(reading.text)):
        page = max(1, bisect_right(page_starts, part.start)) if page_starts else None
        if table := tables.at(part):
            check()
            if rows := tables.rows(table, part):
                span = Span(rows[0].start, rows[-1].end)
                blocks.append(Block(span, page=page, rows=rows, header=table.header))
            continue
        for span, alone in _pieces(reading.text, part):
            check()
            blocks.append(Block(span, alone, headings.get(span), page))
    if not headings:
        blocks = _guess_headings(reading.text, blocks)
    last_prose = max((i for i, block in enumerate(blocks) if block.level is None), default=-1)
    return [*blocks[: last_prose + 1], *(replace(block, level=None) for block in blocks[last_prose + 1 :])]


def _between(cuts: Iterable[int], length: int) -> Iterator[Span]:
    return (Span(start, end) for start, end in pairwise(sorted({0, *cuts, length})))


def _pieces(text: str, part: Span) -> Iterator[tuple[Span, bool]]:
    """Split at blank lines and, where lines are not merely wrapped, at every line end.

    Yields:
        Each piece, trimmed, and whether blank lines set it apart.
    """
    for block in paragraph_spans(text, part):
        lines = list(line_spans(text, block))
        wrapped = all(_may_be_wrapped(text, line) for line in lines)
        for piece in [block] if wrapped else lines:
            span = trimmed(text, piece)
            if READABLE.search(text, *span):
                yield span, wrapped


def _may_be_wrapped(text: str, line: Span) -> bool:
    return line.end - line.start <= _MAX_WRAPPED_LINE and letters(line.slice(text)) <= _MAX_WRAPPED_LINE


def _guess_headings(text: str, blocks: list[Block]) -> list[Block]:
    """Mark the blocks that look like headings. A longer row of them is a list."""
    marked: list[Block] = []
    for level, run in groupby(blocks, lambda block: _guess_level(text, block)):
        row = list(run)
        is_list = level == 1 and len(row) > _MAX_HEADINGS_IN_A_ROW
        marked += row if is_list else [replace(block, level=level) for block in row]
    return marked


def _guess_level(text: str, block: Block) -> int | None:
    return None if block.rows else guess_level(block.span.slice(text), alone=block.alone)
