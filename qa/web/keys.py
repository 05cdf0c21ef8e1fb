"""Keys to the service: made once, shown once, and kept as their hashes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from qa.contracts import QAError, SettingsError

_PREFIX = "qa_"
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Key:
    """A key without itself: its name, its SHA-256 in hex, and when it was made (ISO time, UTC)."""

    id: str
    name: str
    sha256: str
    created: str


class Keys:
    """The file of keys. Threads and processes may share it; a change counts from the next request on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._state: tuple[int, ...] = ()
        self._known: Mapping[str, Key] = {}
        self._ever = False

    @property
    def needed(self) -> bool:
        """Tell whether there is a key, or was one since this was made: a file that vanishes opens no door."""
        self._refresh()
        return self._ever

    def named(self, given: str) -> Key | None:
        """Find the key that was given, if it is one."""
        self._refresh()
        # Of so many random bits a hash tells nothing, nor does the time that it takes to look it up.
        return self._known.get(hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest())

    def all(self) -> tuple[Key, ...]:
        """List the keys, the oldest first.

        Raises:
            SettingsError: the file cannot be read.
        """
        return _read(self._path)

    def create(self, name: str) -> str:
        """Make a key and give it: it is not kept, and cannot be had again.

        Raises:
            SettingsError: the file cannot be read.
            QAError: it cannot be written.
        """
        given = _PREFIX + secrets.token_urlsafe(_BYTES)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        key = Key(secrets.token_hex(4), name, hashlib.sha256(given.encode()).hexdigest(), created)
        with _changing(self._path):
            _write(self._path, (*_read(self._path), key))
        return given

    def revoke(self, key_id: str) -> Key:
        """Remove a key.

        Raises:
            SettingsError: there is none of this id, or the file cannot be read.
            QAError: it cannot be written.
        """
        with _changing(self._path):
            keys = _read(self._path)
            found = next((key for key in keys if key.id == key_id), None)
            if not found:
                raise SettingsError(f"no key has the id {key_id!r}")
            _write(self._path, tuple(key for key in keys if key is not found))
        return found

    def _refresh(self) -> None:
        """Take in what has changed. A file that cannot be read holds no key."""
        try:
            found = self._path.stat()
            state: tuple[int, ...] = (found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:
            state = ()
        if state == self._state:
            return
        with self._lock:
            try:
                self._known = {key.sha256: key for key in _read(self._path)}
                self._ever = self._ever or bool(self._known)
            except SettingsError:
                self._known, self._ever = {}, True
            self._state = state


def _read(path: Path) -> tuple[Key, ...]:
    try:
        return tuple(Key(**one) for one in json.loads(path.read_bytes())["keys"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SettingsError(f"the keys in {path} cannot be read: {error}") from error


def _write(path: Path, keys: tuple[Key, ...]) -> None:
    """Put a new file in the place of the old one, readable by its owner alone."""
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"keys": [asdict(key) for key in keys]}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """Let one process at a time change the file."""
    try:
        with path.with_name(f".{path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise QAError(f"the keys in {path} cannot be changed: {error.strerror}") from error
