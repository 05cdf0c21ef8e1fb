"""Keys to the service: made once, shown once, and kept as their hashes.

Closed stays closed. Where there is a file of keys, be it empty or damaged, a key is needed. Where it has
vanished, the lock that stays beside it shows that there was one. What one process of a service has seen, all
of them know, and those that are started later.
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
_BYTES = 32

_MOST_BYTES = 2**22
"""The largest file of keys that is read: some twenty thousand keys."""

_SETTLED_NS = 10**9
"""How old a change must be, in nanoseconds, for the next one to have another time: clocks tick."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key without itself: its name, its SHA-256 in hex, and when it was made (ISO time, UTC)."""

    id: str
    name: str
    sha256: str
    created: str

    def __post_init__(self) -> None:
        if not all(isinstance(getattr(self, field.name), str) for field in fields(self)):
            raise TypeError("what a key has is text")


class _Seen(NamedTuple):
    """What was seen of the file: whether anything is there, its keys by hash, and its state.

    The state is empty where the file must be read again though it looks the same.
    """

    is_there: bool = False
    keys: Mapping[str, Key] = MappingProxyType({})
    state: files.Stamp = ()


class Keys:
    """The file of keys. Threads and processes may share it; a change counts from the next request on.

    It can be handed to processes while they are started: what one of them has seen, all of them know.
    """

    def __init__(self, path: Path, *, insecure: bool = False) -> None:
        """Look after a file of keys, which need not be there.

        Args:
            path: of the file.
            insecure: take a file that has vanished before now for one that never was.
        """
        self._path = path
        self._insecure = insecure
        self._closed = multiprocessing.get_context("spawn").RawValue("b", 0)
        self._seen = _Seen()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"_path": self._path, "_insecure": self._insecure, "_closed": self._closed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _seen=_Seen(), _lock=threading.Lock())

    @property
    def needed(self) -> bool:
        """Whether a key is needed: there is a file of keys, or there was one."""
        self._refresh()
        return bool(self._closed.value)

    def named(self, given: str) -> Key | None:
        """Find the key that was given, if it is one."""
        self._refresh()
        # Of so many random bits a hash tells nothing, nor does the time that it takes to look it up.
        return self._seen.keys.get(hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest())

    def all(self) -> tuple[Key, ...]:
        """List the keys, the oldest first.

        Raises:
            SettingsError: the file cannot be read.
        """
        content = _content(self._path)
        return _parsed(self._path, content[0]) if content else ()

    def create(self, name: str) -> str:
        """Make a key and give it: it is not kept, and cannot be had again.

        Raises:
            SettingsError: the name is empty, or the file cannot be read.
            QAError: it cannot be written.
        """
        if not name.strip():
            raise SettingsError("a key needs a name: say who it is for")
        given = _PREFIX + secrets.token_urlsafe(_BYTES)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        key = Key(secrets.token_hex(4), name, hashlib.sha256(given.encode()).hexdigest(), created)
        with _changing(self._path):
            _write(self._path, (*self.all(), key))
        return given

    def revoke(self, key_id: str) -> Key:
        """Remove a key. The file stays when its last key goes: nobody may ask then.

        Raises:
            SettingsError: there is none of this id, or the file cannot be read.
            QAError: it cannot be written.
        """
        if not any(key.id == key_id for key in self.all()):
            raise SettingsError(f"no key has the id {key_id!r}")
        with _changing(self._path):
            keys = {key.id: key for key in self.all()}
            revoked = keys.pop(key_id, None)
            if not revoked:  # somebody else was faster
                raise SettingsError(f"no key has the id {key_id!r}")
            _write(self._path, tuple(keys.values()))
        return revoked

    def _refresh(self) -> None:
        """Take in what has changed."""
        try:
            state = files.stamp(self._path.stat())
        except OSError:
            state = ()
        if state and state == self._seen.state:
            return
        with self._lock:
            self._seen = _look(self._path)
        if self._seen.is_there or (not self._insecure and was_there(self._path)):
            self._closed.value = True


def was_there(path: Path) -> bool:
    """Whether a file of keys has been written: the lock stays beside it."""
    return os.path.lexists(_lock_of(path))


def _look(path: Path) -> _Seen:
    """See what there is. A file that cannot be read holds no key."""
    try:
        content = _content(path)
    except SettingsError:
        return _Seen(is_there=True)
    if content is None:
        return _Seen()
    data, state = content
    try:
        keys = {key.sha256: key for key in _parsed(path, data)}
    except SettingsError:
        keys = {}
    return _Seen(is_there=True, keys=keys, state=state)


def _content(path: Path) -> tuple[bytes, files.Stamp] | None:
    """Read a file of keys, and its state; None where there is none.

    Raises:
        SettingsError: it is there, but cannot be read.
    """
    try:
        with files.open_regular(path) as file:
            status = os.fstat(file.fileno())
            data = file.read(_MOST_BYTES + 1)
    except ReadError as error:
        raise SettingsError(f"the keys in {path} cannot be read: {error}") from error
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            return None
        raise SettingsError(f"the keys in {path} cannot be read: {error.strerror}") from error
    if len(data) > _MOST_BYTES:
        raise SettingsError(f"the keys in {path} cannot be read: it has more than {_MOST_BYTES >> 20} MiB")
    return data, files.stamp(status) if time.time_ns() - status.st_ctime_ns > _SETTLED_NS else ()


def _parsed(path: Path, data: bytes) -> tuple[Key, ...]:
    try:
        return tuple(Key(**one) for one in json.loads(data)["keys"])
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
