"""The formats of a sheet of answers, each with its media type and what writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from qa.batch.answered_rows import AnsweredRow
from qa.batch.question_sheet import QuestionSheet
from qa.batch.sheet_writer import MARK, csv_lines, jsonl_lines
from qa.batch.word_report import to_docx
from qa.batch.workbook_writer import to_xlsx

Rows = Iterable[AnsweredRow]


class AnswerFormat(NamedTuple):
    """A format of a sheet of answers.

    Attributes:
        media_type: for HTTP.
        pieces: yields the file, a piece for each row: an empty one if all is written at the end.
    """

    media_type: str
    pieces: Callable[[QuestionSheet, Rows], Iterator[bytes]]


def _marked(sheet: QuestionSheet, rows: Rows, delimiter: str = ",") -> Iterator[bytes]:
    yield MARK
    yield from csv_lines(sheet, rows, delimiter)


def _at_the_end(
    write: Callable[[QuestionSheet, Rows], bytes], sheet: QuestionSheet, rows: Rows
) -> Iterator[bytes]:
    answered = []
    for row in rows:
        answered.append(row)
        yield b""
    yield write(sheet, answered)


_OFFICE = "application/vnd.openxmlformats-officedocument"

FORMATS: Mapping[str, AnswerFormat] = MappingProxyType(
    {
        "csv": AnswerFormat("text/csv; charset=utf-8", _marked),
        "tsv": AnswerFormat("text/tab-separated-values; charset=utf-8", partial(_marked, delimiter="\t")),
        "xlsx": AnswerFormat(f"{_OFFICE}.spreadsheetml.sheet", partial(_at_the_end, to_xlsx)),
        "jsonl": AnswerFormat("application/jsonl", jsonl_lines),
        "docx": AnswerFormat(f"{_OFFICE}.wordprocessingml.document", partial(_at_the_end, to_docx)),
    }
)
"""By the suffixes of their files."""
