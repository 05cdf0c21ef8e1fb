"""The documents folder: which files are in it, and their content."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from qa import drafts, files, readers
from qa.errors import BuildError, DocumentsGoneError, MissingFileError, ReadError
from qa.types import ReadFailure, SourceFile

_CHUNK = 2**20
"""How many bytes are hashed at a time: measured, more is not faster."""

_DECIDED = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG}
    | {errno.ENXIO}  # a socket
)
"""Errors that say that a file is gone, is not a file, or is not ours to read. Any other error may pass."""

_Kind = Literal["file", "skipped", "failed", "mount"]


class Scan(NamedTuple):
    """What is in a documents folder, by path.

    Attributes:
        files: the files that can be read.
        failures: what cannot be read.
        skipped: what is ignored.
        out_of_reach: the files and folders among the failures that a disk or network error hides.
        mounts: the folders on which another file system is mounted.
    """

    files: list[SourceFile]
    failures: list[ReadFailure]
    skipped: list[ReadFailure]
    out_of_reach: list[str]
    mounts: list[str]


@dataclass(frozen=True, slots=True)
class Folder:
    """A documents folder. Only regular files of at most ``max_bytes`` are read.

    ``own`` are the absolute paths of files and folders that qa itself writes: they are ignored.
    """

    root: Path
    max_bytes: int
    own: Collection[Path] = ()

    def scan(self) -> Scan:
        """Find every file. A folder that cannot be listed is a failure of its own.

        Raises:
            DocumentsGoneError: the folder does not exist, or is a file.
            BuildError: it cannot be listed.
        """
        check_is_folder(self.root)
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

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Return a file's bytes, at most ``limit`` of them if it is given.

        Raises:
            MissingFileError: there is no such file.
            ReadError: it is not a regular file inside the folder, is too large or cannot be read.
        """
        with self._open(path) as file:
            data = file.read(self.max_bytes + 1 if limit is None else limit)
        if len(data) > self.max_bytes:  # it has grown meanwhile
            raise ReadError(self._too_large())
        return data

    @contextmanager
    def _open(self, path: str) -> Iterator[BufferedReader]:
        try:
            with files.open_inside(self.root, path) as file:
                if os.fstat(file.fileno()).st_size > self.max_bytes:
                    raise ReadError(self._too_large())
                yield file
        except OSError as error:
            raise ReadError(f"cannot be read: {error.strerror or error}") from error

    def _too_large(self) -> str:
        return f"has more than {self.max_bytes // 2**20} MB, which is the limit (max_file_mb)"

    def read_as_scanned(self, file: SourceFile) -> tuple[bytes, bytes | None]:
        """Return the bytes of a file and of its sidecar, if it has one.

        Raises:
            ReadError: either cannot be read, or is not what ``scan`` saw.
        """
        data, sidecar = self.read(file.path), self._sidecar(file.path)
        if _described(file.path, _sha256(data), sidecar) != file:
            raise ReadError("has changed while the index was being built: run `qa index` again")
        return data, sidecar

    def _sidecar(self, path: str) -> bytes | None:
        sidecar = readers.sidecar_of(Path(path)).as_posix()
        try:
            return self.read(sidecar, readers.MAX_SIDECAR_BYTES + 1)  # the reader refuses a larger one
        except MissingFileError:
            return None
        except ReadError as error:
            if _errno(error) == errno.ENAMETOOLONG:  # no file can have this name
                return None
            raise ReadError(f"has the sidecar {sidecar}, which {error}") from error

    def _scan_one(self, path: str) -> SourceFile:
        if path != _printable(path):
            raise ReadError("has a name that is not UTF-8: rename it")
        with self._open(path) as file:
            digest = self._digest(file)
        return _described(path, digest, self._sidecar(path))

    def _digest(self, file: BufferedReader) -> str:
        """Return the SHA-256 of an open file, which may grow faster than it is read."""
        digest, left = hashlib.sha256(), self.max_bytes
        while data := file.read(_CHUNK):
            left -= len(data)
            if left < 0:
                raise ReadError(self._too_large())
            digest.update(data)
        return digest.hexdigest()

    def _walk(self) -> Iterator[_Entry]:
        """Yield every file and link to a folder, and every folder that is hidden, ours or cannot be listed.

        It does not recurse, as folders can nest deeper than Python can.
        """
        unvisited, root = [""], self.root.resolve()
        while unvisited:
            folder = unvisited.pop()
            try:
                with files.list_inside(self.root, folder) as entries:
                    if folder and os.path.ismount(self.root / folder):
                        yield _Entry(folder, "mount")
                    names = {entry.name for entry in entries}
                    for entry in entries:
                        path = f"{folder}/{entry.name}".lstrip("/")
                        if drafts.is_draft(entry.name):
                            continue
                        if root / path in self.own:
                            yield _Entry(path, "skipped", "is written by qa itself")
                        elif entry.is_dir(follow_symlinks=False) and not _is_hidden(entry):
                            unvisited.append(path)
                        elif not _is_described(entry, names):
                            yield _classify(path, entry)
            except OSError as error:
                if not folder:
                    raise BuildError(f"{self.root} cannot be listed: {error.strerror}") from error
                yield _Entry(folder, "failed", f"cannot be listed: {error.strerror}", _is_passing(error))


class _Entry(NamedTuple):
    """A path in the folder, what it is, and why it is ignored or cannot be read.

    ``passing``: an error that may pass keeps it from being read.
    """

    path: str
    kind: _Kind
    reason: str = ""
    passing: bool = False


def check_is_folder(docs: Path) -> None:
    """Raise DocumentsGoneError if the documents folder does not exist, or is a file."""
    if not docs.is_dir():
        what = "is a file, not a folder" if docs.is_file() else "is not there"
        raise DocumentsGoneError(f"the documents folder {docs} {what}")


def lies_in(path: str, places: Collection[str]) -> bool:
    """Whether a path is one of these places, or lies in one of them."""
    return path in places or any(str(parent) in places for parent in PurePosixPath(path).parents)


def _is_passing(error: BaseException | None) -> bool:
    """Whether an error says nothing about the file itself, such as a failing disk or network."""
    number = _errno(error)
    return number is not None and number not in _DECIDED


def _errno(error: BaseException | None) -> int | None:
    """Return the number of the system error that caused a ReadError, if one did."""
    while isinstance(error, ReadError):
        error = error.__cause__
    return error.errno if isinstance(error, OSError) else None


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    return entry.name.startswith(".")


def _is_described(entry: os.DirEntry[str], names: Collection[str]) -> bool:
    """Whether an entry is the sidecar of a file beside it."""
    return readers.is_sidecar(Path(entry.name)) and readers.described_by(Path(entry.name)).name in names


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a link to a folder. A dangling link is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _classify(path: str, entry: os.DirEntry[str]) -> _Entry:
    if _is_hidden(entry):
        return _Entry(path, "skipped", "is hidden: its name begins with a dot")
    if readers.is_sidecar(Path(entry.name)):
        return _Entry(path, "skipped", "describes a file that is not there")
    if _leads_to_folder(entry):
        return _Entry(path, "failed", "is a link to a folder: links to folders are not followed")
    if not readers.supported(Path(entry.name)):
        return _Entry(path, "skipped", readers.NOT_READ)
    return _Entry(path, "file")


def _described(path: str, digest: str, sidecar: bytes | None) -> SourceFile:
    return SourceFile(path, digest, None if sidecar is None else _sha256(sidecar))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _printable(path: str) -> str:
    """Return a path with the bytes that are not UTF-8 as escapes."""
    return path.encode("utf-8", "backslashreplace").decode()
