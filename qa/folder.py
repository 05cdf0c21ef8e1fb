"""The documents folder: which files are there, and their content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qa import readers
from qa.contracts import BuildError, ReadError, ReadFailure, SourceFile


@dataclass(frozen=True, slots=True)
class Folder:
    """A documents folder. Only regular files in it that are no larger than ``max_bytes`` are read."""

    root: Path
    max_bytes: int

    def scan(self) -> tuple[list[SourceFile], list[ReadFailure]]:
        """Find every document, by path, and what cannot be read.

        Raises:
            BuildError: the folder is not there or cannot be listed.
        """
        if not self.root.is_dir():
            raise BuildError(f"the documents folder {self.root} is not there")
        files, failures = [], []
        for path in sorted(self._walk()):
            try:
                files.append(self._scan_one(path))
            except ReadError as error:
                failures.append(ReadFailure(_printable(path), str(error)))
        return files, failures

    def read(self, path: str) -> bytes:
        """Give a file's bytes.

        Raises:
            ReadError: it is not a regular file inside the folder, is too large or cannot be read.
        """
        place = self.root / path
        try:
            if place.is_symlink() and place.is_dir():
                raise ReadError("is a link to a folder: links to folders are not followed")
            if not place.resolve(strict=True).is_relative_to(self.root.resolve()):
                raise ReadError("is a link to a place outside of the documents folder")
            if not place.is_file():
                raise ReadError("is not a regular file")
            if place.stat().st_size > self.max_bytes:
                limit = f"{self.max_bytes // 2**20} MB, which is the limit (max_file_mb)"
                raise ReadError(f"has more than {limit}")
            return place.read_bytes()
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ReadError(f"cannot be opened: {reason}") from error

    def read_as_scanned(self, file: SourceFile) -> tuple[bytes, bytes | None]:
        """Give the bytes of a file and of its sidecar, None where it has none.

        Raises:
            ReadError: either cannot be read, or is not what ``scan`` saw.
        """
        data, sidecar = self.read(file.path), self._sidecar(file.path)
        if _describe(file.path, data, sidecar) != file:
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
        return _describe(path, self.read(path), self._sidecar(path))

    def _walk(self) -> Iterator[str]:
        """Give the path of every file of a kind that can be read, and of every link to a folder."""

        def fail(error: OSError) -> None:
            raise BuildError(f"{error.filename} cannot be listed: {error.strerror}") from error

        for folder, subfolders, names in os.walk(self.root, onerror=fail):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            links = [path for path in map(Path(folder).joinpath, subfolders) if path.is_symlink()]
            files = [
                path
                for path in map(Path(folder).joinpath, names)
                if not path.name.startswith(".") and readers.supported(path)
            ]
            yield from (path.relative_to(self.root).as_posix() for path in [*links, *files])


def _describe(path: str, data: bytes, sidecar: bytes | None) -> SourceFile:
    return SourceFile(path, _sha256(data), None if sidecar is None else _sha256(sidecar))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _printable(path: str) -> str:
    """Put bytes of a name that are not UTF-8 as escapes."""
    return path.encode("utf-8", "backslashreplace").decode()
