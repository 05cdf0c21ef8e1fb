"""Documents, passages, metadata and text in SQLite: the only user of ``sqlite3``.

A document's text is kept as UTF-8 bytes; a passage knows its place both in code points, which are
everybody's offsets, and in bytes, so that its text is read without reading the document's.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from sys import getsizeof
from typing import Any, TypeVar

import numpy as np

from qa.errors import BuildError, CorruptIndexError, GoneError, NotFoundError
from qa.index.caching import size_of
from qa.text.folding import fold, same_form
from qa.types import (
    Document,
    DocumentPage,
    Filters,
    Heading,
    Int64,
    Metadata,
    Passage,
    PassageSpan,
    ReadFailure,
    SourceFile,
    Span,
)

_SCHEMA = """
CREATE TABLE files (
    path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, sidecar_sha256 TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE failures (
    path TEXT NOT NULL, row TEXT, reason TEXT NOT NULL, count INTEGER NOT NULL
) STRICT;
CREATE INDEX failures_by_path ON failures (path);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, row TEXT,
    media_type TEXT NOT NULL, sha256 TEXT NOT NULL,
    title TEXT, source TEXT, author TEXT, published TEXT, dateline TEXT, language TEXT, url TEXT,
    found TEXT NOT NULL, headings TEXT NOT NULL, notes TEXT NOT NULL,
    characters INTEGER NOT NULL, pages INTEGER, passages INTEGER NOT NULL, page_starts TEXT NOT NULL
) STRICT;
CREATE INDEX documents_by_path ON documents (path);
CREATE TABLE texts (document INTEGER PRIMARY KEY REFERENCES documents, utf8 BLOB NOT NULL) STRICT;
CREATE TABLE passages (
    number INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents,
    char_start INTEGER NOT NULL, char_end INTEGER NOT NULL,
    byte_start INTEGER NOT NULL, byte_length INTEGER NOT NULL,
    section TEXT, page INTEGER, language TEXT,
    sentences TEXT NOT NULL, lead TEXT NOT NULL, vector_key TEXT NOT NULL
) STRICT;
CREATE INDEX passages_by_place ON passages (document, char_start);
"""

_DOCUMENT = """d.id, d.path, d.row, d.media_type, d.sha256, d.title, d.source, d.author, d.published,
    d.dateline, d.language, d.url, d.found, d.notes, d.characters, d.pages, d.passages"""
_PASSAGE = """p.number, p.document, p.char_start, p.char_end, p.byte_start, p.byte_length,
    p.section, p.page, p.language, p.sentences"""
_NAMED = "SELECT path FROM files UNION SELECT path FROM failures UNION SELECT path FROM documents"
_OF_DOCUMENT = "p.document = (SELECT number FROM documents WHERE id = ?)"

_MAPPED = 2**31 - 1
"""How much of the file SQLite may map, in bytes: otherwise each thread would keep copies of its pages."""

_WILD = frozenset("*?[")
_STARS = re.compile(r"\*{2,}")

_LARGEST = 2**63 - 1
"""Of SQLite's integers."""

_T = TypeVar("_T")

_MOST_KEPT = 16 * 2**20
"""How many bytes of documents, and of passages, are kept ready for whoever asks again: some 2 KB each."""

