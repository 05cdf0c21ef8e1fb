"""Every file ever seen in the documents folder, and what became of it: ``index/ledger.sqlite``.

Each build writes a new ledger and replaces the old one in one step, so it is complete at any instant and no
reader waits. It is not part of a generation: a new picture in the folder is no reason for a new generation.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Literal, get_args

from qa import files, readers
from qa.errors import BuildError, CorruptIndexError
from qa.index import generation
from qa.index.filters import add_functions
from qa.text.folding import fold
from qa.types import ReadFailure

NAME = "ledger.sqlite"
FORMAT = 1

NAMED_PARTLY = 10
"""A summary names at most so many files that were read in part. Chosen: more is a list of its own."""

_SEAL = hashlib.sha256().digest_size
_BLOCK = 1 << 20  # bytes read at a time

State = Literal["indexed", "partly", "failed", "skipped", "gone"]
"""``partly``: indexed, except for some of it, or with a note. ``skipped``: hidden, or of a kind not read.
``gone``: no longer in the folder."""

STATES: tuple[State, ...] = get_args(State)

_SCHEMA = """
CREATE TABLE facts (format INTEGER NOT NULL, generation TEXT NOT NULL, checked TEXT NOT NULL) STRICT;
CREATE TABLE files (
    path TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT, since TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE mounts (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE illegible (language TEXT PRIMARY KEY, passages INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_state ON files (state, path);
CREATE TEMP TABLE seen (path TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT) STRICT, WITHOUT ROWID;
"""
_REMARKS = """
CREATE TEMP TABLE remarks (path TEXT NOT NULL, remark TEXT NOT NULL, count INTEGER NOT NULL) STRICT;
INSERT INTO remarks
    SELECT path, coalesce(member || ' ', '') || coalesce('row ' || row || ' ', '') || reason, count
    FROM store.failures ORDER BY rowid;
INSERT INTO remarks SELECT d.file, coalesce(d.member || ': ', '') || note.value, 1
    FROM store.documents d, json_each(d.notes) note
    ORDER BY d.number;
CREATE INDEX remarks_by_path ON remarks (path);
"""
_SEEN = """
INSERT INTO seen
WITH noted AS (SELECT path, min(rowid) AS first, sum(count) AS remarks FROM remarks GROUP BY path),
    named AS (
        SELECT path FROM store.files UNION SELECT path FROM noted UNION SELECT file FROM store.documents
    )
SELECT named.path,
    CASE WHEN NOT EXISTS (SELECT 1 FROM store.documents d WHERE d.file = named.path) THEN 'failed'
         WHEN remarks > 0 THEN 'partly' ELSE 'indexed' END,
    r.remark || CASE WHEN remarks > 1 THEN ' (and ' || (remarks - 1) || ' more)' ELSE '' END
FROM named LEFT JOIN noted ON noted.path = named.path LEFT JOIN remarks r ON r.rowid = noted.first
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
    """How many files there are of each state, in which generation, and when that was checked.

    ``left_out`` counts the files of kinds that are not read by suffix, the most frequent first; a file
    without one counts under an empty string. ``partly`` are the first paths of those read in part.
    ``illegible`` counts the passages in languages that the model can't read, as ``count_illegible`` does.
    """

    generation: str
    checked: str
    counts: dict[State, int]
    left_out: dict[str, int] = field(default_factory=dict)
    partly: tuple[str, ...] = ()
    illegible: dict[str, int] = field(default_factory=dict)


def write(
    index: Path,
    live: Path,
    skipped: Iterable[ReadFailure],
    mounts: Iterable[str] = (),
    illegible: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Write what the live generation has of each file, what was skipped, and what is gone.

    Args:
        index: the folder of the index, whose lock the caller holds.
        live: the folder of the live generation.
        skipped: what the documents folder holds and the build ignored.
        mounts: folders in it on which another file system is mounted.
        illegible: numbers of passages in languages that the model can't read.

    Raises:
        BuildError: the ledger cannot be written.
    """
    with _writing(index) as db:
        _attach_earlier(db, index)
        db.execute("ATTACH ? AS store", (_uri(live / generation.STORE),))
        db.execute("BEGIN")
        _fill(db, live.name, skipped)
        db.executemany("INSERT INTO mounts VALUES (?)", ((path,) for path in mounts))
        db.executemany("INSERT INTO illegible VALUES (?, ?)", illegible.items())
        db.execute("COMMIT")


def forget(index: Path, is_forgotten: Callable[[str], bool]) -> None:
    """Remove files from the ledger, as if they had never been there. A damaged ledger is removed.

    Args:
        index: the folder of the index, whose lock the caller holds.
        is_forgotten: whether to remove a path.

    Raises:
        BuildError: the ledger cannot be written.
    """
    try:
        verify(index)
        listed, mounted = entries(index), mounts(index)
        known = summary(index)
    except CorruptIndexError:
        known = None
    if known is None:
        for name in (NAME, f".{NAME}"):
            (index / name).unlink(missing_ok=True)
        return
    # Written anew: what is deleted from a database stays in its free pages.
    with _writing(index) as db:
        db.execute("BEGIN")
        db.execute("INSERT INTO facts VALUES (?, ?, ?)", (FORMAT, known.generation, known.checked))
        kept = (astuple(entry) for entry in listed if not is_forgotten(entry.path))
        db.executemany("INSERT INTO files VALUES (?, ?, ?, ?)", kept)
        db.executemany(
            "INSERT INTO mounts VALUES (?)", ((path,) for path in mounted if not is_forgotten(path))
        )
        db.executemany("INSERT INTO illegible VALUES (?, ?)", known.illegible.items())
        db.execute("COMMIT")


def summary(index: Path) -> Summary | None:
    """Return the numbers of files by state; None if there is no ledger.

    Raises:
        CorruptIndexError: the ledger cannot be read.
    """
    if not _is_there(index):
        return None
    with _reading(index) as db:
        name, checked = db.execute("SELECT generation, checked FROM facts").fetchone()
        counts = dict(db.execute("SELECT state, count(*) FROM files GROUP BY state").fetchall())
        partly = db.execute(
            "SELECT path FROM files WHERE state = 'partly' ORDER BY path LIMIT ?", (NAMED_PARTLY,)
        )
        return Summary(
            name,
            checked,
            {state: counts.get(state, 0) for state in STATES},
            _left_out(db),
            tuple(path for (path,) in partly),
            _illegible(db) or {},
        )


def _left_out(db: sqlite3.Connection) -> dict[str, int]:
    """Count the files of kinds that are not read by suffix, the most frequent first."""
    rows = db.execute("SELECT path FROM files WHERE state = 'skipped' AND reason = ?", (readers.NOT_READ,))
    counted = Counter(PurePosixPath(path).suffix.lower() for (path,) in rows)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _illegible(db: sqlite3.Connection) -> dict[str, int] | None:
    if not _has(db, "illegible"):
        return None
    return dict(db.execute("SELECT language, passages FROM illegible ORDER BY passages DESC, language"))


def illegible(index: Path, name: str) -> dict[str, int] | None:
    """Return the numbers of a generation's passages that the model can't read; None if they are not known."""
    if not _is_there(index):
        return None
    try:
        with _reading(index) as db:
            (of,) = db.execute("SELECT generation FROM facts").fetchone()
            return _illegible(db) if of == name else None
    except CorruptIndexError:
        return None


def entries(index: Path, state: State | None = None, *, limit: int = -1, offset: int = 0) -> list[Entry]:
    """Return files by path, all or those of one state; a limit of -1 is none. Raises as ``summary`` does."""
    if not _is_there(index):
        return []
    where = "WHERE state = ?" if state else ""
    with _reading(index) as db:
        rows = db.execute(
            f"SELECT path, state, reason, since FROM files {where} ORDER BY path LIMIT ? OFFSET ?",
            ([state] if state else []) + [limit, offset],
        )
        return [Entry(*row) for row in rows]


def entry(index: Path, path: str) -> tuple[Entry | None, str]:
    """Return what became of a file, and when the folder was last looked at (ISO time, UTC; empty if never).

    Raises as ``summary`` does.
    """
    if not _is_there(index):
        return None, ""
    with _reading(index) as db:
        (checked,) = db.execute("SELECT checked FROM facts").fetchone()
        row = db.execute("SELECT path, state, reason, since FROM files WHERE path = ?", (path,)).fetchone()
        return (Entry(*row) if row else None), checked


def find(index: Path, state: State, text: str, *, limit: int, offset: int) -> tuple[int, list[Entry]]:
    """Return how many files of a state have all words of a text in their paths, and some of them, by path.

    Case doesn't matter. Raises as ``summary`` does.
    """
    if not _is_there(index):
        return 0, []
    words = fold(text).split()
    where = " AND ".join(["state = ?", *["instr(fold(path), ?) > 0"] * len(words)])
    with _reading(index) as db:
        add_functions(db)
        (total,) = db.execute(f"SELECT count(*) FROM files WHERE {where}", [state, *words]).fetchone()
        rows = db.execute(
            f"SELECT path, state, reason, since FROM files WHERE {where} ORDER BY path LIMIT ? OFFSET ?",
            [state, *words, limit, offset],
        )
        return total, [Entry(*row) for row in rows]


def mounts(index: Path) -> list[str]:
    """Return the folders on which another file system was mounted; none if the ledger cannot be read."""
    if not _is_there(index):
        return []
    try:
        with _reading(index) as db:
            if not _has(db, "mounts"):
                return []
            return [row[0] for row in db.execute("SELECT path FROM mounts ORDER BY path")]
    except CorruptIndexError:
        return []


def verify(index: Path) -> None:
    """Check that the ledger, if there is one, is what was written.

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


def _has(db: sqlite3.Connection, table: str) -> bool:
    """Whether the ledger has a table: those that older versions wrote lack some."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None


def _fill(db: sqlite3.Connection, name: str, skipped: Iterable[ReadFailure]) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for statement in _REMARKS.split(";"):  # a script would end the transaction
        db.execute(statement)
    db.execute(_SEEN)
    rows = ((failure.path, failure.reason) for failure in skipped)
    db.executemany("INSERT OR IGNORE INTO seen VALUES (?, 'skipped', ?)", rows)
    db.execute(_FILES, {"now": now})
    db.execute(_GONE, {"now": now})
    db.execute("INSERT INTO facts VALUES (?, ?, ?)", (FORMAT, name, now))


def _digest(path: Path, length: int) -> bytes:
    """Return the SHA-256 of a file's first bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while length > 0 and (data := file.read(min(length, _BLOCK))):
            digest.update(data)
            length -= len(data)
    return digest.digest()


def _seal(path: Path) -> None:
    """Append the SHA-256 of the database to its file, where SQLite does not look."""
    seal = _digest(path, path.stat().st_size)
    with path.open("ab") as file:
        file.write(seal)


def _attach_earlier(db: sqlite3.Connection, index: Path) -> None:
    """Attach the ledger that is there as ``old``; an empty one if it is damaged."""
    with suppress(CorruptIndexError):
        verify(index)
        if _is_there(index):
            db.execute("ATTACH ? AS old", (_uri(index / NAME),))
            return
    db.execute("ATTACH ':memory:' AS old")
    db.execute("CREATE TABLE old.files (path, state, reason, since)")


@contextmanager
def _writing(index: Path) -> Iterator[sqlite3.Connection]:
    """Write a new ledger, which replaces the old one once the block has ended.

    Raises:
        BuildError: the ledger cannot be written.
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
    files.put_in_place(draft, index / NAME)


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
    return f"{index / NAME} cannot be used ({why}): run `qa index` to recreate it"


def _uri(path: Path) -> str:
    return f"{path.resolve().as_uri()}?mode=ro&immutable=1"
