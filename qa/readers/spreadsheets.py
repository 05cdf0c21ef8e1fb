"""Spreadsheets: XLSX, XLS, XLSB and ODS. Each sheet is a section with its cells as a table."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from qa.errors import ReadError
from qa.readers.archives import DAMAGED, open_zip
from qa.readers.extract import Block, Extract, assemble, one_line
from qa.readers.grid import Cell, Grid, lay_out
from qa.readers.metadata import Facts, written_by_hand
from qa.readers.safe_xml import parse_xml
from qa.readers.size_limits import MAX_TABLE_ROWS

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

MAX_CELLS = 5_000_000
"""Cells of all sheets. One stray cell in the last corner of a sheet makes 17,000 million."""

_SIGNIFICANT = 15  # digits that a spreadsheet shows of a number
_PROPERTIES = {
    "docProps/core.xml": {"title": "title", "creator": "author", "language": "language"},
    "meta.xml": {"title": "title", "initial-creator": "author", "creator": "author", "language": "language"},
}
"""The member of the zip file that has the properties, and the field that each of its elements fills."""


def read(data: bytes) -> Extract:
    """Read a workbook: its sheets in order, and its properties."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    if data.startswith(b"PK"):
        open_zip(data, "a spreadsheet").close()
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError as error:
        raise ReadError("cannot be read: it is encrypted") from error
    except CalamineError as error:
        raise ReadError(f"is not a spreadsheet that can be opened: {error}") from error
    notes: list[str] = []
    made = assemble(_blocks(workbook, notes))
    return Extract(made.text, _facts(data), made.headings, tables=made.tables, notes=tuple(notes))


def _blocks(workbook: Any, notes: list[str]) -> Iterator[Block | Grid]:
    from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum

    cells = rows = 0
    for number, sheet in enumerate(workbook.sheets_metadata):
        if sheet.typ is not SheetTypeEnum.WorkSheet:
            if sheet.typ is SheetTypeEnum.ChartSheet:
                notes.append(f"the chart {sheet.name!r} was left out")
            continue
        try:
            content = workbook.get_sheet_by_index(number)
        except CalamineError as error:
            notes.append(f"the sheet {sheet.name!r} cannot be read: {error}")
            continue
        cells += content.height * content.width
        rows += content.height
        if cells > MAX_CELLS or rows > MAX_TABLE_ROWS:
            notes.append(f"the sheet {sheet.name!r} and those after it were left out: too many cells")
            return
        grid = _grid(content)
        if not grid.rows:
            continue
        if sheet.visible is not SheetVisibleEnum.Visible:
            notes.append(f"the sheet {sheet.name!r} is hidden; it was read")
        yield Block(one_line(sheet.name), level=1)
        yield grid


def _grid(sheet: CalamineSheet) -> Grid:
    """Return a sheet's cells; what a merged cell covers is empty, and empty rows and columns are left out."""
    values = sheet.to_python()
    rows = [[Cell(one_line(shown(value))) for value in row] for row in values]
    filled = [
        (cells, row) for cells, row in zip(rows, values, strict=True) if any(cell.text for cell in cells)
    ]
    return lay_out((cells for cells, _ in filled), header_rows=_header_rows([row for _, row in filled]))


def _header_rows(rows: Sequence[Sequence[Any]]) -> int:
    """Return 1 if the first row names the columns: all of it is text, at least two, and each but once."""
    if not rows[1:]:
        return 0
    names = [value for value in rows[0] if value not in ("", None)]
    is_text = all(isinstance(value, str) for value in names)
    width = max(sum(value not in ("", None) for value in row) for row in rows[1:])
    return int(is_text and len(names) > 1 and len(set(names)) == len(names) and 2 * len(names) > width)


def shown(value: Any) -> str:
    """Return a cell's value as a person writes it: dates in ISO form, whole numbers without a fraction."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return (
            str(int(value))
            if value.is_integer() and abs(value) < 10**_SIGNIFICANT
            else f"{value:.{_SIGNIFICANT}g}"
        )
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return "" if value is None else str(value)


def _facts(data: bytes) -> Facts:
    """Return the properties of a zipped workbook; the other kinds have none that can be read."""
    facts = Facts()
    if not data.startswith(b"PK"):
        return facts
    from lxml import etree

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member, fields in _PROPERTIES.items():
            try:
                root = parse_xml(archive.read(member))
            except (*DAMAGED, etree.XMLSyntaxError):
                continue
            for element in root.iter("{*}*"):
                field = fields.get(etree.QName(element).localname)
                if field:
                    text = "".join(element.itertext())
                    facts.add(field, text if field == "language" else written_by_hand(text), "file")
    return facts
