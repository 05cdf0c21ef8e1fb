"""A sheet of cited answers: CSV, TSV, XLSX or JSON Lines, with the columns of the questions before them.

No cell is a formula: a workbook holds texts as texts, and CSV has an apostrophe before what a spreadsheet
would run.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from qa.batch.cited_answers import ABSENT, CitedAnswer, Source
from qa.batch.question_sheet import QuestionSheet, unique
from qa.readers.extract import printable
from qa.readers.spreadsheets import shown
from qa.results.spreadsheet_formulas import may_be_formula

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

COLUMNS = (
    *("answer", "confidence", "title", "publisher", "date", "page", "permalink", "corrected question"),
    *("next source 1", "next source 2", "next source 3"),
)
"""What follows the columns of the questions."""

_PERMALINK = COLUMNS.index("permalink")
_WIDTHS = (60, 14, 30, 20, 12, 6, 20, 30, 40, 40, 40)
_QUESTION_WIDTH, _OTHER_WIDTH = 50, 15

_MOST_LINKS = 65_530
_LONGEST_CELL = 32_767
_LONGEST_LINK = 2_079
"""Limits of Excel's."""

MARK = codecs.BOM_UTF8
"""What begins a file of CSV: without it, spreadsheets assume another encoding."""

Answers = Mapping[str, CitedAnswer]
"""By question."""


def to_csv(sheet: QuestionSheet, answers: Answers, delimiter: str = ",") -> bytes:
    """Return a sheet as CSV, in UTF-8."""
    output = io.StringIO()
    writer = csv.writer(output, delimiter=delimiter)
    writer.writerow(map(without_formula, _header(sheet)))
    for row, cells in _rows(sheet, answers):
        writer.writerow(without_formula(shown_value(value)) for value in (*row, *cells))
    return output.getvalue().encode()


def without_formula(text: str) -> str:
    """Return a text with an apostrophe before it if a spreadsheet would run it. A number is no formula.

    >>> without_formula("=2+3"), without_formula("-2.5")
    ("'=2+3", '-2.5')
    """
    return f"'{text}" if may_be_formula(text) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return text.isascii() and text[1:].replace(".", "", 1).isdigit()


def to_jsonl(sheet: QuestionSheet, answers: Answers) -> bytes:
    """Return a sheet as JSON Lines: each row's own fields, then ``qa`` with its answer, null without one."""
    *_, name_of_answer = unique([*sheet.columns, "qa"])
    lines = []
    for row, question in zip(sheet.rows, sheet.questions, strict=True):
        fields = {name: _json_value(value) for name, value in zip(sheet.columns, row, strict=True)}
        answer = answers[question].to_dict() if question else None
        lines.append(json.dumps(fields | {name_of_answer: answer}, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def to_xlsx(sheet: QuestionSheet, answers: Answers) -> bytes:
    """Return a sheet as a workbook. Texts are texts, and permalinks can be clicked."""
    from xlsxwriter import Workbook

    output = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(output, options) as book:
        page = book.add_worksheet("Answers")
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for place, name in enumerate(_header(sheet)):
            page.write_string(0, place, name, heading)
        _set_widths(page, sheet)
        for number, (row, cells) in enumerate(_rows(sheet, answers), 1):
            for place, value in enumerate((*row, *cells)):
                _write_cell(page, number, place, value, wrapped)
            link = cells[_PERMALINK]
            if link and number <= _MOST_LINKS and len(link) <= _LONGEST_LINK:
                page.write_url(number, len(row) + _PERMALINK, link, wrapped, string="open")
    return output.getvalue()


def _write_cell(page: Worksheet, row: int, place: int, value: Any, wrapped: Any) -> None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        page.write_number(row, place, value, wrapped)
    elif value not in (None, ""):
        page.write_string(row, place, printable(shown_value(value))[:_LONGEST_CELL], wrapped)


def _set_widths(page: Worksheet, sheet: QuestionSheet) -> None:
    own = [_QUESTION_WIDTH if n == sheet.place else _OTHER_WIDTH for n in range(len(sheet.columns))]
    for place, width in enumerate([*own, *_WIDTHS]):
        page.set_column(place, place, width)
    page.freeze_panes(1, sheet.place + 1)


def _header(sheet: QuestionSheet) -> list[str]:
    return unique([*sheet.columns, *COLUMNS])


def _rows(sheet: QuestionSheet, answers: Answers) -> Iterator[tuple[Sequence[Any], Sequence[Any]]]:
    """Yield each row with the cells of its answer, which are empty if the row has no question."""
    for row, question in zip(sheet.rows, sheet.questions, strict=True):
        yield row, _cells(answers[question]) if question else [None] * len(COLUMNS)


def _cells(answer: CitedAnswer) -> list[Any]:
    source = answer.source or Source("", None, None, None, "")
    following = [f"{each.line} {each.permalink}" for each in answer.next_sources]
    return [
        *(answer.answer or ABSENT, answer.confidence if answer.answer else None),
        *(source.title, source.publisher, source.date, source.page, source.permalink),
        answer.corrected,
        *(following + [None] * 3)[:3],
    ]


def shown_value(value: Any) -> str:
    """Return a value as text: lists and objects as JSON, all others as a person writes them."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else shown(value)


def _json_value(value: Any) -> Any:
    return shown(value) if isinstance(value, (datetime, date, time)) else value
