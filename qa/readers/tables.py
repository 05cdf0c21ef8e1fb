"""Tables whose rows are documents: JSON Lines, CSV and TSV.

Columns: ``text`` (required), ``id`` (the row's key, else its line number), and title, source or publisher,
author, published or date, dateline, language, url.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qa.errors import ReadError
from qa.readers.extract import Extract, printable
from qa.readers.limits import LONGEST_KEY, MOST_CHARACTERS
from qa.readers.metadata import FIELDS, Facts, doubts, is_plain
from qa.readers.plain_text import decode
from qa.text.patterns import lines_with_ends

_OTHER_NAMES = {"publisher": "source", "date": "published"}
_DELIMITERS = ",;\t"

# The library's limit of 131,072 characters a field is less than a long article. It is one for all readers.
csv.field_size_limit(sys.maxsize)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read: its key or line number, and why."""

    row: str
    reason: str


def read_csv(data: bytes) -> Iterator[Extract | BadRow]:
    """Read a table with a header and commas, semicolons or tabs between its columns."""
    text = decode(data)
    lines = csv.reader(lines_with_ends(text), delimiter=_delimiter(text), strict=True)
    header = [name.strip().lower() for name in next(lines, [])]
    return _extracts(_csv_rows(lines, header))


def read_jsonl(data: bytes) -> Iterator[Extract | BadRow]:
    """Read a file with a JSON object on each line."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = decode(data).encode("utf-8")
    return _extracts(_json_rows(data.removeprefix(codecs.BOM_UTF8)))


def _delimiter(text: str) -> str:
    """Choose the delimiter by which the header has a ``text`` column, and most columns."""
    widths = {}
    for delimiter in _DELIMITERS:
        reader = csv.reader(lines_with_ends(text), delimiter=delimiter, strict=True)
        try:
            header = [name.strip().lower() for name in next(reader, [])]
        except csv.Error as error:
            raise ReadError(f"has a header that cannot be read: {error}") from error
        if "text" in header:
            widths[delimiter] = len(header)
    if not widths:
        raise ReadError("has no column named text")
    return max(widths, key=widths.__getitem__)


def _csv_rows(lines: Any, header: list[str]) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Give each row's first line and its values, or what is wrong with it."""
    while True:
        number = lines.line_num + 1
        try:
            row = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, str(error)
            continue
        if not row:
            continue
        if len(row) != len(header):
            yield number, f"has {len(row)} fields where the header has {len(header)}"
        else:
            yield number, dict(zip(header, row, strict=True))


def _json_rows(data: bytes) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    for number, line in enumerate(io.BytesIO(data), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            yield number, f"is not JSON: {error}"
            continue
        yield number, row if isinstance(row, dict) else "is not a JSON object"


def _extracts(rows: Iterable[tuple[int, Mapping[str, Any] | str]]) -> Iterator[Extract | BadRow]:
    keys = set()
    number = 0
    for number, row in rows:
        if isinstance(row, str):
            yield BadRow(str(number), row)
            continue
        key = _key(row) or str(number)
        if problem := _problem(row):
            yield BadRow(key[:LONGEST_KEY], problem)
        elif key in keys:
            yield BadRow(key, f"has the same key as a row before it (line {number})")
        else:
            keys.add(key)
            notes = doubts(row.get("published") or row.get("date"))
            yield Extract(printable(row["text"]), _facts(row), key=key, notes=notes)
    if not number:
        raise ReadError("holds no rows")


def _problem(row: Mapping[str, Any]) -> str | None:
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        return "has no text"
    if len(text) > MOST_CHARACTERS:
        return f"has more than {MOST_CHARACTERS // 10**6} million characters"
    if _halved(text):
        return "has text that is not Unicode: half of a surrogate pair"
    return _problem_of_key(row.get("id"))


def _problem_of_key(key: object) -> str | None:
    if key is not None and (isinstance(key, bool) or not isinstance(key, (str, int))):
        return "has an id that is neither a string nor a whole number"
    if len(str(key)) > LONGEST_KEY:
        return f"has an id of more than {LONGEST_KEY:,} characters"
    if _halved(str(key)):
        return "has an id that is not Unicode: half of a surrogate pair"
    return None


def _key(row: Mapping[str, Any]) -> str:
    """Return what the row says that it is called, good or not, or nothing."""
    try:
        return printable(str(row.get("id") or "")).strip()
    except RecursionError:  # lists in lists
        return ""


def _halved(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _facts(row: Mapping[str, Any]) -> Facts:
    facts = Facts()
    for name in (*FIELDS, *_OTHER_NAMES):
        if is_plain(row.get(name)):
            facts.add(_OTHER_NAMES.get(name, name), row.get(name), "file")
    return facts
