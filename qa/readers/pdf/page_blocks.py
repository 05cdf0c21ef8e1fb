"""Paragraphs of a document → blocks: headings, tables with the lines that belong to them, and the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from qa.readers.extract import MAX_HEADING_LENGTH, Block
from qa.readers.grid import Grid
from qa.readers.pdf.column_places import make_grid
from qa.readers.pdf.heading_finder import HeadingFinder, is_table_title, levels
from qa.readers.pdf.layout import Line, join

_NEAR = 2.4  # line heights: a line that is nearer to a table's row may be one, too
_NEARBY_ROWS = 100  # rows of a table that show where its columns are
_MAX_STUB = 3  # lines in a row without numbers that are still part of a table

Paragraph = Sequence[Line]


def gather(paragraphs: Sequence[Paragraph]) -> list[list[Line]]:
    """Join the pieces of a table: its rows, and the lines between and above them that lack numbers."""
    gathered: list[list[Line]] = []
    for number, paragraph in enumerate(paragraphs):
        following = paragraphs[number + 1 : number + 1 + _MAX_STUB]
        if gathered and _belongs(gathered[-1], paragraph, following):
            gathered[-1] += paragraph
        else:
            gathered.append(list(paragraph))
    return gathered


def make_blocks(
    pages: Sequence[Sequence[Paragraph]], finder: HeadingFinder, words: AbstractSet[str]
) -> Iterator[list[Block | Grid]]:
    """Yield the blocks of each page.

    Args:
        pages: the paragraphs and tables of each page.
        finder: finds headings.
        words: the document's, which tell where hyphens belong.
    """
    texts = [
        [None if _is_table(paragraph) else join(paragraph, words) for paragraph in page] for page in pages
    ]
    kinds = [
        [text and finder.kind(index, paragraph, text) for paragraph, text in zip(page, row, strict=True)]
        for index, (page, row) in enumerate(zip(pages, texts, strict=True))
    ]
    level_of = levels(kind for row in kinds for kind in row if kind)
    deepest = max(level_of.values(), default=0)
    for page, row, kinds_of_page in zip(pages, texts, kinds, strict=True):
        blocks: list[Block | Grid] = []
        for number, (paragraph, text, kind) in enumerate(zip(page, row, kinds_of_page, strict=True)):
            if text is None:
                blocks.append(make_grid(paragraph))
                continue
            level = level_of[kind] if kind else None
            if not kind and _has_table_below(page, row, number) and is_table_title(text):
                level = min(6, deepest + 1)
            blocks.append(Block(text, level if len(text) <= MAX_HEADING_LENGTH else None))
        yield blocks


def _has_table_below(page: Sequence[Paragraph], row: Sequence[str | None], number: int) -> bool:
    if number + 1 >= len(row) or row[number + 1] is not None:
        return False
    return 0 < page[number][-1].baseline - page[number + 1][0].baseline < 2 * _NEAR * page[number][-1].size


def _is_table(paragraph: Paragraph) -> bool:
    return any(line.is_tabular for line in paragraph[:_NEARBY_ROWS])


def _belongs(before: Paragraph, paragraph: Paragraph, following: Sequence[Paragraph]) -> bool:
    """Whether a paragraph belongs to the table before it, or is the table below what is before it."""
    if not _is_near(before[-1], paragraph[0]):
        return False
    if _is_table(paragraph):
        return _is_table(before) or _is_head(before, paragraph)
    return _is_table(before) and _leads_to_rows(before[-_NEARBY_ROWS:], [paragraph, *following])


def _leads_to_rows(table: Paragraph, paragraphs: Sequence[Paragraph]) -> bool:
    """Whether paragraphs below a table are labels above or within more of its rows."""
    below = table[-1]
    for paragraph in paragraphs:
        if not _is_near(below, paragraph[0]):
            return False
        if _is_table(paragraph):
            return True
        if len(paragraph) > _MAX_STUB or not all(_is_label(line, table) for line in paragraph):
            return False
        below = paragraph[-1]
    return False


def _is_near(above: Line, below: Line) -> bool:
    return 0 < above.baseline - below.baseline < _NEAR * max(above.size, below.size) and not below.box


def _is_label(line: Line, table: Paragraph) -> bool:
    """Whether a line stands in one column of a table, or over some but not the first."""
    second = min((row.cells[1].left for row in table if len(row.cells) > 1), default=0.0)
    first = min(row.left for row in table)
    in_stub = abs(line.left - first) < 4 * line.size and line.right < max(second, first + 20 * line.size)
    return in_stub or line.left >= second


def _is_head(lines: Paragraph, table: Paragraph) -> bool:
    """Whether lines above a table are over its columns of numbers, such as the name of a period."""
    columns = [row for row in table if len(row.cells) > 1]
    first = max(
        (row.cells[0].right for row in columns if row.left <= min(r.left for r in table) + 1), default=0
    )
    near = _is_near(lines[-1], table[0]) and len(lines) <= _MAX_STUB
    return near and bool(columns) and all(line.left > first and not line.box for line in lines)
