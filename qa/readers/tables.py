"""Tables in which each row is a document: JSON Lines, CSV and TSV.

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
from qa.readers.metadata import FIELDS, Facts, date_notes, is_plain
from qa.readers.plain_text import decode
from qa.readers.size_limits import MAX_CHARACTERS, MAX_KEY_LENGTH
from qa.text.patterns import lines_with_ends

_OTHER_NAMES = {"publisher": "source", "date": "published"}
_DELIMITERS = ",;\t"

# The library's limit of 131,072 characters per field is less than a long article. It holds process-wide.
csv.field_size_limit(sys.maxsize)


@dataclass(frozen=True, slots=True)
class BadRow:
    """An unreadable row: its key or line number, and the reason."""

    row: str
    reason: str


def read_csv(data: bytes) -> Iterator[Extract | BadRow]:
    """Yield the rows of a table with a header and columns separated by commas, semicolons or tabs."""
    text = decode(data)
    lines = csv.reader(lines_with_ends(text), delimiter=_delimiter(text), strict=True)
    header = [name.strip().lower() for name in next(lines, [])]
    return _extracts(_csv_rows(lines, header))


def read_jsonl(data: bytes) -> Iterator[Extract | BadRow]:
    """Yield the rows of a file with a JSON object on each line."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = decode(data).encode("utf-8")
    return _extracts(_json_rows(data.removeprefix(codecs.BOM_UTF8)))


def _delimiter(text: str) -> str:
    """Return the delimiter that gives the header a ``text`` column and the most columns."""
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
    """Yield the number of each row's first line and its values, or what is wrong with it."""
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
            yield BadRow(key[:MAX_KEY_LENGTH], problem)
        elif key in keys:
            yield BadRow(key, f"has the same key as a row before it (line {number})")
        else:
            keys.add(key)
            notes = date_notes(row.get("published") or row.get("date"))
            yield Extract(printable(row["text"]), _facts(row), key=key, notes=notes)
    if not number:
        raise ReadError("holds no rows")


def _problem(row: Mapping[str, Any]) -> str | None:
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        return "has no text"
    if len(text) > MAX_CHARACTERS:
        return f"has more than {MAX_CHARACTERS // 10**6} million characters"
    if _has_half_surrogate(text):
        return "has text that is not Unicode: half of a surrogate pair"
    return _problem_of_key(row.get("id"))


def _problem_of_key(key: object) -> str | None:
    if key is not None and (isinstance(key, bool) or not isinstance(key, (str, int))):
        return "has an id that is neither a string nor a whole number"
    if len(str(key)) > MAX_KEY_LENGTH:
        return f"has an id of more than {MAX_KEY_LENGTH:,} characters"
    if _has_half_surrogate(str(key)):
        return "has an id that is not Unicode: half of a surrogate pair"
    return None


def _key(row: Mapping[str, Any]) -> str:
    """Return a row's own key, valid or not, or an empty string."""
    try:
        return printable(str(row.get("id") or "")).strip()
    except RecursionError:  # lists in lists
        return ""


def _has_half_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _facts(row: Mapping[str, Any]) -> Facts:
    facts = Facts()
    for name in (*FIELDS, *_OTHER_NAMES):
        if is_plain(row.get(name)):
            facts.add(_OTHER_NAMES.get(name, name), row.get(name), "file")
    return facts
