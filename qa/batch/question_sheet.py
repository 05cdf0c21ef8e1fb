"""A sheet of questions: CSV, TSV, XLSX or JSON Lines, read with all its columns.

The column of the questions is the one that is named, has a known name, or alone holds text.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa.batch.workbook_cells import check_cells, read_cells
from qa.errors import QuestionsError, ReadError
from qa.readers.plain_text import decode_leniently
from qa.readers.spreadsheets import MAX_CELLS, shown
from qa.text.folding import fold
from qa.text.patterns import lines_with_ends

FORMATS = ("csv", "tsv", "xlsx", "jsonl")
"""By the suffixes of their files."""

_NAMES = frozenset(
    {"question", "questions", "query", "queries", "q", "вопрос", "вопросы", "запрос", "frage", "fragen"}
    | {"pregunta", "preguntas", "domanda", "domande", "pergunta", "perguntas", "问题", "質問", "سؤال"}
)
_DELIMITERS = ",;\t|"
_QUESTION_MARKS = ("?", "？", "؟")
_SAMPLE = 200  # rows in which a column of text is looked for
_MOST_NAMED = 10  # rows or columns that a message names
_LONGEST_NAME = 50  # characters of a column's name in a message

Row = tuple[Any, ...]
_Table = tuple[tuple[str, ...], tuple[Row, ...]]  # the names of the columns, and the rows


@dataclass(frozen=True, slots=True)
class QuestionSheet:
    """A sheet with a column of questions.

    Attributes:
        columns: the names of the columns, each once.
        rows: a value for each column. Those of JSON Lines may be of any type, those of a workbook numbers and
            dates; all others are text.
        place: which column holds the questions.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    place: int

    @property
    def questions(self) -> list[str]:
        """The question of each row without surrounding spaces; empty where a row has none."""
        return [self.question_of(row) for row in self.rows]

    @property
    def different_questions(self) -> list[str]:
        """Each question once, in the order of the rows."""
        return list(dict.fromkeys(filter(None, self.questions)))

    def question_of(self, row: Row) -> str:
        """Return the question of a row without surrounding spaces; empty if it has none."""
        return shown(row[self.place]).strip()


def format_of(name: str) -> str:
    """Return the format of a sheet by the name of its file.

    Raises:
        QuestionsError: it is no such file.
    """
    suffix = Path(name).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        known = ", ".join(f".{format_}" for format_ in FORMATS)
        raise QuestionsError(f"{name} is not a sheet of questions: its name must end in one of {known}")
    return suffix


def read_sheet(
    data: bytes,
    name: str,
    *,
    column: str | None = None,
    max_question: int,
    max_questions: int | None = None,
    max_cells: int = MAX_CELLS,
) -> QuestionSheet:
    """Read a sheet of questions.

    Args:
        data: the content of the file.
        name: the file's name, whose suffix is its format.
        column: the column of the questions; by default, it is looked for.
        max_question: number of characters that a question may have.
        max_questions: number of rows that may have a question; by default, any.
        max_cells: number of cells that the sheet may have, empty ones included.

    Raises:
        QuestionsError: the sheet cannot be read, has no such column or no question, has too many questions or
            cells, or has questions that are too long.
    """
    format_ = format_of(name)
    try:
        columns, rows = _READERS[format_](data, name, max_cells)
    except ReadError as error:
        raise QuestionsError(f"{name} {error}") from error
    sheet = QuestionSheet(columns, rows, _question_column(columns, rows, name, column))
    _check(sheet, name, max_question, max_questions)
    return sheet


def _check(sheet: QuestionSheet, name: str, max_question: int, max_questions: int | None) -> None:
    questions = sheet.questions
    asked = sum(map(bool, questions))
    if not asked:
        raise QuestionsError(f"{name} has no question in the column {_quoted(sheet.columns[sheet.place])}")
    if max_questions is not None and asked > max_questions:
        raise QuestionsError(
            f"{name} has {asked:,} questions, and at most {max_questions:,} are answered at once: split it"
        )
    long = [number for number, question in enumerate(questions, 1) if len(question) > max_question]
    if long:
        more = "" if len(long) <= _MOST_NAMED else f" and {len(long) - _MOST_NAMED} more"
        raise QuestionsError(
            f"{name} has questions of more than {max_question} characters, in the rows "
            f"{', '.join(map(str, long[:_MOST_NAMED]))}{more} below the header: shorten them, or set "
            "max_question"
        )