_PASSAGE_ALONE, _SPAN = 600, 120  # bytes of a passage but for its text and sentences, and of a sentence


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document with all that is kept of it.

    ``keys`` name each passage's vectors, for reuse; ``page_starts`` tell where in the text each page begins.
    """

    document: Document
    text: str
    headings: tuple[Heading, ...]
    passages: tuple[PassageSpan, ...]
    keys: tuple[str, ...]
    page_starts: tuple[int, ...] = ()


@contextmanager
def writing(path: Path) -> Iterator[StoreWriter]:
    """Write a new store, which is whole once the block has ended.

    Raises:
        BuildError: the disk does not take it.
    """
    try:
        with closing(sqlite3.connect(path)) as db:
            db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}")
            yield StoreWriter(db)
            db.commit()
            db.execute("PRAGMA optimize")
    except sqlite3.DatabaseError as error:
        raise BuildError(f"{path} cannot be written: {error}") from error


class Known(dict[int, _T]):
    """Rows by number, some of them: what is published never changes, so they may be kept."""

    def __init__(self, weigh: Callable[[_T], int] = size_of) -> None:
        super().__init__()
        self._weigh = weigh
        self.size = 0

    def look_up(
        self, numbers: Collection[int], read: Callable[[Collection[int]], dict[int, _T]]
    ) -> dict[int, _T]:
        """Give rows, those that are not known as ``read`` gives them."""
        found = {number: row for number in numbers if (row := self.get(number)) is not None}
        missing = set(numbers) - found.keys()
        if missing:
            found |= (more := read(missing))
            self._keep(more)
        return found

    def _keep(self, rows: dict[int, _T]) -> None:
        size = sum(map(self._weigh, rows.values()))
        if self.size + size > _MOST_KEPT:
            self.clear()
            self.size = 0
        if size <= _MOST_KEPT:
            self.update(rows)
            self.size += size


class StoreWriter:
    """Writes a new store. Passages are numbered in the order in which they are added, from 0."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._documents = 0
        self._passages = 0

    def add_file(self, file: SourceFile) -> None:
        """Remember a file's content, to know it again."""
        self._db.execute("INSERT INTO files VALUES (?, ?, ?)", (file.path, file.sha256, file.sidecar_sha256))

    def add_failure(self, failure: ReadFailure) -> None:
        """Remember what could not be read."""
        self._db.execute(
            "INSERT INTO failures VALUES (?, ?, ?, ?)",
            (failure.path, failure.row, failure.reason, failure.count),
        )

    def add(self, stored: StoredDocument) -> None:
        """Add a document and its passages."""
        document, meta = stored.document, stored.document.metadata
        self._db.execute(
            f"INSERT INTO documents VALUES ({', '.join('?' * 20)})",
            (
                self._documents, document.id, document.path, document.row,
                document.media_type, document.sha256,
                meta.title, meta.source, meta.author, meta.published, meta.dateline, meta.language, meta.url,
                json.dumps(dict(meta.found)), json.dumps([(*h.span, h.level) for h in stored.headings]),
                json.dumps(document.notes), document.characters, document.pages, document.passages,
                json.dumps(stored.page_starts),
            ),
        )  # fmt: skip
        self._db.execute("INSERT INTO texts VALUES (?, ?)", (self._documents, stored.text.encode()))
        self._db.executemany(
            f"INSERT INTO passages VALUES ({', '.join('?' * 12)})", self._passage_rows(stored)
        )
        self._documents += 1
        self._passages += len(stored.passages)

    def _passage_rows(self, stored: StoredDocument) -> Iterator[tuple[Any, ...]]:
        chars = in_bytes = 0
        for i, (passage, key) in enumerate(zip(stored.passages, stored.keys, strict=True)):
            start, end = passage.span
            in_bytes += len(stored.text[chars:start].encode())
            length = len(stored.text[start:end].encode())
            yield (
                self._passages + i, self._documents, start, end, in_bytes, length,
                passage.section, passage.page, passage.language,
                json.dumps(passage.sentences), json.dumps(passage.lead), key,
            )  # fmt: skip
            chars, in_bytes = end, in_bytes + length


