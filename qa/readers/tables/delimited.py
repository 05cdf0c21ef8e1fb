"""CSV, TSV and other tables in plain text: a header, and fields separated by a sign.

Each row is a document if there is a column of text or the cells are prose; else the rows are a table.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import islice

from qa.errors import ReadError
from qa.readers.extract import Extract, assemble, one_line, printable
from qa.readers.grid import Cell, lay_out
from qa.readers.plain_text import decode
from qa.readers.size_limits import MAX_CHARACTERS, MAX_TABLE_ROWS
from qa.readers.tables import columns, row_extracts
from qa.readers.tables.row_extracts import BadRow, Row
from qa.text.patterns import lines_with_ends

_DELIMITERS = ",;\t|"
_SAMPLE = 50  # rows that are compared with the header
_FEWEST_ROWS = 3  # of a table, with its header: a single row reads better with the columns' names
_LONG = 60  # characters: a cell of more is prose, not a value
_SEP = re.compile(r"\ufeff?\"?sep=(.)\"?\r?\n", re.IGNORECASE)  # Excel's own way to name the delimiter
_IN_NUMBERS = re.compile(r"[-+]?[\d.,\s%$€£]+")
_CLOSING_MARKS = "'\"”’)"
_SENTENCE_ENDS = ".!?…。"

# The library's limit of 131,072 characters per field is less than a long article. It holds process-wide.
csv.field_size_limit(sys.maxsize)


def read_csv(data: bytes) -> Iterator[Extract | BadRow]:
    """Yield the rows of a table with a header, or the whole table if its cells are values, not prose."""
    text = decode(data)
    named = _SEP.match(text)
    body = text[named.end() :] if named else text
    delimiter = named[1] if named else _delimiter(body)
    if (grid := _grid(body, delimiter)) is not None:
        return iter([grid])
    return row_extracts.extracts(_rows(body, delimiter, skipped=1 if named else 0))


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(lines_with_ends(text), delimiter=delimiter, strict=True)


def _delimiter(text: str) -> str:
    """Return the delimiter that gives the header a column of text, rows as long as it, and most columns."""
    ranks = {}
    problem: csv.Error | None = None
    for delimiter in _DELIMITERS:
        records = _records(text, delimiter)
        try:
            header = next(records, [])
        except csv.Error as error:
            problem = error
            continue
        names = {columns.plain_name(name) for name in header}
        widths = [len(row) for row in _good(records, _SAMPLE) if row]
        regular = sum(width == len(header) for width in widths)
        is_split = len(header) > 1
        has_text = not names.isdisjoint(columns.TEXTS)
        ranks[delimiter] = (has_text, is_split, 2 * regular > len(widths), len(header))
    if not ranks:
        raise ReadError(f"has a header that cannot be read: {problem}")
    return max(ranks, key=ranks.__getitem__)


def _good(records: Iterator[list[str]], count: int) -> Iterator[list[str]]:
    for _ in range(count):
        try:
            yield next(records)
        except csv.Error:
            continue
        except StopIteration:
            return


def _header(record: Sequence[str]) -> list[str]:
    """Return the names of columns, each once; none if the first row holds numbers, so is no header."""
    names = [one_line(name) for name in record]
    if any(_is_number(name) for name in names):
        return []
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if name and seen[name] > 1:
            names[place] = f"{name} {seen[name]}"
    return names


def _rows(text: str, delimiter: str, skipped: int) -> Iterator[Row | BadRow]:
    """Yield the rows below the header, each with the number of its first line, or what is wrong with it."""
    records = _records(text, delimiter)
    header = _header(next(records, []))
    if not header:
        records = _records(text, delimiter)
    while True:
        number = records.line_num + 1 + skipped  # type: ignore[attr-defined]
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(str(number), str(error))
            continue
        if any(field.strip() for field in record):
            yield _row(number, header, record, delimiter)


def _row(number: int, header: Sequence[str], record: list[str], delimiter: str) -> Row:
    """Return a row. Missing fields are empty; those beyond the header belong to the last column."""
    width = len(header)
    if not header:
        return Row(number, {"": "\n".join(one_line(field) for field in record if field.strip())})
    notes: tuple[str, ...] = ()
    if any(field.strip() for field in record[width:]):
        notes = (f"has {len(record)} fields where the header has {width}: the last ones are read as one",)
        record[width - 1 :] = [delimiter.join(record[width - 1 :])]
    record += [""] * (width - len(record))
    return Row(number, dict(zip(header, record, strict=False)), notes)


def _grid(text: str, delimiter: str) -> Extract | None:
    """Return the whole table if its cells are values; None if its rows are documents."""
    records = _records(text, delimiter)
    sample = list(_good(records, 1 + _SAMPLE))
    if len(sample) < _FEWEST_ROWS or len(sample[0]) == 1:
        return None
    header = _header(sample[0])
    if columns.text_name(map(columns.plain_name, header)) or has_prose(sample[bool(header) :]):
        return None
    if len(text) > MAX_CHARACTERS // 2:  # separators take up to two characters more each
        return None
    kept = list(islice(_good(_records(text, delimiter), MAX_TABLE_ROWS + 2), MAX_TABLE_ROWS + 2))
    if len(kept) > MAX_TABLE_ROWS:
        return None
    cells = ([Cell(one_line(field)) for field in record] for record in kept)
    made = assemble([lay_out(cells, header_rows=1 if header else 0)])
    return Extract(
        printable(made.text), headings=made.headings, tables=made.tables, notes=_problems(text, delimiter)
    )


def _problems(text: str, delimiter: str) -> tuple[str, ...]:
    """Return a note for each line that cannot be read."""
    records = _records(text, delimiter)
    notes: list[str] = []
    while True:
        number = records.line_num + 1  # type: ignore[attr-defined]
        try:
            next(records)
        except StopIteration:
            return tuple(notes)
        except csv.Error as error:
            notes.append(f"line {number} was left out: {error}")


def has_prose(table: Sequence[Sequence[str]]) -> bool:
    """Whether most cells of any column are sentences, or long."""
    for place in range(max(map(len, table), default=0)):
        cells = [row[place].strip() for row in table if place < len(row) and row[place].strip()]
        prose = sum(len(cell) > _LONG or _ends_as_prose(cell) for cell in cells)
        if cells and 2 * prose >= len(cells):
            return True
    return False


def _is_number(text: str) -> bool:
    return bool(_IN_NUMBERS.fullmatch(text)) and any(map(str.isdigit, text))


def _ends_as_prose(text: str) -> bool:
    """Whether a text of several words ends as a sentence does."""
    ending = text[:-1] if text[-1:] and text[-1] in _CLOSING_MARKS else text
    return ending.endswith(tuple(_SENTENCE_ENDS)) and len(ending.split()) > 1
