"""The list of documents, filtered, sorted and counted by SQL over a table ``documents`` as the store has it.

A store that is no SQLite file fills such a table with ``in_memory``.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from qa.index import filters as filtering
from qa.text.folding import fold
from qa.types import Document, DocumentCounts, DocumentOrder, DocumentQuery, Facet, Filters

COLUMNS = ("file", "path", "source", "published", "language", "media_type", "title", "row", "characters")
"""What lists are made from. An index holds it all, so that the documents themselves are not read."""

_SCHEMA = f"""CREATE TABLE documents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, {", ".join(COLUMNS)}
)"""
_MOST_WORDS = 20
"""Words of a typed text that are looked for. Chosen: nobody types more to find a title."""

_FOLDED = "CASE length({0}) WHEN length(CAST({0} AS BLOB)) THEN lower({0}) ELSE fold({0}) END"
"""A text without its case. Only other letters than ASCII take a call of Python."""

_LABEL = "coalesce(title, '') || char(10) || path || char(10) || coalesce(row, '')"
_NAMED = f"""SELECT number, {_FOLDED.format("label")} AS label FROM (
    SELECT number, {_LABEL} AS label FROM documents LIMIT -1
) LIMIT -1"""
"""The documents' names, without case. The limits keep SQLite from computing one for each word again."""

_KEYS: Mapping[DocumentOrder, tuple[str, bool]] = {
    DocumentOrder.PATH: ("d.file", False),
    DocumentOrder.TITLE: (_FOLDED.format("coalesce(d.title, d.path)"), False),
    DocumentOrder.DATE: ("d.published", True),
    DocumentOrder.SIZE: ("d.characters", True),
    DocumentOrder.INDEXED: ("seen.since", True),
}
"""What documents are sorted by, and whether the greatest comes first."""

_COUNTED: Mapping[Facet, str] = {
    "source": "d.source",
    "year": "substr(d.published, 1, 4)",
    "language": "d.language",
    "type": "d.media_type",
}
_OWN: Mapping[Facet, Mapping[str, Any]] = {
    "source": {"source": ()},
    "year": {"date_from": None, "date_to": None},
    "language": {"language": ()},
    "type": {"media_type": ()},
}
"""The fields of a facet's own filter, which its counts ignore, so that other values can be chosen."""


def in_memory(documents: Iterable[tuple[int, Document]]) -> sqlite3.Connection:
    """Return a table of documents, by number, that any thread may read."""
    db = sqlite3.connect(":memory:", check_same_thread=False, uri=True, isolation_level=None)
    filtering.add_functions(db)
    db.execute(_SCHEMA)
    db.execute("BEGIN")
    marks = filtering.marks(range(len(COLUMNS) + 2))
    rows = ((number, document.id, *_columns(document)) for number, document in documents)
    db.executemany(f"INSERT INTO documents VALUES ({marks})", rows)
    db.execute("COMMIT")
    return db


def _columns(document: Document) -> tuple[Any, ...]:
    meta = document.metadata
    return (
        document.file, document.path, meta.source, meta.published, meta.language, document.media_type,
        meta.title, document.row, document.characters,
    )  # fmt: skip


class Names:
    """Finds documents by words of their titles or paths, and keeps what it found last.

    Reading all names takes longer than sorting and counting what was found. Any number of threads may share
    it.
    """

    def __init__(self) -> None:
        self._last: tuple[str, str | None] = ("", None)

    def find(self, db: sqlite3.Connection, text: str) -> str | None:
        """Return the numbers of the documents whose names hold all words of a text, as JSON.

        None stands for all documents, if the text has no words.
        """
        last, numbers = self._last
        if text != last:
            numbers = _find(db, fold(text).split()[:_MOST_WORDS])
            self._last = text, numbers
        return numbers


def _find(db: sqlite3.Connection, words: Sequence[str]) -> str | None:
    if not words:
        return None
    tests = " AND ".join(["instr(label, ?) > 0"] * len(words))
    sql = f"SELECT json_group_array(number) FROM ({_NAMED}) WHERE {tests}"
    numbers: str = db.execute(sql, words).fetchone()[0]
    return numbers


