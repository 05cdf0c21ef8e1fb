"""A copy of the index in one file: consistent, whatever is built meanwhile, and checked after it is written.

It is a tar archive to be unpacked into the folder of an index. The file that names the live generation is the
last one: an archive that was cut short makes no index.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from qa import files
from qa.config import Settings
from qa.errors import CorruptIndexError, QAError, SettingsError
from qa.index import calibration_file, generation
from qa.index.generation import Lease
from qa.index.manifest import MANIFEST, Manifest
from qa.indexing import ledger

BESIDE = "beside"
"""The folder in the archive for what is kept outside the folder of the index: judgements and keys."""

_BLOCK = 1 << 20  # bytes read at a time


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written: where, which generation, how many files and bytes, and whether keys are in it."""

    path: str
    generation: str
    files: int
    bytes: int
    keys: bool


def write(
    settings: Settings,
    path: Path,
    *,
    keys: bool = False,
    overwrite: bool = False,
    more: Sequence[str] = (),
) -> Backup:
    """Write the live generation, ledger, calibration and judgements into a file that only its owner can read.

    Args:
        settings: where they are.
        path: the path of the file.
        keys: include the keys of the service.
        more: the names of further files in the folder of the index, read in this order.
        overwrite: replace an existing file.

    Raises:
        SettingsError: the file exists, is in the index or not a regular file, or its folder does not exist.
        IndexUnavailableError: there is no index, or it is damaged.
        QAError: the file cannot be written, or is damaged after writing.
    """
    _check_place(settings.index, path, overwrite=overwrite)
    folder, lease = _leased(settings.index)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        written = _write(draft, folder, _files_beside(settings, more, keys=keys))
        _check(draft, written)
        files.put_in_place(draft, path)
    except OSError as error:
        raise QAError(f"{path} cannot be written: {error}") from error
    finally:
        draft.unlink(missing_ok=True)
        del lease
    size = path.stat().st_size
    return Backup(str(path), folder.name, len(written), size, keys and settings.keys.exists())


def _check_place(index: Path, path: Path, *, overwrite: bool) -> None:
    """Raise SettingsError if a backup would replace something else, or has no folder to be written in."""
    if not path.absolute().parent.is_dir():
        raise SettingsError(f"{path} cannot be written: its folder does not exist")
    if path.resolve().is_relative_to(index.resolve()):
        raise SettingsError(f"{path} is in the folder of the index: name a file outside it")
    if not os.path.lexists(path):
        return
    if not path.is_file():  # replacing a device would break more than the backup
        raise SettingsError(f"{path} exists and is not a regular file: name another one")
    if not overwrite:
        raise SettingsError(f"{path} already exists: name another file, or use --overwrite")


def _leased(index: Path) -> tuple[Path, Lease]:
    """Return the live generation's folder, and a lease that keeps it from being removed."""
    while True:
        folder = generation.current(index)
        try:
            return folder, Lease(folder)
        except CorruptIndexError:
            if folder == generation.current(index):
                raise  # no other generation has been published meanwhile


def _files_beside(settings: Settings, more: Sequence[str], *, keys: bool) -> dict[str, Path]:
    """Return the paths of the existing files beside the generation, by their names in the archive."""
    paths = {name: settings.index / name for name in (calibration_file.NAME, ledger.NAME, *more)}
    if settings.judgements:
        paths[f"{BESIDE}/{settings.judgements.name}"] = settings.judgements
    if keys:
        paths[f"{BESIDE}/{settings.keys.name}"] = settings.keys
    return {name: path for name, path in paths.items() if path.is_file()}


def _write(draft: Path, folder: Path, others: dict[str, Path]) -> dict[str, str]:
    """Write the archive; return the SHA-256 that each file in it must have."""
    manifest = Manifest.read(folder)
    place = f"{generation.GENERATIONS}/{folder.name}"
    expected = {f"{place}/{name}": str(facts["sha256"]) for name, facts in manifest.files.items()}
    paths = {f"{place}/{name}": folder / name for name in (*manifest.files, MANIFEST)} | others
    with (
        os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output,
        tarfile.open(fileobj=output, mode="w") as archive,
    ):
        read = {name: _add(archive, name, path) for name, path in paths.items()}
        pointer = f"{folder.name}\n".encode()
        entry = tarfile.TarInfo(generation.POINTER)
        entry.size, entry.mode = len(pointer), 0o600
        entry.mtime = int((folder.parent.parent / generation.POINTER).stat().st_mtime)
        archive.addfile(entry, io.BytesIO(pointer))
        read[generation.POINTER] = hashlib.sha256(pointer).hexdigest()
    return read | expected


def _add(archive: tarfile.TarFile, name: str, path: Path) -> str:
    """Add a file to the archive; return the SHA-256 of what was read."""
    with path.open("rb") as file:
        files.lock(file, shared=True)  # a judgement that is being added is finished first
        entry = archive.gettarinfo(arcname=name, fileobj=file)
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mode = 0o600
        hashing = _Hashing(file)
        archive.addfile(entry, hashing)
    return hashing.digest.hexdigest()


class _Hashing(io.RawIOBase):
    """Reads a file, and hashes what it reads."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


def _check(draft: Path, expected: dict[str, str]) -> None:
    """Read the archive again, as in restoring it, and compare every file with its SHA-256."""
    written = dict(_digests(draft))
    for name, digest in expected.items():
        if written.get(name) != digest:
            raise QAError(f"{name} is not what was written: run `qa verify`, and make the backup again")


def _digests(path: Path) -> Iterator[tuple[str, str]]:
    with tarfile.open(path, "r:") as archive:
        for entry in archive:
            digest = hashlib.sha256()
            file = archive.extractfile(entry)
            while file and (data := file.read(_BLOCK)):
                digest.update(data)
            yield entry.name, digest.hexdigest()
