"""Tables as grids: every row has a cell for every column, whatever is merged or empty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from qa.types import Span, Table

CELL_SEPARATOR = " | "


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as a format states it: its text on one line, and how many rows and columns it covers."""

    text: str
    rows: int = 1
    columns: int = 1


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's cells, row by row, all rows of one length.

    Attributes:
        rows: the texts of the cells, each on one line. What a merged cell covers beyond its first place is
            empty.
        header_rows: how many of the first rows name the columns.
    """

    rows: tuple[tuple[str, ...], ...]
    header_rows: int = 0

    @property
    def text(self) -> str:
        """The table as text: a line for each row."""
        return "\n".join(self._lines())

    def table(self, start: int) -> Table:
        """Return where the rows are in a text in which the table begins at ``start``."""
        lines = self._lines()
        starts = accumulate((len(line) + 1 for line in lines), initial=start)
        spans = [Span(offset, offset + len(line)) for offset, line in zip(starts, lines, strict=False)]
        header, rows = spans[: self.header_rows], spans[self.header_rows :]
        return Table(Span(header[0].start, header[-1].end) if header else None, tuple(rows))

    def _lines(self) -> list[str]:
        return [CELL_SEPARATOR.join(cell.replace("|", "\\|") for cell in row) for row in self.rows]


def lay_out(rows: Iterable[Iterable[Cell]], *, header_rows: int = 0) -> Grid:
    """Put the cells of each row in the columns that they cover, and leave out empty rows and columns.

    >>> lay_out([[Cell("Port"), Cell("Berths", columns=2)], [Cell("Leith"), Cell(""), Cell("12")]]).rows
    (('Port', 'Berths', ''), ('Leith', '', '12'))

    Args:
        rows: the cells that begin in each row, in order.
        header_rows: how many of the first rows name the columns.
    """
    laid: list[dict[int, str]] = []
    free_from: dict[int, int] = {}  # by column, the first row that no cell so far covers
    for number, row in enumerate(rows):
        line: dict[int, str] = {}
        column = 0
        for cell in row:
            while free_from.get(column, 0) > number:
                column += 1
            line[column] = cell.text
            for covered in range(column, column + cell.columns):
                free_from[covered] = max(free_from.get(covered, 0), number + cell.rows)
            column += cell.columns
        laid.append(line)
    return _compact(laid, header_rows)


def _compact(laid: list[dict[int, str]], header_rows: int) -> Grid:
    columns = sorted({column for line in laid for column, text in line.items() if text})
    filled = [(number < header_rows, line) for number, line in enumerate(laid) if any(line.values())]
    rows = tuple(tuple(line.get(column, "") for column in columns) for _, line in filled)
    return Grid(rows, sum(is_header for is_header, _ in filled))
