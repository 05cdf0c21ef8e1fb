"""The documents folder: which files are there, and their content."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from qa import readers
from qa.contracts import BuildError, DocumentsGoneError, ReadError, ReadFailure, SourceFile

_DECIDED = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG}
    | {errno.ENXIO}  # a socket
)
"""Errors by which a file is gone, is no file, or is kept from us. After any other it may be as it was."""

_Kind = Literal["file", "skipped", "failed", "mount"]


class Scan(NamedTuple):
    """What is in a documents folder, each by path.

    Attributes:
        files: what can be read.
        failures: what cannot.
        skipped: what is passed over.
        out_of_reach: files and folders among the failures that an error of the disk or the network hides.
        mounts: folders on which another file system is mounted.
    """

    files: list[SourceFile]
    failures: list[ReadFailure]
    skipped: list[ReadFailure]
    out_of_reach: list[str]
    mounts: list[str]


@dataclass(frozen=True, slots=True)
class Folder:
    """A documents folder. Only regular files in it that are no larger than ``max_bytes`` are read.

    ``own`` are absolute paths of files and folders that qa itself writes: they are passed over.
    """

    root: Path
    max_bytes: int
    own: Collection[Path] = ()

    def scan(self) -> Scan:
        """Find every file. A folder that cannot be listed is a failure of its own.

        Raises:
            DocumentsGoneError: the folder is not there.
            BuildError: it cannot be listed.
        """
        if not self.root.is_dir():
            raise DocumentsGoneError(f"the documents folder {self.root} is not there")
        scan = Scan([], [], [], [], [])
        for entry in sorted(self._walk()):
            self._add(scan, entry)
        return scan

    def _add(self, scan: Scan, entry: _Entry) -> None:
        path = _printable(entry.path)
        match entry.kind:
            case "mount":
                scan.mounts.append(path)
            case "skipped":
                scan.skipped.append(ReadFailure(path, entry.reason))
            case "failed":
                scan.failures.append(ReadFailure(path, entry.reason))
                scan.out_of_reach.extend([path] if entry.passing else [])
            case "file":
                try:
                    scan.files.append(self._scan_one(entry.path))
                except ReadError as error:
                    self._add(scan, _Entry(entry.path, "failed", str(error), _is_passing(error)))

    def read(self, path: str) -> bytes:
        """Give a file's bytes.

        Raises:
            ReadError: it is not a regular file inside the folder, is too large or cannot be read.
        """
        with self._open(path) as file:
            data = file.read(self.max_bytes + 1)
        if len(data) > self.max_bytes:  # it has grown meanwhile
            raise ReadError(self._too_large())
        return data

    @contextmanager
    def _open(self, path: str) -> Iterator[BufferedReader]:
        place = self.root / path
        try:
            if place.is_symlink() and place.is_dir():
                raise ReadError("is a link to a folder: links to folders are not followed")
            target = place.resolve(strict=True)
            if not target.is_relative_to(self.root.resolve()):
                raise ReadError("is a link to a place outside of the documents folder")
            # To open a FIFO must not wait for a writer.
            with open(target, "rb", opener=_without_waiting) as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise ReadError("is not a regular file")
                if found.st_size > self.max_bytes:
                    raise ReadError(self._too_large())
                yield file
        except (OSError, RuntimeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ReadError(f"cannot be opened: {reason}") from error

    def _too_large(self) -> str:
        return f"has more than {self.max_bytes // 2**20} MB, which is the limit (max_file_mb)"

    def read_as_scanned(self, file: SourceFile) -> tuple[bytes, bytes | None]:
        """Give the bytes of a file and of its sidecar, None where it has none.

        Raises:
            ReadError: either cannot be read, or is not what ``scan`` saw.
        """
        data, sidecar = self.read(file.path), self._sidecar(file.path)
        if _described(file.path, _sha256(data), sidecar) != file:
            raise ReadError("has changed while the index was being built: run `qa index` again")
        return data, sidecar

    def _sidecar(self, path: str) -> bytes | None:
        sidecar = readers.sidecar_of(Path(path)).as_posix()
        if not os.path.lexists(self.root / sidecar):
            return None
        try:
            return self.read(sidecar)
        except ReadError as error:
            raise ReadError(f"has the sidecar {sidecar}, which {error}") from error

    def _scan_one(self, path: str) -> SourceFile:
        if path != _printable(path):
            raise ReadError("has a name that is not UTF-8: rename it")
        with self._open(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return _described(path, digest, self._sidecar(path))

    def _walk(self) -> Iterator[_Entry]:
        """Give every file, every link to a folder, and every folder that is hidden, ours or cannot be listed.

        Without recursion, for folders nest as deep as names go.
        """
        waiting, root = [""], self.root.resolve()
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(self.root / folder) as entries:
                    found = list(entries)
            except OSError as error:
                if not folder:
                    raise BuildError(f"{self.root} cannot be listed: {error.strerror}") from error
                yield _Entry(folder, "failed", f"cannot be listed: {error.strerror}", _is_passing(error))
                continue
            if folder and os.path.ismount(self.root / folder):
                yield _Entry(folder, "mount")
            names = {entry.name for entry in found}
            for entry in found:
                path = f"{folder}/{entry.name}".lstrip("/")
                if root / path in self.own:
                    yield _Entry(path, "skipped", "is written by qa itself")
                elif entry.is_dir(follow_symlinks=False) and not _is_hidden(entry):
                    waiting.append(path)
                elif not (readers.is_sidecar(Path(path)) and readers.described_by(Path(path)).name in names):
                    reason = _why_skipped(entry)
                    yield _Entry(path, "skipped" if reason else "file", reason)


class _Entry(NamedTuple):
    """A path in the folder, what it is, and why it is passed over or cannot be read.

    ``passing``: it cannot be read because of an error that may pass.
    """

    path: str
    kind: _Kind
    reason: str = ""
    passing: bool = False


def lies_in(path: str, places: Collection[str]) -> bool:
    """Whether a path is one of these, or lies in a folder that is one of these."""
    return path in places or any(str(parent) in places for parent in PurePosixPath(path).parents)


def _is_passing(error: BaseException | None) -> bool:
    """Whether an error tells nothing of the file itself, such as a disk or a network that fails."""
    while isinstance(error, ReadError):
        error = error.__cause__
    return isinstance(error, OSError) and error.errno is not None and error.errno not in _DECIDED


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith(".")


def _why_skipped(entry: os.DirEntry[str]) -> str:
    if _is_hidden(entry):
        return "is hidden: its name begins with a dot"
    if readers.is_sidecar(Path(entry.name)):
        return "describes a file that is not there"
    if not readers.supported(Path(entry.name)) and not entry.is_dir():
        return "is of no kind that can be read"
    return ""


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _described(path: str, digest: str, sidecar: bytes | None) -> SourceFile:
    return SourceFile(path, digest, None if sidecar is None else _sha256(sidecar))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _printable(path: str) -> str:
    """Put bytes of a name that are not UTF-8 as escapes."""
    return path.encode("utf-8", "backslashreplace").decode()
