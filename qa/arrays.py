"""Arrays of parts of different lengths, one after another, and arrays in files."""

from __future__ import annotations

from dataclasses import dataclass
from mmap import ACCESS_READ, MADV_DONTNEED, mmap
from os import SEEK_END
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0
from numpy.typing import DTypeLike, NDArray

from qa.contracts import Float32, Int64

_RESIDENT = 2**28  # bytes
_MAPPED_AROUND = 16  # times as much as is looked at: the system maps 64 KB around a touched place


@dataclass(frozen=True, slots=True)
class Affine:
    """Brings cosines onto another scale, ``scale * cosine + shift``; as it is made, leaves them alone."""

    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, cosines: Float32) -> Float32:
        """Give the cosines on that scale, in the same shape."""
        return np.asarray(self.scale * cosines + self.shift, np.float32)


def ranges(starts: Int64, ends: Int64) -> Int64:
    """Put the ranges one after another: [2, 5), [9, 11) → 2, 3, 4, 9, 10."""
    lengths = ends - starts
    rows: Int64 = (ends - lengths.cumsum()).repeat(lengths)
    rows += np.arange(len(rows))
    return rows


def offsets(lengths: Int64) -> Int64:
    """Tell where each part begins and the last one ends: 3, 2 → 0, 3, 5."""
    found = np.zeros(len(lengths) + 1, np.int64)
    lengths.cumsum(out=found[1:])
    return found


def max_in_parts(values: NDArray[Any], bounds: Int64, empty: float) -> Float32:
    """Give the greatest value of each part along the first axis; ``empty`` where a part has none."""
    filled = bounds[1:] > bounds[:-1]
    if filled.all() and len(filled):
        return np.asarray(np.maximum.reduceat(values, bounds[:-1]), np.float32)
    best = np.full((len(bounds) - 1, *values.shape[1:]), empty, np.float32)
    if filled.any():
        best[filled] = np.maximum.reduceat(values, bounds[:-1][filled])
    return best


def shifted(values: NDArray[Any], first: float) -> NDArray[Any]:
    """Move each value one place on along the first axis; ``first`` comes before them."""
    return np.concatenate([np.full_like(values[:1], first), values[:-1]])


def cubed(values: Float32) -> Float32:
    """Give the cubes, many times as fast as by a power."""
    return values * values * values


def unit(vectors: Any) -> Float32:
    """Bring vectors, along the last axis, to length 1."""
    found = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(found, axis=-1, keepdims=True)
    return np.asarray(found / np.maximum(lengths, 1e-12), np.float32)


def append(path: Path, values: NDArray[Any]) -> None:
    """Add values of one axis to a ``.npy`` file, which is made where it is missing."""
    there = path.exists()
    count = len(values) + (len(np.load(path, "r", allow_pickle=False)) if there else 0)
    with path.open("r+b" if there else "wb") as file:
        # numpy leaves room in the header for as many digits as a count may get, so this stays in its place.
        header = {"descr": dtype_to_descr(values.dtype), "fortran_order": False, "shape": (count,)}
        write_array_header_1_0(file, header)
        file.seek(0, SEEK_END)
        values.tofile(file)


def mapped(path: Path, dtype: DTypeLike) -> NDArray[Any]:
    """Map a ``.npy`` file of one axis into memory; nothing of it is read before it is needed.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file, or of another type.
    """
    found = np.load(path, "r", allow_pickle=False)
    if found.ndim != 1 or found.dtype != dtype:
        raise ValueError(f"{path} has {found.ndim} axes of {found.dtype}, not one of {np.dtype(dtype)}")
    return np.asarray(found)  # as a plain array, of which a slice is cheaper than of a memmap


class MappedRows:
    """Rows of a file of any size, mapped into memory, of which only so much stays resident.

    What has been looked at stays in the page cache of the system, from where it is mapped again in a
    microsecond; but as long as it is mapped it counts as this process's memory.
    """

    def __init__(self, path: Path, dtype: DTypeLike, width: int) -> None:
        """Map a file.

        Raises:
            OSError: it cannot be read.
            ValueError: it does not hold whole rows of this width.
        """
        row = np.dtype(dtype).itemsize * width
        size = path.stat().st_size
        if size % row if row else size:
            raise ValueError(f"{path} does not hold whole rows of {width} numbers")
        self._map = None
        self.rows: NDArray[Any] = np.empty((0, width), dtype)
        if size:  # an empty file cannot be mapped
            with path.open("rb") as file:
                self._map = mmap(file.fileno(), 0, access=ACCESS_READ)
            self.rows = np.frombuffer(self._map, dtype).reshape(-1, width)
        self._taken = 0

    def take(self, rows: Int64) -> NDArray[Any]:
        """Give rows, shape (rows, width)."""
        found = np.take(self.rows, rows, axis=0)  # four times as fast as indexing
        self._taken += found.nbytes
        if self._taken * _MAPPED_AROUND > _RESIDENT and self._map is not None:
            self._taken = 0
            self._map.madvise(MADV_DONTNEED)
        return found
