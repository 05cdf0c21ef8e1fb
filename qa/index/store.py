"""Documents, passages, metadata and text in SQLite, as ``store_writer`` wrote them.

A document's text is kept as UTF-8 bytes. A passage knows its place both in code points, which every offset
outside this module counts, and in bytes, so that its text is read without reading the whole document's.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from sys import getsizeof
from typing import Any

import numpy as np

from qa.errors import CorruptIndexError, GoneError, NotFoundError
from qa.index import catalogue
from qa.index import filters as filtering
from qa.index.caching import RowCache
from qa.index.passage_ids import LARGEST, parse_passage_id
from qa.index.store_rows import read_document, read_passage_span, read_recognised_page, read_spans
from qa.types import (
    Document,
    DocumentCounts,
    DocumentPage,
    DocumentQuery,
    Filters,
    Heading,
    Int64,
    Passage,
    PassageSpan,
    ReadFailure,
    RecognisedPage,
    SourceFile,
    Span,
)

_DOCUMENT = """d.id, d.path, d.row, d.media_type, d.sha256, d.title, d.source, d.author, d.published,
    d.dateline, d.language, d.url, d.found, d.notes, d.characters, d.pages, d.passages, d.member,
    d.certainty, d.recognised_pages"""
_PASSAGE = """p.number, p.document, p.char_start, p.char_end, p.byte_start, p.byte_length,
    p.section, p.page, p.language, p.sentences, p.certainty, p.columns"""
_FAILURE = "path, reason, row, count, member"
_RECOGNISED = """SELECT r.page, r.char_start, r.char_end, r.certainty, r.words
    FROM recognised r JOIN documents d ON d.number = r.document WHERE d.id = ?"""
_NAMED = "SELECT path FROM files UNION SELECT path FROM failures UNION SELECT file FROM documents"
_OF_DOCUMENT = "p.document = (SELECT number FROM documents WHERE id = ?)"
_BESIDE = f"p.number = (SELECT {{}}(p.number) FROM passages p WHERE {_OF_DOCUMENT} AND p.char_start {{}} ?)"
"""A document's last or first passage (max, min) that begins at an offset or on a side of it (<=, <, >)."""

_MAPPED = 2**31 - 1
"""How much of the file SQLite may map, in bytes: all it can. Otherwise each thread copies pages."""

_PASSAGE_BYTES, _SPAN_BYTES = 600, 120
"""Estimates, by ``sys.getsizeof``: a passage without its text and sentences, and each sentence."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document with everything that the store keeps of it.

    ``keys`` name each passage's vectors, for reuse; ``page_starts`` are the offsets in the text where pages
    begin; ``recognised`` are the pages whose text was recognised, in order.
    """

    document: Document
    text: str
    headings: tuple[Heading, ...]
    passages: tuple[PassageSpan, ...]
    keys: tuple[str, ...]
    page_starts: tuple[int, ...] = ()
    recognised: tuple[RecognisedPage, ...] = ()


