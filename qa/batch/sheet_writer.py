"""A sheet of cited answers as CSV, TSV or JSON Lines: the columns of the questions, then the answers.

A line is written as soon as its row is answered. No cell is a formula: CSV has an apostrophe before what a
spreadsheet would run.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from typing import Any

from qa.batch.answered_rows import AnsweredRow
from qa.batch.cited_answers import ABSENT, CitedAnswer, Source
from qa.batch.question_sheet import QuestionSheet, unique
from qa.readers.spreadsheets import shown
from qa.results.spreadsheet_formulas import may_be_formula

COLUMNS = (
    *("answer", "confidence", "title", "publisher", "date", "page", "permalink", "corrected question"),
    *("next source 1", "next source 2", "next source 3", "dateline", "note"),
)
"""What follows the columns of the questions."""

MARK = codecs.BOM_UTF8
"""What begins a file of CSV: without it, spreadsheets assume another encoding."""

_SIGNS = ("+", "-")
_NEXT_SOURCES = 3


def csv_lines(sheet: QuestionSheet, rows: Iterable[AnsweredRow], delimiter: str = ",") -> Iterator[bytes]:
    """Yield the lines of a sheet as CSV, in UTF-8."""
    yield _csv_line(header_of(sheet), delimiter)
    for row, answer in rows:
        yield _csv_line([shown_value(value) for value in (*row, *cells_of(answer))], delimiter)


def _csv_line(cells: Iterable[str], delimiter: str) -> bytes:
    output = io.StringIO()
    csv.writer(output, delimiter=delimiter).writerow(map(without_formula, cells))
    return output.getvalue().encode()


def without_formula(text: str) -> str:
    """Return a text with an apostrophe before it if a spreadsheet would run it. A number is no formula.

    >>> without_formula("=2"), without_formula("-2.5")
    ("'=2", '-2.5')
    """
    return f"'{text}" if may_be_formula(text) and not _is_signed_number(text) else text


def _is_signed_number(text: str) -> bool:
    return text.startswith(_SIGNS) and text.isascii() and text[1:].replace(".", "", 1).isdigit()


def jsonl_lines(sheet: QuestionSheet, rows: Iterable[AnsweredRow]) -> Iterator[bytes]:
    """Yield the lines of a sheet as JSON: each row's own fields, then ``qa`` with its answer or null."""
    *_, name_of_answer = unique([*sheet.columns, "qa"])
    for row, answer in rows:
        fields = {name: _json_value(value) for name, value in zip(sheet.columns, row, strict=True)}
        fields[name_of_answer] = answer.to_dict() if answer else None
        yield json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def header_of(sheet: QuestionSheet) -> list[str]:
    """Return the names of a sheet's own columns and of those that follow, each different."""
    return unique([*sheet.columns, *COLUMNS])


def cells_of(answer: CitedAnswer | None) -> list[Any]:
    """Return an answer as the values of ``COLUMNS``, which are None for a row without a question."""
    if answer is None:
        return [None] * len(COLUMNS)
    source = answer.source or Source("", None, None, None, "")
    following = [f"{each.line} {each.permalink}" for each in answer.next_sources]
    return [
        *(answer.answer or ABSENT, answer.confidence if answer.answer else None),
        *(source.title, source.publisher, _date(source.date), source.page, source.permalink),
        answer.corrected,
        *(following + [None] * _NEXT_SOURCES)[:_NEXT_SOURCES],
        *(source.dateline, answer.note),
    ]


def _date(value: str | None) -> date | str | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        return value


def shown_value(value: Any) -> str:
    """Return a value as text: lists and objects as JSON, all others as a person writes them."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else shown(value)


def _json_value(value: Any) -> Any:
    return shown(value) if isinstance(value, (datetime, date, time)) else value
