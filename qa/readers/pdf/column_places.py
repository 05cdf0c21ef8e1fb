"""Rows of a table without rules → its grid, by where the cells are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.readers.grid import Cell as GridCell
from qa.readers.grid import Grid, lay_out
from qa.readers.pdf.layout import Cell, Line

_CURRENCY = re.compile(r"[A-Z]{0,3}[$€£¥₽₪₹]")
_TRAILING_CURRENCY = re.compile(r"(.*\S)\s+([$€£¥₽₪₹])")
_SPACED_CURRENCY = re.compile(r"^([A-Z]{0,3}[$€£¥₽₪₹])\s+(?=[\d(—–])")
_CLOSING = re.compile(r"[)%]{1,2}|\*+")
_NUMERIC = re.compile(r"\W*\d[\d.,\s]*(?:[^\w.,\s]\W*)?|[—–-]")
_YEAR = re.compile(r"(?:19|20)\d\d\W*")
_MAX_COLUMNS = 60  # more than fit on a printed page
_HEADER_ROWS = 6  # rows above a table's first numbers that may name its columns


def make_grid(rows: Sequence[Line]) -> Grid:
    """Return the grid of rows. Where their columns cannot be told, each row keeps its cells in order."""
    cells = [_joined_signs(row.cells or (Cell(row.text, row.left, row.right),)) for row in rows]
    columns = _columns(cells)
    width = max(map(len, cells))
    texts: list[list[str]] = []
    for row in cells:
        placed = _placed(row, columns) if columns else None
        texts.append(placed or [cell.text for cell in row] + [""] * (width - len(row)))
    header_rows = _header_rows(texts)
    return lay_out([[GridCell(text) for text in row] for row in texts], header_rows=header_rows)


def _joined_signs(cells: Sequence[Cell]) -> list[Cell]:
    """Join signs of currency and per cent with their numbers, from which wide gaps may part them."""
    joined: list[Cell] = []
    sign: Cell | None = None
    for cell in cells:
        text = _SPACED_CURRENCY.sub(r"\1", f"{sign.text}{cell.text}" if sign else cell.text)
        sign = None
        if _CURRENCY.fullmatch(text):
            sign = Cell(text, cell.left, cell.right)
            continue
        if trailing := _TRAILING_CURRENCY.fullmatch(text):
            text, sign = trailing[1], Cell(trailing[2], cell.right, cell.right)
        if joined and _CLOSING.fullmatch(text):
            joined[-1] = Cell(joined[-1].text + text, joined[-1].left, cell.right)
        else:
            joined.append(Cell(text, cell.left, cell.right))
    return [*joined, sign] if sign else joined


def _columns(rows: Sequence[Sequence[Cell]]) -> list[tuple[float, float]]:
    """Return the ends of the columns that the fuller rows show, or nothing if they contradict each other."""
    most = max(map(len, rows))
    if most > _MAX_COLUMNS:
        return []
    columns: list[tuple[float, float]] = []
    for cell in sorted(
        (cell for row in rows if len(row) >= max(2, most - 1) for cell in row), key=lambda cell: cell.left
    ):
        if columns and cell.left <= columns[-1][1]:
            columns[-1] = columns[-1][0], max(columns[-1][1], cell.right)
        else:
            columns.append((cell.left, cell.right))
    if not most <= len(columns) <= _MAX_COLUMNS:
        return []
    return _without_excess(columns, rows, most)


def _without_excess(
    columns: list[tuple[float, float]], rows: Sequence[Sequence[Cell]], most: int
) -> list[tuple[float, float]]:
    """Join neighbours that no row fills both, such as a centred name and the numbers right below it."""
    filled = [{_column_of(cell, columns) for cell in row} for row in rows]
    while len(columns) > most:
        gaps = [
            (columns[place + 1][0] - columns[place][1], place)
            for place in range(len(columns) - 1)
            if not any({place, place + 1} <= row for row in filled)
        ]
        if not gaps:
            break
        _, place = min(gaps)
        columns[place : place + 2] = [(columns[place][0], columns[place + 1][1])]
        filled = [{column - (column > place) for column in row} for row in filled]
    return columns


def _column_of(cell: Cell, columns: Sequence[tuple[float, float]]) -> int:
    """Return the column that a cell is over or nearest to."""
    return max(
        range(len(columns)),
        key=lambda column: min(cell.right, columns[column][1]) - max(cell.left, columns[column][0]),
    )


def _placed(row: Sequence[Cell], columns: Sequence[tuple[float, float]]) -> list[str] | None:
    """Return a row's text for each column, or None if two cells would share one."""
    texts = [""] * len(columns)
    last = -1
    for cell in row:
        overlaps = [
            min(cell.right, right) - max(cell.left, left) + (0.01 if left <= cell.left <= right else 0)
            for left, right in columns
        ]
        free = range(last + 1, len(columns))
        if not free:
            return None
        if len(row) == 1 and cell.left <= columns[0][1]:
            last = 0
        else:
            first = next((column for column in free if overlaps[column] > 0), None)
            last = max(free, key=lambda column: overlaps[column]) if first is None else first
        texts[last] = cell.text
    return texts


def _header_rows(rows: Sequence[Sequence[str]]) -> int:
    """Count the rows that name the columns: those before the first numbers, if numbers follow at all."""
    for number, row in enumerate(rows[: _HEADER_ROWS + 1]):
        filled = [text for text in row[1:] if text]
        if any(_NUMERIC.fullmatch(text) and not _YEAR.fullmatch(text) for text in filled):
            named = [before for before in rows[:number] if any(before[1:])]
            return number if named and not (number and not any(rows[number - 1][1:])) else _last(rows, number)
    years = [text for text in rows[0][1:] if text]
    return 1 if len(rows) > 1 and years and not rows[0][0] and all(map(_YEAR.fullmatch, years)) else 0


def _last(rows: Sequence[Sequence[str]], number: int) -> int:
    """Return how many of the first rows there are up to the last that has more than a first cell."""
    return max((place + 1 for place, row in enumerate(rows[:number]) if any(row[1:])), default=0)