class Store:
    """A published store: read-only, shared by any number of threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._known_documents: RowCache[Document] = RowCache()
        self._known_passages: RowCache[Passage] = RowCache(_passage_size)
        self._names = catalogue.Names()
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
                f"{self._path} cannot be read ({error}): run `qa index` to rebuild it"
            ) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Published files never change, so SQLite need not lock or look again.
            uri = f"{self._path.resolve().as_uri()}?mode=ro&immutable=1"
            connection = self._local.connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            filtering.add_functions(connection)
            connection.execute(f"PRAGMA mmap_size = {_MAPPED}").fetchall()
            self._connections.append(connection)
        return connection

    def close(self) -> None:
        """Close every thread's connection. This also happens when the store is garbage-collected."""
        _close(self._connections)

    def check(self) -> None:
        """Check the file's integrity, as SQLite does.

        Raises:
            CorruptIndexError: the file is damaged.
        """
        problems = [row[0] for row in self._select("PRAGMA integrity_check")]
        if problems != ["ok"]:
            raise CorruptIndexError(f"{self._path} is damaged: {problems[0]}")

    def counts(self) -> tuple[int, int]:
        """Return the numbers of documents and passages."""
        row = self._select("SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages)")[0]
        return row[0], row[1]

    def languages(self) -> tuple[str, ...]:
        """Return the passages' languages, the most frequent first."""
        return tuple(code for code in self.count_languages() if code)

    def count_languages(self) -> dict[str | None, int]:
        """Count the passages by language, None if it is unknown, the most frequent first."""
        sql = "SELECT language, count(*) FROM passages GROUP BY language ORDER BY count(*) DESC, language"
        return dict(map(tuple, self._select(sql)))

    def spread_rows(self, language: str | None, most: int) -> list[int]:
        """Return the numbers of passages in a language, at most so many, spread evenly over all of them."""
        rows = self._select("SELECT number FROM passages WHERE language IS ? ORDER BY number", [language])
        step = -(-len(rows) // most) or 1
        return [row[0] for row in rows[::step]]

    def failures(self, path: str | None = None, *, limit: int = -1) -> tuple[ReadFailure, ...]:
        """Return what could not be read, by path: of one file or of all, at most ``limit`` (-1: no limit)."""
        where, values = ("", []) if path is None else ("WHERE path = ?", [path])
        rows = self._select(
            f"SELECT {_FAILURE} FROM failures {where} ORDER BY path, rowid LIMIT ?",
            [*values, limit],
        )
        return tuple(ReadFailure(*row) for row in rows)

    def unopened(self) -> set[ReadFailure]:
        """Return the failures of files that could not even be opened."""
        sql = f"SELECT {_FAILURE} FROM failures WHERE path NOT IN (SELECT path FROM files)"
        return {ReadFailure(*row) for row in self._select(sql)}

    def count_failures(self) -> tuple[int, int]:
        """Return how many files and rows could not be read, and how many files these belong to."""
        row = self._select("SELECT coalesce(sum(count), 0), count(DISTINCT path) FROM failures")[0]
        return row[0], row[1]

    def count_files(self) -> int:
        """Return how many files the build looked at, read or not."""
        sql = f"SELECT count(*) FROM ({_NAMED})"
        count: int = self._select(sql)[0][0]
        return count

    def files(self) -> dict[str, SourceFile]:
        """Return the files that were indexed, by path."""
        rows = self._select("SELECT path, sha256, sidecar_sha256 FROM files")
        return {row["path"]: SourceFile(*row) for row in rows}

    def paths(self) -> list[str]:
        """Return the paths of all files that documents are in, each once, ascending."""
        return [row[0] for row in self._select("SELECT DISTINCT file FROM documents ORDER BY file")]

    def named(self) -> set[str]:
        """Return the paths of all files that hold documents or could not be read."""
        return {row[0] for row in self._select(_NAMED)}

    def vector_keys(self) -> list[str]:
        """Return every passage's vector key, by number."""
        return [row[0] for row in self._select("SELECT vector_key FROM passages ORDER BY number")]

    def rows(self, filters: Filters) -> Int64:
        """Return the numbers of the passages whose documents pass the filters, ascending."""
        where, values = filtering.conditions(filters, language="coalesce(p.language, d.language)")
        joined = "passages p JOIN documents d ON d.number = p.document"
        sql = f"SELECT p.number FROM {joined} {where} ORDER BY p.number"
        return np.fromiter((row[0] for row in self._select(sql, values)), np.int64)

    def documents(self, filters: Filters, limit: int, offset: int) -> DocumentPage:
        """Return a page of the documents that pass the filters, by file, and as they stand in it."""
        where, values = filtering.conditions(filters)
        total = self._select(f"SELECT count(*) FROM documents d {where}", values)[0][0]
        sql = f"SELECT {_DOCUMENT} FROM documents d {where} ORDER BY d.file, d.number LIMIT ? OFFSET ?"
        return DocumentPage(total, tuple(map(read_document, self._select(sql, [*values, limit, offset]))))

    def list_documents(
        self, query: DocumentQuery, limit: int, offset: int, ledger: Path | None = None
    ) -> DocumentPage:
        """Return a page of the documents, in an order; ``catalogue.page`` describes ``ledger``."""
        with self._reading() as db:
            named = self._names.find(db, query.text)
            total, numbers = catalogue.page(db, query, limit, offset, named=named, ledger=ledger)
        documents = self._known_documents.look_up(numbers, self._documents)
        return DocumentPage(total, tuple(documents[number] for number in numbers))

    def count_documents(self, query: DocumentQuery, folder: str = "") -> DocumentCounts:
        """Count the documents by the values of each facet, as ``catalogue.count_values`` does."""
        with self._reading() as db:
            named = self._names.find(db, query.text)
            return catalogue.count_values(db, query.filters, folder, named=named)

    def all_documents(self) -> Iterator[Document]:
        """Yield every document, in the order in which they were added."""
        count, _ = self.counts()
        for number in range(count):
            sql = f"SELECT {_DOCUMENT} FROM documents d WHERE d.number = ?"
            yield read_document(self._select(sql, [number])[0])

    def document(self, document_id: str) -> Document:
        """Return the document of an id.

        Raises:
            NotFoundError: no document has this id.
        """
        sql = f"SELECT {_DOCUMENT} FROM documents d WHERE d.id = ?"
        return read_document(self._document_row(sql, document_id))

    def text(self, document_id: str) -> str:
        """Return a document's canonical text, or raise NotFoundError."""
        sql = "SELECT t.utf8 FROM texts t JOIN documents d ON d.number = t.document WHERE d.id = ?"
        utf8: bytes = self._document_row(sql, document_id)[0]
        return utf8.decode()

    def headings(self, document_id: str) -> tuple[Heading, ...]:
        """Return a document's headings in order, or raise NotFoundError."""
        headings = self._document_row("SELECT headings FROM documents WHERE id = ?", document_id)[0]
        return tuple(Heading(Span(start, end), level) for start, end, level in json.loads(headings))

    def page_starts(self, document_id: str) -> tuple[int, ...]:
        """Return the offsets in a document's text where its pages begin, or raise NotFoundError."""
        starts = self._document_row("SELECT page_starts FROM documents WHERE id = ?", document_id)[0]
        return tuple(json.loads(starts))

    def recognised(self, document_id: str) -> tuple[RecognisedPage, ...]:
        """Return the pages of a document whose text was recognised, in order."""
        rows = self._select(f"{_RECOGNISED} ORDER BY r.page", [document_id])
        return tuple(map(read_recognised_page, rows))

    def recognised_page(self, document_id: str, page: int) -> RecognisedPage | None:
        """Return a page of a document if its text was recognised, or raise NotFoundError."""
        self.document(document_id)
        rows = self._select(f"{_RECOGNISED} AND r.page = ?", [document_id, min(page, LARGEST)])
        return read_recognised_page(rows[0]) if rows else None

    def _document_row(self, sql: str, document_id: str) -> sqlite3.Row:
        rows = self._select(sql, [document_id])
        if not rows:
            raise NotFoundError(f"no document has the id {document_id!r}")
        return rows[0]

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """Return the passages of these numbers, in this order."""
        by_number = self._known_passages.look_up(
            numbers,
            lambda missing: self._passages(f"p.number IN ({filtering.marks(missing)})", missing),
        )
        return [by_number[number] for number in numbers]

    def _passages(self, where: str, values: Iterable[Any]) -> dict[int, Passage]:
        """Read passages in order of number, each document they share once."""
        rows = self._select(f"SELECT {_PASSAGE} FROM passages p WHERE {where} ORDER BY p.number", values)
        documents = self._known_documents.look_up({row["document"] for row in rows}, self._documents)
        sentences = read_spans([row["sentences"] for row in rows])
        passages = {}
        for row, spans, text in zip(rows, sentences, self._texts(rows), strict=True):
            number, document, start, end, _, _, section, page, language, _, certainty, header = row
            passages[number] = Passage(
                f"{documents[document].id}:{start}-{end}", documents[document], Span(start, end), text,
                spans, section, page, language, certainty, header,
            )  # fmt: skip
        return passages

    def _documents(self, numbers: Collection[int]) -> dict[int, Document]:
        """Read documents by number."""
        sql = f"SELECT {_DOCUMENT}, d.number FROM documents d WHERE d.number IN ({filtering.marks(numbers)})"
        return {row["number"]: read_document(row) for row in self._select(sql, numbers)}

    def _texts(self, rows: Iterable[sqlite3.Row]) -> list[str]:
        """Read passages' texts in place: for ``substr`` SQLite would read the whole column."""
        texts = []
        with self._reading() as db:
            for document, group in groupby(rows, itemgetter("document")):
                with db.blobopen("texts", "utf8", document, readonly=True) as utf8:
                    for row in group:
                        utf8.seek(row["byte_start"])
                        texts.append(utf8.read(row["byte_length"]).decode())
        return texts

    def passage(self, passage_id: str) -> Passage:
        """Return the passage of an id.

        Raises:
            NotFoundError: there is no such document, or the id is not a passage's.
            GoneError: the document has no passage at this place, or no longer.
        """
        document_id, start, end = parse_passage_id(passage_id)
        self.document(document_id)
        at_place = f"{_OF_DOCUMENT} AND p.char_start = ? AND p.char_end = ?"
        passages = self._passages(at_place, [document_id, start, end])
        if not passages:
            raise GoneError(
                f"document {document_id} has no passage at characters {start} to {end}: it has changed"
            )
        return next(iter(passages.values()))

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """Return a document's passages in order."""
        return tuple(self._passages(_OF_DOCUMENT, [document_id]).values())

    def passage_at(self, document_id: str, offset: int) -> Passage | None:
        """Return the passage at an offset of a document's text, or else the next one."""
        place = [document_id, min(offset, LARGEST)]
        for candidate in self._passages(_BESIDE.format("max", "<="), place).values():
            if candidate.span.end > offset:
                return candidate
        return next(iter(self._passages(_BESIDE.format("min", ">"), place).values()), None)

    def neighbours(self, passage: Passage) -> tuple[Passage | None, Passage | None]:
        """Return the passages before and after one in its document."""
        place = [passage.document.id, passage.span.start]
        before = self._passages(_BESIDE.format("max", "<"), place)
        after = self._passages(_BESIDE.format("min", ">"), place)
        return next(iter(before.values()), None), next(iter(after.values()), None)

    def stored(self, path: str) -> Iterator[StoredDocument]:
        """Yield every document of a file as it was added, in order."""
        for row in self._select("SELECT id FROM documents WHERE file = ? ORDER BY number", [path]):
            document = self.document(row["id"])
            joined = "passages p JOIN documents d ON d.number = p.document"
            sql = f"SELECT p.* FROM {joined} WHERE d.id = ? ORDER BY p.number"
            rows = self._select(sql, [document.id])
            yield StoredDocument(
                document,
                self.text(document.id),
                self.headings(document.id),
                tuple(read_passage_span(row) for row in rows),
                tuple(row["vector_key"] for row in rows),
                self.page_starts(document.id),
                self.recognised(document.id),
            )


def _close(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def _passage_size(passage: Passage) -> int:
    """Return about how many bytes a passage takes without its document, quicker than ``size_of``."""
    return _PASSAGE_BYTES + getsizeof(passage.text) + _SPAN_BYTES * len(passage.sentences)
