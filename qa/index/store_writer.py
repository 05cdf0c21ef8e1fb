"""A new store of documents and passages in SQLite, written once and then only read, by ``store``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from qa.errors import BuildError
from qa.index.catalogue import COLUMNS
from qa.index.store import StoredDocument
from qa.text import recognised
from qa.types import ReadFailure, SourceFile

_SCHEMA = f"""
CREATE TABLE files (
    path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, sidecar_sha256 TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE failures (
    path TEXT NOT NULL, row TEXT, reason TEXT NOT NULL, count INTEGER NOT NULL, member TEXT
) STRICT;
CREATE INDEX failures_by_path ON failures (path);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, path TEXT NOT NULL, row TEXT,
    file TEXT NOT NULL, member TEXT,
    media_type TEXT NOT NULL, sha256 TEXT NOT NULL,
    title TEXT, source TEXT, author TEXT, published TEXT, dateline TEXT, language TEXT, url TEXT,
    found TEXT NOT NULL, headings TEXT NOT NULL, notes TEXT NOT NULL,
    characters INTEGER NOT NULL, pages INTEGER, passages INTEGER NOT NULL, page_starts TEXT NOT NULL,
    certainty REAL, recognised_pages INTEGER NOT NULL
) STRICT;
CREATE INDEX documents_by_path ON documents (path);
CREATE INDEX documents_by_file ON documents (file);
CREATE INDEX documents_listed ON documents ({", ".join(COLUMNS)});
CREATE TABLE texts (document INTEGER PRIMARY KEY REFERENCES documents, utf8 BLOB NOT NULL) STRICT;
CREATE TABLE passages (
    number INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents,
    char_start INTEGER NOT NULL, char_end INTEGER NOT NULL,
    byte_start INTEGER NOT NULL, byte_length INTEGER NOT NULL,
    section TEXT, page INTEGER, language TEXT,
    sentences TEXT NOT NULL, lead TEXT NOT NULL, header TEXT, vector_key TEXT NOT NULL,
    certainty REAL, columns TEXT
) STRICT;
CREATE TABLE recognised (
    document INTEGER NOT NULL REFERENCES documents, page INTEGER NOT NULL,
    char_start INTEGER NOT NULL, char_end INTEGER NOT NULL, certainty REAL NOT NULL, words BLOB NOT NULL,
    PRIMARY KEY (document, page)
) STRICT;
CREATE INDEX passages_by_place ON passages (document, char_start);
"""


@contextmanager
def writing(path: Path) -> Iterator[StoreWriter]:
    """Write a new store, which is complete once the block has ended.

    Raises:
        BuildError: the file cannot be written.
    """
    try:
        with closing(sqlite3.connect(path)) as db:
            db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}")
            yield StoreWriter(db)
            db.commit()
            db.execute("PRAGMA optimize")
    except sqlite3.DatabaseError as error:
        raise BuildError(f"{path} cannot be written: {error}") from error


class StoreWriter:
    """Writes a new store. Passages are numbered in the order in which they are added, from 0."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._documents = 0
        self._passages = 0

    def add_file(self, file: SourceFile) -> None:
        """Record a file's content by its digests, to recognise it in the next build."""
        self._db.execute("INSERT INTO files VALUES (?, ?, ?)", (file.path, file.sha256, file.sidecar_sha256))

    def add_failure(self, failure: ReadFailure) -> None:
        """Record what could not be read."""
        self._db.execute(
            "INSERT INTO failures VALUES (?, ?, ?, ?, ?)",
            (failure.path, failure.row, failure.reason, failure.count, failure.member),
        )

    def add(self, stored: StoredDocument) -> None:
        """Add a document and its passages."""
        document, meta = stored.document, stored.document.metadata
        self._db.execute(
            f"INSERT INTO documents VALUES ({', '.join('?' * 24)})",
            (
                self._documents, document.id, document.path, document.row,
                document.file, document.member,
                document.media_type, document.sha256,
                meta.title, meta.source, meta.author, meta.published, meta.dateline, meta.language, meta.url,
                json.dumps(dict(meta.found)), json.dumps([(*h.span, h.level) for h in stored.headings]),
                json.dumps(document.notes), document.characters, document.pages, document.passages,
                json.dumps(stored.page_starts), document.certainty, document.recognised_pages,
            ),
        )  # fmt: skip
        self._db.execute("INSERT INTO texts VALUES (?, ?)", (self._documents, stored.text.encode()))
        self._db.executemany(
            f"INSERT INTO passages VALUES ({', '.join('?' * 15)})", self._passage_rows(stored)
        )
        self._db.executemany(
            "INSERT INTO recognised VALUES (?, ?, ?, ?, ?, ?)",
            (
                (self._documents, page.page, *page.span, page.certainty, recognised.pack(page.words))
                for page in stored.recognised
            ),
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
                json.dumps(passage.sentences), json.dumps(passage.lead),
                passage.header and json.dumps(passage.header), key,
                recognised.certainty(stored.recognised, passage.span),
                passage.header and passage.header.slice(stored.text),
            )  # fmt: skip
            chars, in_bytes = end, in_bytes + length