def page(
    db: sqlite3.Connection,
    query: DocumentQuery,
    limit: int,
    offset: int,
    *,
    named: str | None = None,
    ledger: Path | None = None,
) -> tuple[int, list[int]]:
    """Return how many documents there are, and the numbers of some of them in order.

    Args:
        db: holds the table; it has the functions of ``filters.add_functions``.
        query: which documents, and their order.
        limit: the largest number of documents.
        offset: how many to leave out first.
        named: what ``Names`` found for the query's text.
        ledger: a database with a table ``files`` that says since when each file was indexed, which only that
            order needs. Without it, all dates count as unknown.
    """
    where, values = _conditions(query.filters, named)
    total = db.execute(f"SELECT count(*) FROM documents d {where}", values).fetchone()[0]
    with _dates(db, ledger if query.order is DocumentOrder.INDEXED else None) as dates:
        sql = f"""SELECT d.number FROM documents d {dates} {where}
            ORDER BY {_order(query, dates)} LIMIT ? OFFSET ?"""
        return total, [row[0] for row in db.execute(sql, [*values, limit, offset])]


def _order(query: DocumentQuery, dates: str) -> str:
    key, is_descending = _KEYS[query.order]
    if query.order is DocumentOrder.INDEXED and not dates:
        key = "NULL"
    direction = "DESC" if is_descending != query.reverse else "ASC"
    if query.order is DocumentOrder.PATH:
        return f"{key} {direction}, d.number {direction}"
    return f"{key} {direction} NULLS LAST, d.file, d.number"


@contextmanager
def _dates(db: sqlite3.Connection, ledger: Path | None) -> Iterator[str]:
    """Attach the ledger for one query, and yield the join that reads it; empty without a ledger."""
    if ledger is None or not ledger.exists():
        yield ""
        return
    db.execute("ATTACH ? AS ledger", (f"{ledger.resolve().as_uri()}?mode=ro&immutable=1",))
    try:
        yield "LEFT JOIN ledger.files seen ON seen.path = d.file"
    finally:
        db.execute("DETACH ledger")


def count_values(
    db: sqlite3.Connection, filters: Filters, folder: str = "", *, named: str | None = None
) -> DocumentCounts:
    """Count the documents by the values of each facet, the most frequent first, years the latest first.

    Each facet ignores its own filter. Folders are those in ``folder``, by name, each with all that it holds.
    """
    counts: dict[Facet, Mapping[str, int]] = {"folder": _count_folders(db, filters, folder, named)}
    for facet, value in _COUNTED.items():
        where, values = _conditions(replace(filters, **_OWN[facet]), named)
        rows = db.execute(f"SELECT {value}, count(*) FROM documents d {where} GROUP BY 1", values)
        counts[facet] = _sorted(facet, [(row[0], row[1]) for row in rows if row[0]])
    return counts


def _sorted(facet: Facet, counted: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Add up the spellings of a value under the most frequent one, and sort the values."""
    totals: Counter[str] = Counter()
    spelling: dict[str, tuple[int, str]] = {}
    for value, count in counted:
        key = fold(value)
        totals[key] += count
        spelling[key] = min(spelling.get(key, (0, value)), (-count, value))
    if facet == "year":
        return dict(sorted(totals.items(), reverse=True))
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return {spelling[key][1]: count for key, count in ordered}


def _count_folders(
    db: sqlite3.Connection, filters: Filters, folder: str, named: str | None
) -> dict[str, int]:
    """Count the documents in each folder directly in a folder; the root is an empty text."""
    start = f"{folder.rstrip('/')}/" if folder else ""
    where, values = _conditions(replace(filters, path=()), named)
    inside = f"{where} {'AND' if where else 'WHERE'} d.file >= ? AND d.file < ?" if start else where
    bounds = [start, f"{start[:-1]}0"] if start else []  # "0" comes after "/"
    sql = f"""SELECT substr(rest, 1, instr(rest, '/') - 1) AS name, count(*) FROM (
        SELECT substr(d.file, {len(start) + 1}) AS rest FROM documents d {inside}
    ) WHERE instr(rest, '/') > 0 GROUP BY name ORDER BY name"""
    return {f"{start}{row[0]}": row[1] for row in db.execute(sql, [*values, *bounds])}


def _conditions(filters: Filters, named: str | None) -> tuple[str, list[Any]]:
    where, values = filtering.conditions(filters)
    if named is None:
        return where, values
    listed = "d.number IN (SELECT value FROM json_each(?))"
    return f"{where} {'AND' if where else 'WHERE'} {listed}", [*values, named]