class Store:
    """A published store: read-only, shared by any number of threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._known_documents: Known[Document] = Known()
        self._known_passages: Known[Passage] = Known(_weight)
        weakref.finalize(self, _close, self._connections)
        self._select("SELECT number FROM documents LIMIT 1")

    def _select(self, sql: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        with self._reading() as db:
            return db.execute(sql, tuple(values)).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection()
        except sqlite3.DatabaseError as error:
            raise CorruptIndexError(
                f"{self._path} cannot be read ({error}): run `qa index` to build it anew"
            ) from error

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            # Published files never change, so SQLite need not lock or look again.
            uri = f"{self._path.resolve().as_uri()}?mode=ro&immutable=1"
            found = self._local.connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            found.row_factory = sqlite3.Row
            for function in (fold, same_form):
                found.create_function(function.__name__, 1, _or_null(function), deterministic=True)
            found.execute(f"PRAGMA mmap_size = {_MAPPED}").fetchall()
            self._connections.append(found)
        return found

    def close(self) -> None:
        """Close every thread's connection, as also happens once nobody holds the store any more."""
        _close(self._connections)

    def check(self) -> None:
        """Let SQLite check the file's integrity.

        Raises:
            CorruptIndexError: it is not whole.
        """
        found = [row[0] for row in self._select("PRAGMA integrity_check")]
        if found != ["ok"]:
            raise CorruptIndexError(f"{self._path} is damaged: {found[0]}")

    def counts(self) -> tuple[int, int]:
        """Count documents and passages."""
        row = self._select("SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages)")[0]
        return row[0], row[1]

    def languages(self) -> tuple[str, ...]:
        """Give the passages' languages, the most frequent first."""
        rows = self._select(
            "SELECT language FROM passages WHERE language IS NOT NULL "
            "GROUP BY language ORDER BY count(*) DESC, language"
        )
        return tuple(row[0] for row in rows)

    def failures(self, path: str | None = None, *, limit: int = -1) -> tuple[ReadFailure, ...]:
        """Return what could not be read, in order of path: all, the first, or that of one file."""
        where, values = ("", []) if path is None else ("WHERE path = ?", [path])
        rows = self._select(
            f"SELECT path, reason, row, count FROM failures {where} ORDER BY path, rowid LIMIT ?",
            [*values, limit],
        )
        return tuple(ReadFailure(*row) for row in rows)

    def unopened(self) -> set[ReadFailure]:
        """Return the failures of the files that were not even begun to be read."""
        sql = "SELECT path, reason, row, count FROM failures WHERE path NOT IN (SELECT path FROM files)"
        return {ReadFailure(*row) for row in self._select(sql)}

    def count_failures(self) -> tuple[int, int]:
        """Count the files and rows that could not be read, and the files that they are of."""
        row = self._select("SELECT coalesce(sum(count), 0), count(DISTINCT path) FROM failures")[0]
        return row[0], row[1]

    def count_files(self) -> int:
        """Count the files that were looked at, read or not."""
        sql = f"SELECT count(*) FROM ({_NAMED})"
        count: int = self._select(sql)[0][0]
        return count

    def files(self) -> dict[str, SourceFile]:
        """Give the files that were indexed, by path."""
        rows = self._select("SELECT path, sha256, sidecar_sha256 FROM files")
        return {row["path"]: SourceFile(*row) for row in rows}

    def paths(self) -> list[str]:
        """Give the paths of all documents, each once, ascending."""
        return [row[0] for row in self._select("SELECT DISTINCT path FROM documents ORDER BY path")]

    def named(self) -> set[str]:
        """Give the paths of everything that it holds or knows to be unreadable."""
        return {row[0] for row in self._select(_NAMED)}

    def vector_keys(self) -> list[str]:
        """Give every passage's vector key, by number."""
        return [row[0] for row in self._select("SELECT vector_key FROM passages ORDER BY number")]

    def rows(self, filters: Filters) -> Int64:
        """Give the numbers of the passages whose documents pass the filters, ascending."""
        where, values = _conditions(filters, language="coalesce(p.language, d.language)")
        joined = "passages p JOIN documents d ON d.number = p.document"
        sql = f"SELECT p.number FROM {joined} {where} ORDER BY p.number"
        return np.fromiter((row[0] for row in self._select(sql, values)), np.int64)

    def documents(self, filters: Filters, limit: int, offset: int) -> DocumentPage:
        """List documents by path."""
        where, values = _conditions(filters)
        total = self._select(f"SELECT count(*) FROM documents d {where}", values)[0][0]
        sql = f"SELECT {_DOCUMENT} FROM documents d {where} ORDER BY d.path, d.number LIMIT ? OFFSET ?"
        return DocumentPage(total, tuple(map(_document, self._select(sql, [*values, limit, offset]))))

    def all_documents(self) -> Iterator[Document]:
        """Give every document, in the order in which they were added."""
        count, _ = self.counts()
        for number in range(count):
            sql = f"SELECT {_DOCUMENT} FROM documents d WHERE d.number = ?"
            yield _document(self._select(sql, [number])[0])

    def document(self, document_id: str) -> Document:
        """Look a document up.

        Raises:
            NotFoundError: there is none of this id.
        """
        return _document(self._one(f"SELECT {_DOCUMENT} FROM documents d WHERE d.id = ?", document_id))

    def text(self, document_id: str) -> str:
        """Give a document's canonical text, or raise NotFoundError."""
        sql = "SELECT t.utf8 FROM texts t JOIN documents d ON d.number = t.document WHERE d.id = ?"
        utf8: bytes = self._one(sql, document_id)[0]
        return utf8.decode()

    def headings(self, document_id: str) -> tuple[Heading, ...]:
        """Give a document's headings in order, or raise NotFoundError."""
        found = self._one("SELECT headings FROM documents WHERE id = ?", document_id)[0]
        return tuple(Heading(Span(start, end), level) for start, end, level in json.loads(found))

    def page_starts(self, document_id: str) -> tuple[int, ...]:
        """Return where in a document's text each of its pages begins, or raise NotFoundError."""
        kept = self._one("SELECT page_starts FROM documents WHERE id = ?", document_id)[0]
        return tuple(json.loads(kept))

    def _one(self, sql: str, document_id: str) -> sqlite3.Row:
        found = self._select(sql, [document_id])
        if not found:
            raise NotFoundError(f"no document has the id {document_id!r}")
        return found[0]

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """Give the passages of these numbers, in this order."""
        found = self._known_passages.look_up(
            numbers, lambda missing: self._passages(f"p.number IN ({_marks(missing)})", missing)
        )
        return [found[number] for number in numbers]

    def _passages(self, where: str, values: Iterable[Any]) -> dict[int, Passage]:
        """Read passages by number, in order, with what they share read once."""
        rows = self._select(f"SELECT {_PASSAGE} FROM passages p WHERE {where} ORDER BY p.number", values)
        documents = self._known_documents.look_up({row["document"] for row in rows}, self._documents)
        sentences = _parsed([row["sentences"] for row in rows])
        found = {}
        for row, spans, text in zip(rows, sentences, self._texts(rows), strict=True):
            number, of, start, end, _, _, section, page, language, _ = row
            found[number] = Passage(
                f"{documents[of].id}:{start}-{end}", documents[of], Span(start, end), text,
                tuple(map(_span, spans)), section, page, language,
            )  # fmt: skip
        return found

    def _documents(self, numbers: Collection[int]) -> dict[int, Document]:
        """Read documents by number."""
        sql = f"SELECT {_DOCUMENT}, d.number FROM documents d WHERE d.number IN ({_marks(numbers)})"
        return {row["number"]: _document(row) for row in self._select(sql, numbers)}

    def _texts(self, rows: Iterable[sqlite3.Row]) -> list[str]:
        """Read passages' texts in place: to take a part of a column SQLite would read the whole of it."""
        found = []
        with self._reading() as db:
            for document, group in groupby(rows, itemgetter("document")):
                with db.blobopen("texts", "utf8", document, readonly=True) as utf8:
                    for row in group:
                        utf8.seek(row["byte_start"])
                        found.append(utf8.read(row["byte_length"]).decode())
        return found

    def passage(self, passage_id: str) -> Passage:
        """Look a passage up by its id.

        Raises:
            NotFoundError: there is no such document, or the id is not one of a passage.
            GoneError: the document is there but has no passage at this place (any more).
        """
        document_id, _, place = passage_id.partition(":")
        start, _, end = place.partition("-")
        if not (start.isascii() and end.isascii() and start.isdigit() and end.isdigit()):
            raise NotFoundError(f"{passage_id!r} is not a passage's id, which is DOCUMENT:START-END")
        self.document(document_id)
        at_place = f"{_OF_DOCUMENT} AND p.char_start = ? AND p.char_end = ?"
        found = self._passages(at_place, [document_id, _sql_int(start), _sql_int(end)])
        if not found:
            raise GoneError(
                f"document {document_id} has no passage at characters {start} to {end}: it has changed"
            )
        return next(iter(found.values()))

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """Give a document's passages in order."""
        return tuple(self._passages(_OF_DOCUMENT, [document_id]).values())

    def passage_at(self, document_id: str, offset: int) -> Passage | None:
        """Return the passage of a document at an offset of its text, or else the next one."""
        place = [document_id, min(offset, _LARGEST)]
        beside = (
            f"p.number = (SELECT {{}}(p.number) FROM passages p WHERE {_OF_DOCUMENT} AND p.char_start {{}} ?)"
        )
        for candidate in self._passages(beside.format("max", "<="), place).values():
            if candidate.span.end > offset:
                return candidate
        return next(iter(self._passages(beside.format("min", ">"), place).values()), None)

    def neighbours(self, passage: Passage) -> tuple[Passage | None, Passage | None]:
        """Give the passages before and after one in its document."""
        place = [passage.document.id, passage.span.start]
        beside = (
            f"p.number = (SELECT {{}}(p.number) FROM passages p WHERE {_OF_DOCUMENT} AND p.char_start {{}} ?)"
        )
        before = self._passages(beside.format("max", "<"), place)
        after = self._passages(beside.format("min", ">"), place)
        return next(iter(before.values()), None), next(iter(after.values()), None)

    def stored(self, path: str) -> Iterator[StoredDocument]:
        """Give back every document of a file as it was added, in order."""
        for row in self._select("SELECT id FROM documents WHERE path = ? ORDER BY number", [path]):
            document = self.document(row["id"])
            joined = "passages p JOIN documents d ON d.number = p.document"
            sql = f"SELECT p.* FROM {joined} WHERE d.id = ? ORDER BY p.number"
            found = self._select(sql, [document.id])
            yield StoredDocument(
                document,
                self.text(document.id),
                self.headings(document.id),
                tuple(_passage_span(passage) for passage in found),
                tuple(passage["vector_key"] for passage in found),
                self.page_starts(document.id),
            )


