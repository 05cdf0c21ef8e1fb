"""Every file ever seen in the documents folder, and what became of it: ``index/ledger.sqlite``.

Written anew after each build and put in the place of the old one in one step, so that it is whole at any
instant and nobody who reads it waits. It is no part of a generation: that a picture lies in the folder is no
reason for a new one.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from qa.errors import BuildError, CorruptIndexError
from qa.index import generation
from qa.types import ReadFailure

NAME = "ledger.sqlite"
FORMAT = 1

_SEAL = hashlib.sha256().digest_size
_BLOCK = 1 << 20

State = Literal["indexed", "partly", "failed", "skipped", "gone"]
"""``partly``: indexed, but for some of it or with a doubt. ``skipped``: of no kind that is read, or hidden.
``gone``: it was there once."""

STATES: tuple[State, ...] = get_args(State)

_SCHEMA = """
CREATE TABLE facts (format INTEGER NOT NULL, generation TEXT NOT NULL, checked TEXT NOT NULL) STRICT;
CREATE TABLE files (
    path TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT, since TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE mounts (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_state ON files (state, path);
CREATE TEMP TABLE seen (path TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT) STRICT, WITHOUT ROWID;
"""
_REMARKS = """
CREATE TEMP TABLE remarks (path TEXT NOT NULL, said TEXT NOT NULL, count INTEGER NOT NULL) STRICT;
INSERT INTO remarks
    SELECT path, CASE WHEN row IS NULL THEN reason ELSE 'row ' || row || ' ' || reason END, count
    FROM store.failures ORDER BY rowid;
INSERT INTO remarks SELECT d.path, note.value, 1 FROM store.documents d, json_each(d.notes) note
    ORDER BY d.number;
CREATE INDEX remarks_by_path ON remarks (path);
"""
_SEEN = """
INSERT INTO seen
WITH told AS (SELECT path, min(rowid) AS first, sum(count) AS remarks FROM remarks GROUP BY path),
    named AS (SELECT path FROM store.files UNION SELECT path FROM told UNION SELECT path FROM store.documents)
SELECT named.path,
    CASE WHEN NOT EXISTS (SELECT 1 FROM store.documents d WHERE d.path = named.path) THEN 'failed'
         WHEN remarks > 0 THEN 'partly' ELSE 'indexed' END,
    r.said || CASE WHEN remarks > 1 THEN ' (and ' || (remarks - 1) || ' more)' ELSE '' END
FROM named LEFT JOIN told ON told.path = named.path LEFT JOIN remarks r ON r.rowid = told.first
"""
_FILES = """
INSERT INTO files SELECT s.path, s.state, s.reason,
    CASE WHEN o.state = s.state AND o.reason IS s.reason THEN o.since ELSE :now END
FROM seen s LEFT JOIN old.files o USING (path);
"""
_GONE = """
INSERT INTO files SELECT path, 'gone', NULL, CASE WHEN state = 'gone' THEN since ELSE :now END
FROM old.files WHERE path NOT IN (SELECT path FROM seen)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, what became of it, why, and since when (ISO time, UTC)."""

    path: str
    state: State
    reason: str | None
    since: str


@dataclass(frozen=True, slots=True)
class Summary:
    """How many files there are of each state, as ``generation`` has them, and when that was ``checked``."""

    generation: str
    checked: str
    counts: dict[State, int]


def write(index: Path, live: Path, skipped: Iterable[ReadFailure], mounts: Iterable[str] = ()) -> None:
    """Write what the live generation has of each file, what was skipped, and what was there before.

    Args:
        index: the folder of the index, for which the caller holds the lock.
        live: the folder of the live generation.
        skipped: what is in the documents folder and passed over.
        mounts: folders in it on which another file system is mounted.

    Raises:
        BuildError: the disk does not take it.
    """
    with _writing(index) as db:
        _attach_earlier(db, index)
        db.execute("ATTACH ? AS store", (_uri(live / generation.STORE),))
        db.execute("BEGIN")
        _fill(db, live.name, skipped)
        db.executemany("INSERT INTO mounts VALUES (?)", ((path,) for path in mounts))
        db.execute("COMMIT")


def forget(index: Path, is_forgotten: Callable[[str], bool]) -> None:
    """Leave files out, as if they had never been there. One that is damaged is removed.

    Args:
        index: the folder of the index, for which the caller holds the lock.
        is_forgotten: whether a path is left out.

    Raises:
        BuildError: the disk does not take it.
    """
    try:
        verify(index)
        rest, unmounted = entries(index), mounts(index)
        known = summary(index)
    except CorruptIndexError:
        known = None
    if known is None:
        for name in (NAME, f".{NAME}"):
            (index / name).unlink(missing_ok=True)
        return
    # Written anew, for what is deleted from a database stays in its free pages.
    with _writing(index) as db:
        db.execute("BEGIN")
        db.execute("INSERT INTO facts VALUES (?, ?, ?)", (FORMAT, known.generation, known.checked))
        left = (astuple(entry) for entry in rest if not is_forgotten(entry.path))
        db.executemany("INSERT INTO files VALUES (?, ?, ?, ?)", left)
        db.executemany(
            "INSERT INTO mounts VALUES (?)", ((path,) for path in unmounted if not is_forgotten(path))
        )
        db.execute("COMMIT")


def summary(index: Path) -> Summary | None:
    """Count the files of each state; None where nothing has been written.

    Raises:
        CorruptIndexError: it cannot be read.
    """
    if not _is_there(index):
        return None
    with _reading(index) as db:
        generation_, checked = db.execute("SELECT generation, checked FROM facts").fetchone()
        found = dict(db.execute("SELECT state, count(*) FROM files GROUP BY state").fetchall())
        return Summary(generation_, checked, {state: found.get(state, 0) for state in STATES})


def entries(index: Path, state: State | None = None, *, limit: int = -1, offset: int = 0) -> list[Entry]:
    """List files by path: all, or those of one state; -1 is no limit. Raises as ``summary``."""
    if not _is_there(index):
        return []
    where = "WHERE state = ?" if state else ""
    with _reading(index) as db:
        rows = db.execute(
            f"SELECT path, state, reason, since FROM files {where} ORDER BY path LIMIT ? OFFSET ?",
            ([state] if state else []) + [limit, offset],
        )
        return [Entry(*row) for row in rows]


def mounts(index: Path) -> list[str]:
    """List the folders on which another file system was mounted; none where nothing can be told."""
    if not _is_there(index):
        return []
    try:
        with _reading(index) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'mounts'").fetchone():
                return []  # an older version wrote it
            return [row[0] for row in db.execute("SELECT path FROM mounts ORDER BY path")]
    except CorruptIndexError:
        return []


def verify(index: Path) -> None:
    """Check that it is what was written, where there is one.

    Raises:
        CorruptIndexError: it is not.
    """
    if not _is_there(index):
        return
    path = index / NAME
    try:
        length = path.stat().st_size - _SEAL
        with path.open("rb") as file:
            file.seek(max(length, 0))
            whole = file.read() == _digest(path, length)
    except OSError as error:
        raise CorruptIndexError(_not_whole(index, str(error))) from error
    if not whole:
        raise CorruptIndexError(_not_whole(index, "it is not what was written"))


def _fill(db: sqlite3.Connection, name: str, skipped: Iterable[ReadFailure]) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for statement in _REMARKS.split(";"):  # a script would end the transaction
        db.execute(statement)
    db.execute(_SEEN)
    rows = ((one.path, one.reason) for one in skipped)
    db.executemany("INSERT OR IGNORE INTO seen VALUES (?, 'skipped', ?)", rows)
    db.execute(_FILES, {"now": now})
    db.execute(_GONE, {"now": now})
    db.execute("INSERT INTO facts VALUES (?, ?, ?)", (FORMAT, name, now))


def _digest(path: Path, length: int) -> bytes:
    """Give the SHA-256 of a file's first bytes."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while length > 0 and (data := file.read(min(length, _BLOCK))):
            found.update(data)
            length -= len(data)
    return found.digest()


def _seal(path: Path) -> None:
    """Put the SHA-256 of the database behind it, where SQLite does not look."""
    seal = _digest(path, path.stat().st_size)
    with path.open("ab") as file:
        file.write(seal)


def _attach_earlier(db: sqlite3.Connection, index: Path) -> None:
    """Attach the ledger that is there as ``old``; one that is damaged is begun anew."""
    with suppress(CorruptIndexError):
        verify(index)
        if _is_there(index):
            db.execute("ATTACH ? AS old", (_uri(index / NAME),))
            return
    db.execute("ATTACH ':memory:' AS old")
    db.execute("CREATE TABLE old.files (path, state, reason, since)")


@contextmanager
def _writing(index: Path) -> Iterator[sqlite3.Connection]:
    """Write a new ledger, which takes the place of the old one once the block has ended.

    Raises:
        BuildError: the disk does not take it.
    """
    draft = index / f".{NAME}"
    draft.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(draft.resolve().as_uri(), uri=True, isolation_level=None)) as db:
            db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}")
            yield db
    except sqlite3.DatabaseError as error:
        raise BuildError(f"{draft} cannot be written: {error}") from error
    _seal(draft)
    generation.put_in_place(draft, index / NAME)


@contextmanager
def _reading(index: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(_uri(index / NAME), uri=True)) as db:
            (format_,) = db.execute("SELECT format FROM facts").fetchone()
            if format_ != FORMAT:
                raise CorruptIndexError(_not_whole(index, f"it has format {format_!r}"))
            yield db
    except (sqlite3.DatabaseError, TypeError, ValueError) as error:
        raise CorruptIndexError(_not_whole(index, str(error))) from error


def _is_there(index: Path) -> bool:
    return os.path.lexists(index / NAME)


def _not_whole(index: Path, why: str) -> str:
    return f"{index / NAME} cannot be used ({why}): run `qa index` to write it anew"


def _uri(path: Path) -> str:
    return f"{path.resolve().as_uri()}?mode=ro&immutable=1"
