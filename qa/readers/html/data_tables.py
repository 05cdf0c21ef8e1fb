"""Tables of data → grids. Tables that only lay out a page are told from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qa.readers.extract import Block, one_line
from qa.readers.grid import Cell, lay_out
from qa.readers.html.elements import local_name
from qa.readers.html.walking import BLOCKS, BREAKS, HEADINGS, SKIPPED, Blocks, Tag, text_of, walk

_ROWS = frozenset({"tr", "row"})
_CELLS = frozenset({"td", "th", "cell"})
_FLOW = frozenset({"p", "div", "ul", "ol", "dl", "form", "section", "article", "pre"}) | frozenset(HEADINGS)

_MAX_CELL_LENGTH, _MAX_LENGTH_BELOW_HEADER = 300, 2000
"""Characters: a cell with a longer text lays out a page, unless the table names its columns. Chosen."""

_MOST_COVERED = 200
"""Rows or columns that a cell covers at most: hostile pages state millions."""


def table_blocks(table: Any) -> Blocks:
    """Return a table and its caption; nothing if it only lays out a page: its cells are then paragraphs.

    A table in a cell stands in that cell, its rows divided by semicolons.
    """
    rows = [row for row in table.iter("{*}*") if local_name(row) in _ROWS and _table_of(row) is table]
    rows.sort(key=lambda row: local_name(row.getparent()) == "tfoot")  # it may come before the body
    has_header = any(_is_header(cell) for row in rows for cell in _cells(row))
    if table.get("role") in {"presentation", "none"} or not (has_header or _is_plain(table, rows)):
        return []
    if any(local_name(element) == "pre" for element in table.iter("{*}*")):
        return []
    cells = [[_cell(cell) for cell in _cells(row)] for row in rows]
    longest = max((len(cell.text) for row in cells for cell in row), default=0)
    if longest > (_MAX_LENGTH_BELOW_HEADER if has_header else _MAX_CELL_LENGTH):
        return []
    captions = [Block(text_of(element)) for element in table if local_name(element) == "caption"]
    grid = lay_out(cells, header_rows=_count_header_rows(rows))
    return [*captions, grid] if grid.rows else captions


def _table_of(row: Any) -> Any:
    return next((element for element in row.iterancestors("{*}*") if local_name(element) == "table"), None)


def _cells(row: Any) -> list[Any]:
    return [cell for cell in row if local_name(cell) in _CELLS]


def _is_header(cell: Any) -> bool:
    return local_name(cell) == "th" or local_name(cell.getparent().getparent()) == "thead"


def _is_plain(table: Any, rows: Sequence[Any]) -> bool:
    """Whether a table without headers has no headings in it, and if it holds tables, nothing else of size."""
    names = [local_name(element) for element in table.iter("{*}*")]
    if not any(name in HEADINGS for name in names) and names.count("table") == 1:
        return True
    parts = [local_name(part) for row in rows for cell in _cells(row) for part in cell]
    return len(rows) > 1 and all(len(_cells(row)) > 1 for row in rows) and _FLOW.isdisjoint(parts)


def _cell(cell: Any) -> Cell:
    pictures = (part.get("alt", "") for part in cell.iter("{*}img"))
    text = _text(cell) or one_line(" ".join(pictures))
    return Cell(text, _covered(cell.get("rowspan"), _MOST_COVERED), _covered(cell.get("colspan")))


def _text(cell: Any) -> str:
    """Return a cell's text on one line."""
    lines: list[list[str]] = [[]]
    for event in walk(cell, SKIPPED, lambda _: ()):
        if isinstance(event, str):
            lines[-1].append(event)
        elif isinstance(event, Tag) and event.name in _ROWS and not event.opens:
            lines.append([])
        elif isinstance(event, Tag) and event.name in BLOCKS | BREAKS:
            lines[-1].append(" ")
    return "; ".join(filter(None, (one_line("".join(line)) for line in lines)))


def _covered(value: str | None, otherwise: int = 1) -> int:
    """Return how many rows or columns a cell covers, within reason.

    Args:
        value: the attribute that says so.
        otherwise: what 0 means.
    """
    digits = (value or "").strip()
    if not digits.isdecimal():
        return 1
    return min(int(digits[:6]), _MOST_COVERED) or otherwise


def _count_header_rows(rows: Sequence[Any]) -> int:
    """Count the first rows that only name columns: those of ``thead``, or of nothing but ``th``."""
    count = 0
    for row in rows:
        cells = _cells(row)
        if len(cells) > 1 and not text_of(cells[0]):  # the corner above the names of rows
            cells = cells[1:]
        marked = local_name(row.getparent()) == "thead" or row.get("role") == "head"
        if not marked and not all(_names_column(cell) for cell in cells):
            break
        count += 1
    return count if count < len(rows) else 0


def _names_column(cell: Any) -> bool:
    is_header = local_name(cell) == "th" and cell.get("scope") != "row"
    return bool(is_header or cell.get("role") == "head")
