"""Vectors of passages that have left the index, kept for a while: what comes back is not embedded anew.

Each file holds the vectors of some passages and their keys, as a NumPy archive, whose parts have checksums.
None of their text is there, but vectors tell something of it: they go after a while, and with `qa forget` at
once.
"""

from __future__ import annotations

import hashlib
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from qa.indexing.incremental import KeptVectors
from qa.indexing.shards import pack, unpack
from qa.types import Float32

_FOLDER = "vector_cache"
_AT_ONCE = 512
"""How many passages a file holds: some 6 MB."""

_MOST_BYTES = 2**30
_MOST_FILES = 2000
"""Every build opens each file."""

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


class VectorCache:
    """What is kept of passages, by their keys."""

    def __init__(self, index: Path, made_with: str, projection: Float32) -> None:
        """Open it. Files that are damaged, or of other vectors, are passed over.

        Args:
            index: the folder of the index.
            made_with: stands for all that shapes vectors beside the passages and the projection.
            projection: of the tokens' vectors.
        """
        shaped_by = made_with.encode() + np.ascontiguousarray(projection).tobytes()
        self._source = hashlib.sha256(shaped_by).hexdigest()
        self._folder = index / _FOLDER
        self._unpacked = lru_cache(maxsize=4)(_unpacked)
        self._places: dict[str, tuple[Path, int]] = {}
        for path in _files(index):
            self._places |= {key: (path, place) for place, key in enumerate(_keys(path, self._source))}

    def get(self, key: str) -> KeptVectors | None:
        """Give the vectors of a passage; None where they are not kept."""
        if key not in self._places:
            return None
        path, place = self._places[key]
        kept = self._unpacked(path)
        return kept[place] if kept else None

    def put(self, name: str, departing: Iterable[tuple[str, KeptVectors]]) -> None:
        """Keep the vectors of passages that leave the index, as many as there is room for.

        Args:
            name: of the generation that they are not part of any more.
            departing: passages' vectors with their keys.
        """
        coming = iter(departing)
        left = _MOST_BYTES
        for number in range(_MOST_FILES):
            if not (together := list(islice(coming, _AT_ONCE))):
                break
            packed = pack(
                [kept for _, kept in together], keys=[key for key, _ in together], source=self._source
            )
            if (left := left - len(packed)) < 0:
                break
            _write(self._folder / f"{name}-{number:04}.npz", packed)


def _write(path: Path, packed: bytes) -> None:
    """Write a file, or none where there is no room: what is not kept can be made again."""
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(packed)
    except OSError:
        with suppress(OSError):
            path.unlink()


def expire(index: Path, seconds: float) -> None:
    """Remove what has been kept for so long, and the oldest where it is too much."""
    now, size = time.time(), 0
    for number, path in enumerate(reversed(_files(index))):
        facts = path.stat()
        size += facts.st_size
        if now - facts.st_mtime >= seconds or size > _MOST_BYTES or number >= _MOST_FILES:
            path.unlink()


def remove(index: Path) -> None:
    """Remove all that is kept."""
    if (index / _FOLDER).exists():
        shutil.rmtree(index / _FOLDER)


def _files(index: Path) -> list[Path]:
    """List the files, the oldest first: they have names of generations, which begin with a time."""
    return sorted((index / _FOLDER).glob("*.npz"))


def _keys(path: Path, source: str) -> list[str]:
    """Give the keys in a file, none if it is damaged or of other vectors."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            keys: list[str] = archive["keys"].tolist() if archive["source"] == source else []
            return keys
    except _UNREADABLE:
        return []


def _unpacked(path: Path) -> list[KeptVectors]:
    """Give the vectors in a file, none if it is damaged."""
    try:
        return unpack(path.read_bytes())
    except _UNREADABLE:
        return []
