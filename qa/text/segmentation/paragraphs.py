"""Where a text is split into headings and paragraphs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from qa.text.patterns import line_spans, paragraph_spans, trimmed
from qa.text.segmentation.headings import guess_level
from qa.text.segmentation.sentences import READABLE
from qa.types import Reading, Span

FRAGMENT_LENGTH = 250
"""A block of fewer characters is a fragment and joins its neighbours: about two sentences."""

_MAX_HEADINGS_IN_A_ROW = 3
"""A title, a section and a subsection may follow each other; more short lines in a row are a list."""

_MAX_WRAPPED_LINE = 160
"""Characters of a wrapped line. Where one is longer, lines are not wrapped: each is a paragraph."""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading or paragraph.

    Attributes:
        span: its place in the text.
        alone: whether blank lines set it apart.
        level: a heading's level; None for a paragraph.
        page: the page that it begins on, from 1; None if the document has no pages.
    """

    span: Span
    alone: bool = True
    level: int | None = None
    page: int | None = None

    @property
    def is_fragment(self) -> bool:
        """Whether it is too short to be a passage of its own."""
        return self.span.end - self.span.start < FRAGMENT_LENGTH


def split_blocks(reading: Reading, check: Callable[[], None]) -> list[Block]:
    """Split a document into headings and paragraphs. A heading that nothing follows is a paragraph."""
    headings = {heading.span: heading.level for heading in reading.headings or ()}
    page_starts = [page.start for page in reading.pages]
    edges = [offset for heading in headings for offset in heading]
    blocks = []
    for span, alone in _pieces(reading.text, [*page_starts, *edges]):
        check()
        page = max(1, bisect_right(page_starts, span.start)) if page_starts else None
        blocks.append(Block(span, alone, headings.get(span), page))
    if not headings:
        blocks = _guess_headings(reading.text, blocks)
    last_prose = max((i for i, block in enumerate(blocks) if block.level is None), default=-1)
    return [*blocks[: last_prose + 1], *(replace(block, level=None) for block in blocks[last_prose + 1 :])]


def _pieces(text: str, cuts: Iterable[int]) -> Iterator[tuple[Span, bool]]:
    """Split at the cuts, at blank lines and, where lines are not merely wrapped, at every line end.

    Yields:
        Each piece, trimmed, and whether blank lines set it apart.
    """
    for start, end in pairwise(sorted({0, *cuts, len(text)})):
        for block in paragraph_spans(text, Span(start, end)):
            lines = list(line_spans(text, block))
            wrapped = all(line.end - line.start <= _MAX_WRAPPED_LINE for line in lines)
            for piece in [block] if wrapped else lines:
                span = trimmed(text, piece)
                if READABLE.search(text, *span):
                    yield span, wrapped


def _guess_headings(text: str, blocks: list[Block]) -> list[Block]:
    """Mark the blocks that look like headings. A longer row of them is a list."""
    marked: list[Block] = []
    for level, run in groupby(blocks, lambda block: guess_level(block.span.slice(text), alone=block.alone)):
        row = list(run)
        is_list = level == 1 and len(row) > _MAX_HEADINGS_IN_A_ROW
        marked += row if is_list else [replace(block, level=level) for block in row]
    return marked
