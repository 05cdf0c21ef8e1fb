"""JSON Lines, and JSON files: a list of objects is rows, any other value one document."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from qa.errors import ReadError
from qa.readers.extract import Block, Extract, assemble, one_line
from qa.readers.plain_text import decode
from qa.readers.tables import columns, row_extracts
from qa.readers.tables.row_extracts import BadRow, Row

_MAX_DEPTH = 50  # objects in objects; deeper ones are damage or an attack
_LOWEST_LEVEL = 6  # of a heading, as in HTML


def read_jsonl(data: bytes) -> Iterator[Extract | BadRow]:
    """Yield the rows of a file with a JSON object on each line."""
    return row_extracts.extracts(_lines(_utf8(data)))


def read_json(data: bytes) -> Iterator[Extract | BadRow]:
    """Yield the objects of a list, or of the one list in an object; or any other value as one document."""
    data = _utf8(data)
    try:
        value = json.loads(data.decode("utf-8"))
    except ValueError as error:
        if _is_lines(data):
            return row_extracts.extracts(_lines(data))
        raise ReadError(f"is not JSON: {error}") from error
    found = _list_of_objects(value)
    if found is not None:
        return row_extracts.extracts(_objects(found))
    if isinstance(value, Mapping) and columns.text_name(columns.flatten(value)):
        return (_without_key(row) for row in row_extracts.extracts([Row(1, value)]))
    made = assemble(_blocks(value, 1))
    return iter([Extract(made.text, headings=made.headings)])


def _utf8(data: bytes) -> bytes:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = decode(data).encode("utf-8")
    return data.removeprefix(codecs.BOM_UTF8)


def _lines(data: bytes) -> Iterator[Row | BadRow]:
    for number, line in enumerate(io.BytesIO(data), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            yield BadRow(str(number), f"is not JSON: {error}")
            continue
        yield Row(number, row) if isinstance(row, dict) else BadRow(str(number), "is not a JSON object")


def _is_lines(data: bytes) -> bool:
    """Whether the first line that is not blank is an object of its own."""
    first = next((line for line in io.BytesIO(data) if line.strip()), b"")
    try:
        return isinstance(json.loads(first.decode("utf-8")), dict)
    except ValueError:
        return False


def _list_of_objects(value: Any) -> list[Any] | None:
    """Return a list of objects, or the only one in an object without text of its own."""
    if isinstance(value, list):
        return value if value and any(isinstance(item, Mapping) for item in value) else None
    if not isinstance(value, Mapping) or columns.text_name(columns.flatten(value)):
        return None
    lists = [found for inner in value.values() if (found := _list_of_objects(_inner(inner))) is not None]
    return lists[0] if len(lists) == 1 and len(lists[0]) > 1 else None


def _inner(value: Any) -> Any:
    """Return what may hold the rows: a list, or one a level deeper, as in ``{"hits": {"hits": []}}``."""
    if isinstance(value, Mapping):
        lists = [inner for inner in value.values() if isinstance(inner, list)]
        return lists[0] if len(lists) == 1 else None
    return value if isinstance(value, list) else None


def _objects(items: list[Any]) -> Iterator[Row | BadRow]:
    for number, item in enumerate(items, start=1):
        yield Row(number, item) if isinstance(item, Mapping) else BadRow(str(number), "is not a JSON object")


def _without_key(row: Extract | BadRow) -> Extract:
    if isinstance(row, BadRow):
        raise ReadError(row.reason)
    return Extract(row.text, row.facts, notes=row.notes)


def _blocks(value: Any, level: int) -> Iterator[Block]:
    """Yield the values of an object under their names; objects in it come last, each under a heading."""
    if level > _MAX_DEPTH:
        raise ReadError("cannot be read: it is nested too deeply")
    if isinstance(value, list):
        for item in value:
            yield from _blocks(item, level)
        return
    if not isinstance(value, Mapping):
        yield Block(row_extracts.shown(value).strip())
        return
    nested = {key: inner for key, inner in value.items() if _is_nested(inner)}
    tight = False
    for key, inner in value.items():
        if key not in nested:
            text = (
                ", ".join(map(row_extracts.shown, inner))
                if isinstance(inner, list)
                else row_extracts.shown(inner)
            )
            if text.strip():
                yield Block(f"{key}: {text.strip()}", tight=tight)
                tight = True
    for key, inner in nested.items():
        if blocks := list(_blocks(inner, level + 1)):
            yield Block(one_line(str(key)), level=min(level, _LOWEST_LEVEL))
            yield from blocks


def _is_nested(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(item, (Mapping, list)) for item in value)
    return isinstance(value, Mapping)
