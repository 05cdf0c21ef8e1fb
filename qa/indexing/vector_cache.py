"""Vectors of passages that have left the index, kept for a while: if they come back, nothing is encoded anew.

Each file holds the vectors of some passages and their keys, as a NumPy archive, whose parts have checksums.
It holds none of their text, but vectors reveal something of it: they go after a while, and at once with `qa
forget`.
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

from qa.indexing.encoding import CompressedVectors
from qa.indexing.shards import pack, unpack
from qa.types import Float32

_FOLDER = "vector_cache"
_PASSAGES_PER_FILE = 512
"""How many passages a file holds: some 6 MB."""

_MOST_BYTES, _MOST_FILES = 2**30, 2000
"""Limits of the cache (chosen): a gigabyte of disk, and no more files than a build opens in a moment."""

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


class VectorCache:
    """The vectors that are kept, by the passages' keys."""

    def __init__(self, index: Path, made_with: str, projection: Float32) -> None:
        """Open the cache. Files that are damaged, or made in another way, are ignored.

        Args:
            index: the folder of the index.
            made_with: stands for everything that shapes vectors beside the passages and the projection.
            projection: the projection of token vectors, shape (1 + dimension, width).
        """
        shaped_by = made_with.encode() + np.ascontiguousarray(projection).tobytes()
        self._source = hashlib.sha256(shaped_by).hexdigest()
        self._folder = index / _FOLDER
        self._unpacked = lru_cache(maxsize=4)(_unpacked)
        self._places: dict[str, tuple[Path, int]] = {}
        for path in _files(index):
            self._places |= {key: (path, place) for place, key in enumerate(_keys(path, self._source))}

    def get(self, key: str) -> CompressedVectors | None:
        """Return the vectors of a passage; None if they are not kept."""
        if key not in self._places:
            return None
        path, place = self._places[key]
        kept = self._unpacked(path)
        return kept[place] if kept else None

    def put(self, name: str, departing: Iterable[tuple[str, CompressedVectors]]) -> None:
        """Keep the vectors of passages that leave the index, as many as there is room for.

        Args:
            name: the name of the last generation that they are part of.
            departing: the keys of passages, with their vectors.
        """
        remaining = iter(departing)
        left = _MOST_BYTES
        for number in range(_MOST_FILES):
            if not (batch := list(islice(remaining, _PASSAGES_PER_FILE))):
                break
            packed = pack([kept for _, kept in batch], keys=[key for key, _ in batch], source=self._source)
            if (left := left - len(packed)) < 0:
                break
            _write(self._folder / f"{name}-{number:04}.npz", packed)


def _write(path: Path, packed: bytes) -> None:
    """Write a file, or none if there is no room: vectors can be made again."""
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(packed)
    except OSError:
        with suppress(OSError):
            path.unlink()


def expire(index: Path, seconds: float) -> None:
    """Remove files older than so many seconds, and the oldest beyond the limits of the cache."""
    now, size = time.time(), 0
    for number, path in enumerate(reversed(_files(index))):
        status = path.stat()
        size += status.st_size
        if now - status.st_mtime >= seconds or size > _MOST_BYTES or number >= _MOST_FILES:
            path.unlink()


def remove(index: Path) -> None:
    """Remove the whole cache."""
    if (index / _FOLDER).exists():
        shutil.rmtree(index / _FOLDER)


def _files(index: Path) -> list[Path]:
    """Return the files, oldest first: they are named after generations, whose names begin with a time."""
    return sorted((index / _FOLDER).glob("*.npz"))


def _keys(path: Path, source: str) -> list[str]:
    """Return the keys in a file; none if it is damaged or of other vectors."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            keys: list[str] = archive["keys"].tolist() if archive["source"] == source else []
            return keys
    except _UNREADABLE:
        return []


def _unpacked(path: Path) -> list[CompressedVectors]:
    """Return the vectors in a file; none if it is damaged."""
    try:
        return unpack(path.read_bytes())
    except _UNREADABLE:
        return []
