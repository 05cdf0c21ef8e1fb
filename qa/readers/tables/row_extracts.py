"""Rows → documents: a row's text, key and metadata, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qa.errors import ReadError
from qa.readers.extract import Extract, printable
from qa.readers.metadata import FIELDS, Facts, date_notes, is_plain
from qa.readers.size_limits import MAX_CHARACTERS, MAX_KEY_LENGTH
from qa.readers.tables import columns

_MAX_DEPTH = 20  # objects in objects that are named; deeper ones are damage or an attack


@dataclass(frozen=True, slots=True)
class BadRow:
    """An unreadable row: its key or line number, and the reason."""

    row: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row as its file states it.

    Attributes:
        number: that of its first line, from 1.
        values: by the names of the columns.
        notes: what a person should know of it.
    """

    number: int
    values: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def extracts(rows: Iterable[Row | BadRow]) -> Iterator[Extract | BadRow]:
    """Yield the document of each row, or what is wrong with it.

    Raises:
        ReadError: while iterating, if there are no rows.
    """
    keys: set[str] = set()
    is_empty = True
    for row in rows:
        is_empty = False
        yield row if isinstance(row, BadRow) else _extract(row, keys)
    if is_empty:
        raise ReadError("holds no rows")


def _extract(row: Row, keys: set[str]) -> Extract | BadRow:
    """Return a row's document, and note its key."""
    values = columns.flatten(row.values)
    own_key = next((columns.plain_value(values[name]) for name in columns.KEYS if name in values), None)
    key = _key(own_key) or str(row.number)
    name = columns.text_name(values)
    text = _joined(columns.plain_value(values[name])) if name else named_cells(row.values)
    if problem := _problem_of_text(text) or _problem_of_key(own_key):
        return BadRow(key[:MAX_KEY_LENGTH], problem)
    if name is None and key in keys:  # nothing says that it is a key: lines of one order share its number
        key = f"{key}, line {row.number}"
    if key in keys:
        return BadRow(key, f"has the same key as a row before it (line {row.number})")
    keys.add(key)
    return Extract(printable(text), _facts(values), key=key, notes=(*row.notes, *_date_notes(values)))


def _joined(value: Any) -> Any:
    """Return a list of paragraphs as one text, and anything else as it is."""
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return "\n\n".join(value)
    return value


def named_cells(row: Mapping[str, Any]) -> str:
    r"""Return a row's cells, each on a line after the name of its column; only those that are not empty.

    A row in which nothing but metadata is set has no text.

    >>> named_cells({"question": "How much is a berth?", "answer": "40 euros."})
    'question: How much is a berth?\nanswer: 40 euros.'
    """
    if all(columns.is_metadata(columns.plain_name(name)) for name, value in row.items() if value):
        return ""
    return "\n".join(f"{name}: {text}" if name else text for name, text in lines(row))


def lines(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of all values in a value, in order; those of objects have a dotted name."""
    if depth > _MAX_DEPTH:
        raise ReadError("is nested too deeply")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from lines(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list):
        scalars = [part for part in value if not isinstance(part, (Mapping, list))]
        if scalars:
            yield name, ", ".join(shown(part) for part in scalars if part is not None)
        for part in value:
            if isinstance(part, (Mapping, list)):
                yield from lines(part, name, depth + 1)
    elif (text := shown(value).strip()) != "":
        yield name, text


def shown(value: Any) -> str:
    """Return a value as a person writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _problem_of_text(text: object) -> str | None:
    if not isinstance(text, str) or not text.strip():
        return "has no text"
    if len(text) > MAX_CHARACTERS:
        return f"has more than {MAX_CHARACTERS // 10**6} million characters"
    if _has_half_surrogate(text):
        return "has text that is not Unicode: half of a surrogate pair"
    return None


def _problem_of_key(key: object) -> str | None:
    if key is not None and (isinstance(key, bool) or not isinstance(key, (str, int))):
        return "has an id that is neither a string nor a whole number"
    if len(str(key)) > MAX_KEY_LENGTH:
        return f"has an id of more than {MAX_KEY_LENGTH:,} characters"
    if _has_half_surrogate(str(key)):
        return "has an id that is not Unicode: half of a surrogate pair"
    return None


def _key(value: Any) -> str:
    """Return a row's own key, valid or not, or an empty string."""
    try:
        return printable(str("" if value is None else value)).strip()
    except RecursionError:  # lists in lists
        return ""


def _has_half_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _facts(values: Mapping[str, Any]) -> Facts:
    facts = Facts()
    for field in FIELDS:
        for value in columns.candidates(values, field):
            if is_plain(value):
                facts.add(field, value, "file")
    return facts


def _date_notes(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a note if there are dates but none names one day."""
    notes = [date_notes(value) for value in columns.candidates(values, "published")]
    return notes[0] if notes and all(notes) else ()