def _question_column(columns: Sequence[str], rows: Sequence[Row], name: str, wanted: str | None) -> int:
    """Return which column holds the questions."""
    more = "" if len(columns) <= _MOST_NAMED else f" and {len(columns) - _MOST_NAMED} more"
    listed = ", ".join(map(_quoted, columns[:_MOST_NAMED])) + more
    if wanted is not None:
        matching = [n for n, column in enumerate(columns) if fold(column) == fold(wanted.strip())]
        if not matching:
            raise QuestionsError(f"{name} has no column {_quoted(wanted)}; it has {listed}")
        return matching[0]
    named = [n for n, column in enumerate(columns) if fold(column) in _NAMES]
    if len(named) == 1:
        return named[0]
    if len(columns) == 1:
        return 0
    texts = named or [n for n in range(len(columns)) if _is_text([row[n] for row in rows[:_SAMPLE]])]
    if len(texts) != 1:
        raise QuestionsError(
            f"{name} does not say which column holds the questions: name the column, one of {listed}"
        )
    return texts[0]


def _quoted(name: str) -> str:
    """Return the name of a column as a message shows it."""
    return repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…")


def _is_text(values: Sequence[Any]) -> bool:
    """Whether most filled cells of a column are several words."""
    filled = [value for value in values if value not in (None, "")]
    texts = sum(isinstance(value, str) and len(value.split()) > 1 for value in filled)
    return bool(filled) and 2 * texts > len(filled)


def _read_csv(data: bytes, name: str, max_cells: int) -> _Table:
    text = decode_leniently(data).text
    head = next((line for line in lines_with_ends(text) if line.strip()), "")
    try:
        # The most columns win; without any, the first sign does: a list of questions is one column.
        delimiter = max(_DELIMITERS, key=lambda sign: len(next(csv.reader([head], delimiter=sign), [])))
    except csv.Error as error:
        raise QuestionsError(f"{name}, in its first line: {error}") from error
    return _delimited(text, delimiter, name, max_cells)


def _read_tsv(data: bytes, name: str, max_cells: int) -> _Table:
    return _delimited(decode_leniently(data).text, "\t", name, max_cells)


def _delimited(text: str, delimiter: str, name: str, max_cells: int) -> _Table:
    records = csv.reader(lines_with_ends(text), delimiter=delimiter, strict=True)
    table: list[list[str]] = []
    width = 0
    try:
        for record in records:
            if any(field.strip() for field in record):
                table.append(record)
                width = max(width, len(record))
                check_cells(len(table) * width, max_cells)
    except csv.Error as error:
        raise QuestionsError(f"{name}, line {records.line_num}: {error}") from error
    is_ragged = any(len(record) < width for record in table)
    if is_ragged and (len(table[0]) == 1 or table[0][-1].strip().endswith(_QUESTION_MARKS)):
        # Commas of a plain list of questions are not between columns.
        table = [[line.strip()] for line in text.splitlines() if line.strip()]
    return _with_header(table, name)


def _read_xlsx(data: bytes, name: str, max_cells: int) -> _Table:
    return _with_header(read_cells(data, max_cells), name)


def _read_jsonl(data: bytes, name: str, max_cells: int) -> _Table:
    entries: list[dict[str, Any]] = []
    columns: dict[str, None] = {}
    for entry in _objects(data, name):
        entries.append(entry)
        columns |= dict.fromkeys(entry)
        check_cells(len(entries) * len(columns), max_cells)
    if not columns:
        raise QuestionsError(f"{name} is empty")
    return tuple(columns), tuple(tuple(entry.get(column) for column in columns) for entry in entries)


def _objects(data: bytes, name: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line.decode(), parse_constant=_refuse_constant)
            json.dumps(entry, ensure_ascii=False).encode()  # it may hold half a character
        except (ValueError, RecursionError) as error:
            raise QuestionsError(f"{name}, line {number}: not JSON in UTF-8: {error}") from error
        if not isinstance(entry, dict):
            raise QuestionsError(f"{name}, line {number}: not a JSON object")
        yield entry


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python reads and writes, but JSON doesn't have."""
    raise ValueError(f"{name} is no value")


def _with_header(table: Sequence[Sequence[Any]], name: str) -> _Table:
    """Return the columns and the rows of a table. A list that begins with a question has no header."""
    if not table:
        raise QuestionsError(f"{name} is empty")
    width = max(map(len, table))
    if width == 1 and shown(table[0][0]).strip().endswith(_QUESTION_MARKS):
        return ("question",), tuple(tuple(row) for row in table)
    header = [shown(cell).strip() for cell in table[0]] + [""] * (width - len(table[0]))
    rows = ((*row, *[""] * (width - len(row))) for row in table[1:])
    return tuple(unique(header)), tuple(rows)


def unique(names: Sequence[str]) -> list[str]:
    """Return names, each made different from those before it, and none empty.

    >>> unique(["question", "", "note", "note"])
    ['question', 'column 2', 'note', 'note 2']
    """
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    different: list[str] = []
    for place, name in enumerate(names, 1):
        wanted = candidate = name or f"column {place}"
        while candidate in taken:
            numbers[wanted] = numbers.get(wanted, 1) + 1
            candidate = f"{wanted} {numbers[wanted]}"
        taken.add(candidate)
        different.append(candidate)
    return different


_READERS = {"csv": _read_csv, "tsv": _read_tsv, "xlsx": _read_xlsx, "jsonl": _read_jsonl}
