"""A sheet of cited answers as a workbook: texts are texts, dates are dates, and permalinks can be clicked."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from qa.batch.answered_rows import AnsweredRow
from qa.batch.question_sheet import QuestionSheet
from qa.batch.sheet_writer import COLUMNS, cells_of, header_of, shown_value
from qa.readers.extract import printable
from qa.results.spreadsheet_formulas import may_be_formula

if TYPE_CHECKING:
    from xlsxwriter import Workbook

_WIDTHS = (60, 14, 30, 20, 12, 6, 20, 30, 40, 40, 40, 20, 30)
_QUESTION_WIDTH, _OTHER_WIDTH = 50, 15
_PERMALINK = COLUMNS.index("permalink")

_MOST_LINKS = 65_530
_LONGEST_CELL = 32_767
_LONGEST_LINK = 2_079
_FIRST_YEAR = 1900
"""Limits of Excel's."""


def to_xlsx(sheet: QuestionSheet, rows: Iterable[AnsweredRow]) -> bytes:
    """Return a sheet as a workbook."""
    from xlsxwriter import Workbook

    output = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(output, options) as book:
        page = _Page(book, sheet)
        for number, (row, answer) in enumerate(rows, 1):
            cells = cells_of(answer)
            for place, value in enumerate((*row, *cells)):
                page.write(number, place, value)
            page.write_link(number, len(row) + _PERMALINK, cells[_PERMALINK])
    return output.getvalue()


class _Page:
    """The page of a workbook, with the formats of its cells."""

    def __init__(self, book: Workbook, sheet: QuestionSheet) -> None:
        top = {"text_wrap": True, "valign": "top"}
        self._plain = book.add_format(top)
        # Without the prefix, a person who edits such a text would make it a formula.
        self._quoted = book.add_format(top | {"quote_prefix": True})
        self._day = book.add_format(top | {"num_format": "yyyy-mm-dd"})
        self._minute = book.add_format(top | {"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._page = book.add_worksheet("Answers")
        own = [_QUESTION_WIDTH if n == sheet.place else _OTHER_WIDTH for n in range(len(sheet.columns))]
        for place, width in enumerate([*own, *_WIDTHS]):
            self._page.set_column(place, place, width)
        self._page.freeze_panes(1, sheet.place + 1)
        heading = book.add_format(top | {"bold": True})
        for place, name in enumerate(header_of(sheet)):
            self._page.write_string(0, place, printable(name)[:_LONGEST_CELL], heading)

    def write(self, row: int, place: int, value: Any) -> None:
        """Write a value: a number, a date, or anything else as text."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self._page.write_number(row, place, value, self._plain)
        elif isinstance(value, date) and value.year >= _FIRST_YEAR:
            has_time = isinstance(value, datetime) and value.time() != time()
            self._page.write_datetime(row, place, value, self._minute if has_time else self._day)
        elif value not in (None, ""):
            text = printable(shown_value(value))[:_LONGEST_CELL]
            style = self._quoted if may_be_formula(text) else self._plain
            self._page.write_string(row, place, text, style)

    def write_link(self, row: int, place: int, address: str | None) -> None:
        """Make an address that can be clicked, if a workbook takes it."""
        if address and row <= _MOST_LINKS and len(address) <= _LONGEST_LINK:
            self._page.write_url(row, place, address, self._plain, string="open")
