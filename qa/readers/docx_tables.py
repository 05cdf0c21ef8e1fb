"""The cells of a DOCX's tables, and which rows are their headers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from qa.readers.docx_numbering import MAIN, value, whole
from qa.readers.docx_runs import is_on

_MAX_COLUMNS = 1_000
"""Columns that a cell may cover: Word has at most 63, but the file is not trusted."""

_FIRST_ROW = 0x0020
"""The bit of a table's look that applies its style's format of the first row."""


@dataclass(slots=True)
class TableCell:
    """A cell, and how many rows and columns it covers. The element is None where the row begins later."""

    element: Any | None
    rows: int = 1
    columns: int = 1


def rows_of(table: Any) -> Iterator[Any]:
    """Yield a table's own rows, those of tables in it and deleted ones left out."""
    for child in table:
        if child.tag == f"{MAIN}tr":
            if child.find(f"{MAIN}trPr/{MAIN}del") is None:
                yield child
        elif isinstance(child.tag, str) and child.tag not in {f"{MAIN}del", f"{MAIN}moveFrom"}:
            yield from rows_of(child)


def cells_of(row: Any) -> list[Any]:
    """Return a row's own cell elements."""
    cells = []
    for child in row:
        if child.tag == f"{MAIN}tc":
            cells.append(child)
        elif isinstance(child.tag, str):
            cells += cells_of(child)
    return cells


def merged_cells(rows: Sequence[Any]) -> list[list[TableCell]]:
    """Return the cells that begin in each row, merged ones once."""
    above: dict[int, TableCell] = {}
    merged = []
    for row in rows:
        column = min(whole(value(row, "trPr/gridBefore")), _MAX_COLUMNS)
        cells = [TableCell(None, columns=column)] if column else []
        beside: dict[int, TableCell] = {}
        for element in cells_of(row):
            width = min(max(1, whole(value(element, "tcPr/gridSpan"), 1)), _MAX_COLUMNS)
            merge = element.find(f"{MAIN}tcPr/{MAIN}vMerge")
            continues = merge is not None and merge.get(f"{MAIN}val", "continue") == "continue"
            if continues and column in above:
                cell = above[column]
                cell.rows += 1
            elif cells and value(element, "tcPr/hMerge", "restart") == "continue":
                cell = cells[-1]
                cell.columns += width
            else:
                cell = TableCell(element, columns=width)
                cells.append(cell)
            if merge is not None:
                beside[column] = cell
            column += width
        above = beside
        merged.append(cells)
    return merged


def header_rows(table: Any, rows: Sequence[Any], header_styles: Collection[str]) -> int:
    """Return how many first rows the file marks as headers: repeated on each page, or styled as one."""
    repeated = 0
    while repeated < len(rows) and is_on(rows[repeated].find(f"{MAIN}trPr"), "tblHeader"):
        repeated += 1
    if repeated or not rows[1:]:
        return repeated if repeated < len(rows) else 0
    look = table.find(f"{MAIN}tblPr/{MAIN}tblLook")
    if look is not None and value(table, "tblPr/tblStyle") in header_styles and _has_first_row(look):
        return 1
    return int(_is_bold(rows[0]) and not _is_bold(rows[1]))


def formats_first_row(style: Any) -> bool:
    """Whether a table style shows the first row otherwise than the rest."""
    formats = style.findall(f"{MAIN}tblStylePr")
    return any(part.get(f"{MAIN}type") == "firstRow" and len(part) for part in formats)


def _has_first_row(look: Any) -> bool:
    if first := look.get(f"{MAIN}firstRow"):
        return str(first) in {"1", "true", "on"}
    try:
        return bool(int(look.get(f"{MAIN}val", "0"), 16) & _FIRST_ROW)
    except ValueError:
        return False


def _is_bold(row: Any) -> bool:
    """Whether all of a row's text is bold."""
    runs = [run for run in row.iter(f"{MAIN}r") if any(text.text for text in run.iter(f"{MAIN}t"))]
    return bool(runs) and all(is_on(run.find(f"{MAIN}rPr"), "b") for run in runs)
