"""Rows of a table, as a passage's text has them → the cells that the page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa.readers.grid import CELL_SEPARATOR
from qa.types import Passage, Span
from qa.web.pages.layout_blocks import cells_of
from qa.web.pages.viewer import Mark, Piece, pieces

Row = tuple[tuple[Piece, ...], ...]
"""The cells of a row, each as pieces of text, marked or not."""

_LINE = re.compile(r"[^\n]+")


def table_rows(passage: Passage, marks: Sequence[Mark]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return the rows that name a table's columns, and those of the passage, all of one length.

    Both are empty if the passage is not rows of a table below such a header.
    """
    if passage.header is None:
        return (), ()
    header = list(_rows(passage.header, 0, ()))
    rows = list(_rows(passage.text, passage.span.start, marks))
    width = max(map(len, [*header, *rows]), default=0)
    return _padded(header, width), _padded(rows, width)


def has_rows(text: str) -> bool:
    """Whether a text has rows of a table among its lines, which must then stay lines."""
    return "\n" in text and CELL_SEPARATOR in text


def _rows(text: str, base: int, marks: Sequence[Mark]) -> Iterator[Row]:
    """Yield the cells of each line of a text that begins at offset ``base`` of its document."""
    for line in _LINE.finditer(text):
        cells = cells_of(text, Span(*line.span()))
        places = (Span(base + cell.start, base + cell.end) for cell in cells)
        yield tuple(tuple(map(_plain, pieces(text, base, place, marks))) for place in places)


def _plain(piece: Piece) -> Piece:
    """Return a piece with the bars that a cell holds as they were."""
    return piece._replace(text=piece.text.replace("\\|", "|"))


def _padded(rows: Sequence[Row], width: int) -> tuple[Row, ...]:
    return tuple(row + ((Piece(""),),) * (width - len(row)) for row in rows)
