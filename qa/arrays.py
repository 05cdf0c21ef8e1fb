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

_MAPPED = 2**27
"""A file of at most so many bytes is mapped. Chosen: a process can spare as much memory."""

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Affine:
    """Brings cosines onto another scale, ``scale * cosine + shift``. By default it leaves them alone."""

    scale: float = 1.0
    shift: float = 0.0

    def __call__(self, cosines: Float32) -> Float32:
        """Return the cosines on that scale, in the same shape."""
        if (self.scale, self.shift) == (1, 0):
            return cosines
        return np.asarray(self.scale * cosines + self.shift, np.float32)


def ranges(starts: Int64, ends: Int64) -> Int64:
    """Concatenate ranges: [2, 5), [9, 11) → 2, 3, 4, 9, 10."""
    lengths = ends - starts
    rows: Int64 = (ends - lengths.cumsum()).repeat(lengths)
    rows += np.arange(len(rows))
    return rows


def offsets(lengths: Int64) -> Int64:
    """Return where each part begins and the last one ends: 3, 2 → 0, 3, 5."""
    bounds = np.zeros(len(lengths) + 1, np.int64)
    lengths.cumsum(out=bounds[1:])
    return bounds


def parts_of(bounds: Int64, places: Int64) -> Int64:
    """Return the part that each place is in: with the bounds 0, 3, 5, places 2 and 3 are in parts 0 and 1."""
    return np.searchsorted(bounds, places, side="right") - 1


def max_in_parts(values: NDArray[Any], bounds: Int64, empty: float) -> Float32:
    """Return the greatest value of each part along the first axis, or ``empty`` if a part has none."""
    filled = bounds[1:] > bounds[:-1]
    if filled.all() and len(filled):
        return np.asarray(np.maximum.reduceat(values, bounds[:-1]), np.float32)
    best = np.full((len(bounds) - 1, *values.shape[1:]), empty, np.float32)
    if filled.any():
        best[filled] = np.maximum.reduceat(values, bounds[:-1][filled])
    return best


def shifted(values: NDArray[Any], first: float) -> NDArray[Any]:
    """Move each value one place on along the first axis, and put ``first`` before them."""
    return np.concatenate([np.full_like(values[:1], first), values[:-1]])


def weighted(rows: Float32, weights: Float32) -> Float32:
    """Return the weighted sum of each row's numbers, of which there are few.

    This is not a product of matrices: with five columns OpenBLAS (0.3.31, AVX-512) also multiplies what
    happens to be on its stack. The sums are right, but numpy warns of an invalid value.
    """
    return np.asarray(np.einsum("ij,j->i", rows, weights), np.float32)


def cubed(values: Float32) -> Float32:
    """Return the cubes, many times faster than ``values**3``."""
    return values * values * values


def unit(vectors: Any) -> Float32:
    """Scale vectors, along the last axis, to length 1."""
    values = np.asarray(vectors, np.float32)
    lengths = np.sqrt(np.add.reduce(values * values, axis=-1, keepdims=True))
    return np.asarray(values / np.maximum(lengths, 1e-12), np.float32)


def append(path: Path, values: NDArray[Any]) -> None:
    """Append values of one axis to a ``.npy`` file, which is created if it is missing."""
    exists = path.exists()
    count = len(values) + (len(load(path, "r")) if exists else 0)
    with path.open("r+b" if exists else "wb") as file:
        # numpy leaves room in the header for as many digits as a count may get: the header's size stays.
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
    # Python 3.11 sometimes fails if two threads parse such headers at once (CPython issue 106905).
    with _one_at_a_time:
        return np.asanyarray(np.load(path, mode, allow_pickle=False))


def mapped(path: Path, dtype: DTypeLike) -> NDArray[Any]:
    """Map a ``.npy`` file of one axis into memory; its values are read when they are needed.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file, or of another type.
    """
    values = load(path, "r")
    if values.ndim != 1 or values.dtype != dtype:
        raise ValueError(f"{path} has {values.ndim} axes of {values.dtype}, not one of {np.dtype(dtype)}")
    return np.asarray(values)  # a plain array: slicing it is cheaper than slicing a memmap


class FileRows:
    """Rows of a file of any size. A small file is mapped; of a large one only the rows wanted are read.

    Touching a mapped row makes the 64 KB around it count as this process's memory. Giving that back takes
    longer than reading the row from the page cache of the system, which has it in either case.
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
        """Return rows, shape (rows, width)."""
        return self._read(rows) if self._large else np.take(self.rows, rows, axis=0)

    def _read(self, rows: Int64) -> NDArray[Any]:
        """Read rows; consecutive ones with one call."""
        firsts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        sizes = np.diff(firsts, append=len(rows)) * self._row
        places = zip(sizes.tolist(), (rows[firsts] * self._row).tolist(), strict=True)
        data = b"".join([os.pread(self._descriptor, size, start) for size, start in places])
        return np.frombuffer(data, self.rows.dtype).reshape(-1, self.rows.shape[1])
