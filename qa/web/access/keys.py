"""Access keys: each is created once, shown once, and stored only as its hash.

The service fails closed. If a file of keys exists, even an empty or damaged one, a key is needed. If the file
has disappeared, the lock file beside it shows that it existed. All processes of a service share what one of
them has seen, including processes that start later.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from qa import files
from qa.errors import QAError, ReadError, SettingsError

_PREFIX = "qa_"
"""Lets scanners for leaked secrets recognize a key."""

_BYTES = 32
"""Random bytes of a key: 256 bits cannot be guessed."""

_MAX_BYTES = 2**22
"""The largest file of keys that is read: about twenty thousand keys."""

_SETTLED_NS = 10**9
"""Age of a change, in nanoseconds, beyond which the next change is sure to get another time stamp.

File systems store times in steps of up to a second.
"""


@dataclass(frozen=True, slots=True)
class Key:
    """What is stored of a key: its name, its SHA-256 in hex, and when it was created (ISO time, UTC)."""

    id: str
    name: str
    sha256: str
    created: str

    def __post_init__(self) -> None:
        if not all(isinstance(getattr(self, field.name), str) for field in fields(self)):
            raise TypeError("every field of a key must be text")


class _Snapshot(NamedTuple):
    """The file when it was last read: whether it exists, its keys by hash, and its state.

    An empty state means that the file must be read again even if it looks unchanged.
    """

    exists: bool = False
    keys: Mapping[str, Key] = MappingProxyType({})
    state: files.Stamp = ()


class Keys:
    """The file of keys. Threads and processes may share it; a change takes effect with the next request.

    You can pass it to processes as they start: all of them then know what one of them has seen.
    """

    def __init__(self, path: Path, *, insecure: bool = False) -> None:
        """Open a file of keys, which need not exist.

        Args:
            path: the file.
            insecure: treat a file that has already disappeared as one that never existed.
        """
        self._path = path
        self._insecure = insecure
        self._closed = multiprocessing.get_context("spawn").RawValue("b", 0)
        self._snapshot = _Snapshot()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"_path": self._path, "_insecure": self._insecure, "_closed": self._closed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _snapshot=_Snapshot(), _lock=threading.Lock())

    @property
    def needed(self) -> bool:
        """Whether a request needs a key: a file of keys exists, or existed."""
        self._refresh()
        return bool(self._closed.value)

    def find(self, secret: str) -> Key | None:
        """Return the key with this secret, or None."""
        self._refresh()
        # A plain hash is safe for 256 random bits, and the time of the lookup reveals nothing about them.
        return self._snapshot.keys.get(hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest())

    def all(self) -> tuple[Key, ...]:
        """Return the keys, the oldest first.

        Raises:
            SettingsError: the file cannot be read.
        """
        content = _content(self._path)
        return _parsed(self._path, content[0]) if content else ()

    def create(self, name: str) -> str:
        """Create a key and return its secret, which is not stored and cannot be shown again.

        Raises:
            SettingsError: the name is empty, or the file cannot be read.
            QAError: the file cannot be written.
        """
        if not name.strip():
            raise SettingsError("a key needs a name that says who it is for")
        secret = _PREFIX + secrets.token_urlsafe(_BYTES)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        key = Key(secrets.token_hex(4), name, hashlib.sha256(secret.encode()).hexdigest(), created)
        with _changing(self._path):
            _write(self._path, (*self.all(), key))
        return secret

    def revoke(self, key_id: str) -> Key:
        """Remove a key. The file stays after its last key is removed: every request is refused then.

        Raises:
            SettingsError: no key has this id, or the file cannot be read.
            QAError: the file cannot be written.
        """
        if not any(key.id == key_id for key in self.all()):
            raise SettingsError(f"no key has the id {key_id!r}")
        with _changing(self._path):
            keys = {key.id: key for key in self.all()}
            revoked = keys.pop(key_id, None)
            if not revoked:  # another process was faster
                raise SettingsError(f"no key has the id {key_id!r}")
            _write(self._path, tuple(keys.values()))
        return revoked

    def _refresh(self) -> None:
        """Read the file again if it has changed."""
        try:
            state = files.stamp(self._path.stat())
        except OSError:
            state = ()
        if state and state == self._snapshot.state:
            return
        with self._lock:
            self._snapshot = _take_snapshot(self._path)
        if self._snapshot.exists or (not self._insecure and was_there(self._path)):
            self._closed.value = True


def was_there(path: Path) -> bool:
    """Whether a file of keys was ever written: its lock file stays."""
    return os.path.lexists(_lock_of(path))


def _take_snapshot(path: Path) -> _Snapshot:
    """Read the file. One that cannot be read counts as a file without keys."""
    try:
        content = _content(path)
    except SettingsError:
        return _Snapshot(exists=True)
    if content is None:
        return _Snapshot()
    data, state = content
    try:
        keys = {key.sha256: key for key in _parsed(path, data)}
    except SettingsError:
        keys = {}
    return _Snapshot(exists=True, keys=keys, state=state)


def _content(path: Path) -> tuple[bytes, files.Stamp] | None:
    """Return the bytes of a file of keys and its state; None if the file does not exist.

    Raises:
        SettingsError: the file exists, but cannot be read.
    """
    try:
        with files.open_regular(path) as file:
            status = os.fstat(file.fileno())
            data = file.read(_MAX_BYTES + 1)
    except ReadError as error:
        raise SettingsError(f"the keys in {path} cannot be read: {error}") from error
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            return None
        raise SettingsError(f"the keys in {path} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise SettingsError(
            f"the keys in {path} cannot be read: the file has more than {_MAX_BYTES >> 20} MiB"
        )
    return data, files.stamp(status) if time.time_ns() - status.st_ctime_ns > _SETTLED_NS else ()


def _parsed(path: Path, data: bytes) -> tuple[Key, ...]:
    try:
        return tuple(Key(**fields_) for fields_ in json.loads(data)["keys"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SettingsError(f"the keys in {path} cannot be read: {error}") from error


def _write(path: Path, keys: tuple[Key, ...]) -> None:
    """Replace the file by one that its owner alone can read; a link stays a link.

    A revoked key stays revoked after a power cut.
    """
    content = json.dumps({"keys": [asdict(key) for key in keys]}, indent=1)
    files.replace_file(Path(os.path.realpath(path)), content, mode=0o600)


def _lock_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """Let one process at a time change the file."""
    try:
        with _lock_of(path).open("a") as lock:
            files.lock(lock)
            yield
    except OSError as error:
        raise QAError(f"the keys in {path} cannot be changed: {error.strerror}") from error