def matching(paths: Sequence[str], pattern: str) -> list[bool]:
    """Tell which paths a pattern of ``Filters.path`` fits, as the store itself takes it.

    Both are to be in one form of Unicode.
    """
    with closing(sqlite3.connect(":memory:")) as db:
        select = "SELECT ? GLOB ?"
        return [bool(db.execute(select, (path, _glob(pattern))).fetchone()[0]) for path in paths]


def _glob(pattern: str) -> str:
    # SQLite negates with ^, and tries every star of a row of them by itself.
    return _STARS.sub("*", pattern.replace("[!", "[^"))


def _close(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def _or_null(function: Callable[[str], str]) -> Callable[[str | None], str | None]:
    return lambda text: None if text is None else function(text)


_ONE_FORM = """SELECT number FROM (
    SELECT number,
        CASE length(path) WHEN length(CAST(path AS BLOB)) THEN path ELSE same_form(path) END AS path
    FROM documents LIMIT -1
)"""
"""The documents with their paths in one form of Unicode.

ASCII, which has as many letters as bytes, is left as it is, for each call of Python takes its time; the limit
keeps SQLite from making the form anew wherever it is compared.
"""


def _weight(passage: Passage) -> int:
    """Return about how many bytes a passage takes without its document, quicker than ``size_of`` would."""
    return _PASSAGE_ALONE + getsizeof(passage.text) + _SPAN * len(passage.sentences)


def _conditions(filters: Filters, language: str = "d.language") -> tuple[str, list[Any]]:
    """Put the filters as SQL over ``documents d``; a passage may be in another language than its document."""
    parts: list[str] = []
    values: list[Any] = []
    if filters.source:
        marks = ", ".join("?" * len(filters.source))
        sources = (
            f"SELECT source FROM (SELECT DISTINCT source FROM documents) WHERE fold(source) IN ({marks})"
        )
        parts.append(f"d.source IN ({sources})")
        values += map(fold, filters.source)
    if filters.language:
        parts.append(f"{language} COLLATE NOCASE IN ({', '.join('?' * len(filters.language))})")
        values += map(fold, filters.language)
    if filters.path:
        paths = [_path_condition(same_form(path)) for path in filters.path]
        parts.append(f"d.number IN ({_ONE_FORM} WHERE {' OR '.join(condition for condition, _ in paths)})")
        for _, given in paths:
            values += given
    for column, wanted in (
        ("d.media_type", tuple(map(fold, filters.media_type))),
        ("d.id", filters.document),
    ):
        if wanted:
            parts.append(f"{column} IN ({_marks(wanted)})")
            values += wanted
    for bound, operator in ((filters.date_from, ">="), (filters.date_to, "<=")):
        if bound:
            parts.append(f"d.published {operator} ?")
            values.append(bound)
    return ("WHERE " + " AND ".join(parts) if parts else ""), values


def _path_condition(path: str) -> tuple[str, list[str]]:
    """Put one of the paths of a filter as SQL: a file, a folder with all in it, or a pattern."""
    folder = path.rstrip("/")
    condition = "path = ? OR (path > ? AND path < ?)"  # in a folder: between its "/" and the "0" after it
    given = [path, f"{folder}/", f"{folder}0"]
    if not _WILD.isdisjoint(path):
        return f"{condition} OR path GLOB ?", [*given, _glob(path)]
    return condition, given


def _document(row: Mapping[str, Any] | sqlite3.Row) -> Document:
    names = ("title", "source", "author", "published", "dateline", "language", "url")
    metadata = Metadata(**{name: row[name] for name in names}, found=json.loads(row["found"]))
    return Document(
        row["id"], row["path"], row["media_type"], row["sha256"], metadata, row["characters"],
        row["passages"], row["pages"], row["row"], tuple(json.loads(row["notes"])),
    )  # fmt: skip


def _passage_span(row: sqlite3.Row) -> PassageSpan:
    span = Span(row["char_start"], row["char_end"])
    return PassageSpan(
        span, _spans(row["sentences"]), _spans(row["lead"]), row["section"], row["page"], row["language"]
    )


_span = partial(tuple.__new__, Span)
"""``Span._make``, without a step of Python for each of the many."""


def _spans(found: str) -> tuple[Span, ...]:
    return tuple(map(_span, json.loads(found)))


def _parsed(found: Sequence[str]) -> list[Any]:
    """Parse JSON texts in one call, whose own cost is more than theirs."""
    parsed: list[Any] = json.loads(f"[{','.join(found)}]")
    return parsed


def _marks(values: Collection[Any]) -> str:
    return ", ".join("?" * len(values))


def _sql_int(digits: str) -> int:
    """Read an offset; no text is as long as SQLite's integers are large."""
    return min(int(digits[:19]), _LARGEST)
