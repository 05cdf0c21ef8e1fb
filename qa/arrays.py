"""Arrays of parts of different lengths, one after another, and arrays in files."""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0
from numpy.typing import DTypeLike, NDArray

from qa.types import Float32, Int64

_MAPPED = 2**27  # bytes
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Affine:
    """Brings cosines onto another scale, ``scale * cosine + shift``; as it is made, leaves them alone."""

    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, cosines: Float32) -> Float32:
        """Give the cosines on that scale, in the same shape."""
        if (self.scale, self.shift) == (1, 0):
            return cosines
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


def parts_of(bounds: Int64, places: Int64) -> Int64:
    """Tell in which part each place is: with the bounds 0, 3, 5, the places 2 and 3 are in parts 0 and 1."""
    return np.searchsorted(bounds, places, side="right") - 1


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


def weighted(rows: Float32, weights: Float32) -> Float32:
    """Give the weighted sum of each row's numbers, of which there are few.

    Not as a product of matrices: with five columns OpenBLAS (0.3.31, AVX-512) also multiplies what happens to
    stand on its stack. The sums are right, but numpy warns of a number that is none.
    """
    found: Float32 = np.einsum("ij,j->i", rows, weights)
    return found


def cubed(values: Float32) -> Float32:
    """Give the cubes, many times as fast as by a power."""
    return values * values * values


def unit(vectors: Any) -> Float32:
    """Bring vectors, along the last axis, to length 1."""
    found = np.asarray(vectors, np.float32)
    lengths = np.sqrt(np.add.reduce(found * found, axis=-1, keepdims=True))
    return np.asarray(found / np.maximum(lengths, 1e-12), np.float32)


def append(path: Path, values: NDArray[Any]) -> None:
    """Add values of one axis to a ``.npy`` file, which is made where it is missing."""
    there = path.exists()
    count = len(values) + (len(load(path, "r")) if there else 0)
    with path.open("r+b" if there else "wb") as file:
        # numpy leaves room in the header for as many digits as a count may get, so this stays in its place.
        header = {"descr": dtype_to_descr(values.dtype), "fortran_order": False, "shape": (count,)}
        write_array_header_1_0(file, header)
        file.seek(0, os.SEEK_END)
        values.tofile(file)


def load(path: Path, mode: Literal["r"] | None = None) -> NDArray[Any]:
    """Read a ``.npy`` file, or map it with mode ``r``.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file.
    """
    # Python 3.11 fails now and then where two threads parse such headers at once (CPython issue 106905).
    with _one_at_a_time:
        found: NDArray[Any] = np.load(path, mode, allow_pickle=False)
        return found


def mapped(path: Path, dtype: DTypeLike) -> NDArray[Any]:
    """Map a ``.npy`` file of one axis into memory; nothing of it is read before it is needed.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file, or of another type.
    """
    found = load(path, "r")
    if found.ndim != 1 or found.dtype != dtype:
        raise ValueError(f"{path} has {found.ndim} axes of {found.dtype}, not one of {np.dtype(dtype)}")
    return np.asarray(found)  # as a plain array, of which a slice is cheaper than of a memmap


class FileRows:
    """Rows of a file of any size. A small file is mapped; of a large one only what is wanted is read.

    To touch a row that is mapped makes 64 KB around it count as this process's memory, and to give that back
    takes longer than to read the row from the page cache of the system, which has it in either case.
    """

    def __init__(self, path: Path, dtype: DTypeLike, width: int) -> None:
        """Open a file.

        Raises:
            OSError: it cannot be read.
            ValueError: it does not hold whole rows of this width.
        """
        self._row = np.dtype(dtype).itemsize * width
        size = path.stat().st_size
        if size % self._row if self._row else size:
            raise ValueError(f"{path} does not hold whole rows of {width} numbers")
        self._large = size > _MAPPED
        self.rows: NDArray[Any] = np.empty((0, width), dtype)
        if size:  # an empty file cannot be mapped
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, descriptor)
            self._descriptor = descriptor
            self.rows = np.frombuffer(mmap(descriptor, 0, access=ACCESS_READ), dtype).reshape(-1, width)

    def take(self, rows: Int64) -> NDArray[Any]:
        """Give rows, shape (rows, width)."""
        return self._read(rows) if self._large else np.take(self.rows, rows, axis=0)

    def _read(self, rows: Int64) -> NDArray[Any]:
        """Read rows, those that follow each other in the file at once."""
        firsts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        sizes = np.diff(firsts, append=len(rows)) * self._row
        places = zip(sizes.tolist(), (rows[firsts] * self._row).tolist(), strict=True)
        found = b"".join([os.pread(self._descriptor, size, start) for size, start in places])
        return np.frombuffer(found, self.rows.dtype).reshape(-1, self.rows.shape[1])
