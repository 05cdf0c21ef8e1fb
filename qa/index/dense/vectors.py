"""Unit vectors by row: compared exactly, and searched with FAISS if there are many.

A number of a unit vector lies in [-1, 1] and is kept in 16 bits, in steps of 1/32767. That changes a cosine
by at most 0.0003, and usually by 0.00001.

Up to ``FEW`` rows, a question is compared with all of them. Beyond that, FAISS finds candidates in an
inverted file: the rows are in lists around centroids, of which only the nearest are probed (Jégou et al.,
Product Quantization for Nearest Neighbor Search, 2011). It holds codes of 2 bits a number, or of 1 bit if
those are too large for the memory allowed (RaBitQ: Gao and Long, 2024, and Gao et al., 2025). The
candidates' cosines come from the vectors themselves. How many lists must be probed is measured on the
vectors when the index is built.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from qa.arrays import FileRows, unit
from qa.types import Float32, Int64

VERSION = 3
"""Changes whenever the same vectors may be kept or found otherwise."""

FEW = 10_000
"""Up to so many rows all are compared: 15 MB, about a millisecond (measured)."""

_STEPS = 32767  # of 16 bits with a sign

_FEW_ALLOWED = 20_000
"""If filters leave at most so many rows, all of them are compared. Chosen: some milliseconds."""

_BLOCK = 32_768
"""How many vectors are read at once. Chosen: of 384 numbers they take 50 MB."""

_TRAINED_ON = 64
"""How many vectors a list its centroid is trained on. Chosen: FAISS warns below 39."""

_CODES = ("RaBitQ2", "RaBitQ")
_MORE, _MORE_OF_ONE_BIT = 4, 16
"""How many candidates FAISS returns for each row wanted: of 2 bits, and of 1. Measured
(``benchmarks/README.md``)."""

_NUMBER = 8  # bytes of a row's number

_MIN_RECALL, _MORE_LISTS = 0.97, 1.25
"""So many more lists are probed at each step, until this share of the nearest rows is among the candidates.
Chosen."""

_MEASURED_ON, _NEAREST, _LOOKED_AT = 200, 10, 100
"""Recall is measured on so many queries: how many of the nearest ten are among a hundred candidates.
Chosen."""

_SEED = 0


class VectorWriter:
    """Writes unit vectors into a new file, as they come."""

    def __init__(self, path: Path) -> None:
        path.touch(exist_ok=False)
        self._path = path
        self.count = 0

    def add(self, vectors: Float32) -> None:
        """Add rows, shape (rows, dimension)."""
        with self._path.open("ab") as file:
            narrowed(vectors).tofile(file)
        self.count += len(vectors)


class Vectors:
    """The vectors that a ``VectorWriter`` wrote, mapped into memory."""

    def __init__(self, path: Path, dimension: int) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be read.
            ValueError: it does not hold whole vectors of this dimension.
        """
        self.dimension = dimension
        self._kept = FileRows(path, np.int16, dimension)

    def __len__(self) -> int:
        return len(self._kept.rows)

    def vectors(self, rows: Int64) -> Float32:
        """Return the vectors of these rows, shape (rows, dimension)."""
        return widened(self._kept.take(rows))

    def blocks(self) -> Iterator[tuple[int, Float32]]:
        """Yield all vectors, part by part, each part with its first row."""
        for first in range(0, len(self), _BLOCK):
            yield first, widened(self._kept.take(np.arange(first, min(first + _BLOCK, len(self)))))


def narrowed(vectors: Float32) -> NDArray[np.int16]:
    """Round unit vectors to 16 bits a number, as they are kept."""
    return np.rint(np.asarray(vectors, np.float32) * _STEPS).astype(np.int16)


def widened(kept: NDArray[np.int16]) -> Float32:
    """Return vectors as they were before rounding, nearly."""
    return kept.astype(np.float32) * np.float32(1 / _STEPS)


class VectorScores(Protocol):
    """One question's cosines with the vectors of an index."""

    @property
    def all(self) -> Float32 | None:
        """The cosines with all rows, if all were compared."""
        ...

    def take(self, rows: Int64) -> Float32:
        """Return the cosines with these rows."""
        ...

    def nearest(self, count: int, allowed: Int64 | None = None) -> Int64:
        """Return the rows with the greatest cosines, best first.

        Args:
            count: the largest number of rows.
            allowed: the rows that may be returned, ascending; all if None.
        """
        ...


class VectorIndex(Vectors):
    """Vectors that can be searched."""

    def __init__(self, path: Path, dimension: int, inverted: Path | None = None) -> None:
        """Open the vectors, and the inverted file if there is one.

        Raises:
            OSError: a file cannot be read.
            ValueError: they do not fit together.
            RuntimeError: FAISS cannot make sense of the inverted file.
        """
        super().__init__(path, dimension)
        self._inverted = None
        if inverted is not None:
            self._inverted = faiss.read_index(str(inverted), faiss.IO_FLAG_MMAP_IFC)
            if (self._inverted.ntotal, self._inverted.d) != (len(self), dimension):
                raise ValueError(f"{inverted} is not of the vectors in {path}")

    def score(self, query: Float32) -> VectorScores:
        """Compare all vectors with a unit vector, shape (dimension,)."""
        if self._inverted is None:
            return _AllScores(self._all @ query)
        return _SomeScores(self, self._inverted, query)

    @cached_property
    def _all(self) -> Float32:
        return widened(self._kept.rows)


@dataclass(frozen=True, slots=True)
class _AllScores:
    """Cosines with every row."""

    all: Float32

    def take(self, rows: Int64) -> Float32:
        return self.all[rows]

    def nearest(self, count: int, allowed: Int64 | None = None) -> Int64:
        rows = np.arange(len(self.all)) if allowed is None else allowed
        return _nearest(rows, self.take(rows), count)


@dataclass(frozen=True, slots=True)
class _SomeScores:
    """Cosines with the rows that are wanted."""

    vectors: Vectors
    inverted: Any
    query: Float32
    all: None = None

    def take(self, rows: Int64) -> Float32:
        return np.asarray(self.vectors.vectors(rows) @ self.query)

    def nearest(self, count: int, allowed: Int64 | None = None) -> Int64:
        if allowed is not None and len(allowed) <= _FEW_ALLOWED:
            rows = allowed
        else:
            rows = self._candidates(count, allowed)
        return _nearest(rows, self.take(rows), count)

    def _candidates(self, count: int, allowed: Int64 | None) -> Int64:
        """Return rows that FAISS finds. If few are allowed, it probes more lists."""
        parameters = faiss.SearchParametersIVF()
        parameters.nprobe = self.inverted.nprobe
        if allowed is not None:
            wider = math.ceil(self.inverted.nprobe * len(self.vectors) / len(allowed))
            parameters.nprobe = min(wider, self.inverted.nlist)
            bitmap = np.zeros(len(self.vectors), bool)
            bitmap[allowed] = True
            bits = np.packbits(bitmap, bitorder="little")
            # FAISS's types know the signatures in C++, not those in Python.
            parameters.sel = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type]
        # An index that was built before this version may have codes of 8 bits.
        coded = getattr(self.inverted, "rabitq", None)
        more = _MORE_OF_ONE_BIT if coded and coded.nb_bits == 1 else _MORE
        _, rows = self.inverted.search(self.query[None], more * count, params=parameters)
        return np.asarray(rows[0][rows[0] >= 0], np.int64)


def _nearest(rows: Int64, cosines: Float32, count: int) -> Int64:
    """Return the rows with the greatest cosines, best first; equal ones by row.

    >>> _nearest(np.array([2, 5, 9]), np.array([0.1, 0.7, 0.7], np.float32), count=2).tolist()
    [5, 9]
    """
    if len(rows) > count:
        near = cosines >= np.partition(cosines, -count)[-count]
        rows, cosines = rows[near], cosines[near]
    return rows[np.lexsort((rows, -cosines))[:count]]


def invert(vectors: Vectors, path: Path, memory: int, *, few: int = FEW) -> dict[str, Any]:
    """Write an inverted file of vectors, if there are many.

    Args:
        vectors: the vectors.
        path: where to write.
        memory: how many bytes of memory it may take.
        few: with at most so many vectors, write none.

    Returns:
        What was chosen, and which share of the nearest ten is among a hundred candidates.
    """
    count, dimension = len(vectors), vectors.dimension
    if count <= few:
        return {"kind": "exact"}
    lists = 2 ** round(math.log2(2 * math.sqrt(count)))
    for codes in _CODES:
        index: Any = faiss.index_factory(dimension, f"IVF{lists},{codes}", faiss.METRIC_INNER_PRODUCT)
        if count * (index.code_size + _NUMBER) <= memory:
            break
    random = np.random.default_rng(_SEED)
    sample = np.sort(random.choice(count, min(count, _TRAINED_ON * lists), replace=False))
    index.train(vectors.vectors(sample))
    for _, block in vectors.blocks():
        index.add(block)
    recall = _tune(index, vectors, random)
    faiss.write_index(index, str(path))
    return {"kind": f"IVF,{codes}", "lists": lists, "probes": int(index.nprobe), f"recall@{_NEAREST}": recall}


def _tune(index: Any, vectors: Vectors, random: np.random.Generator) -> float:
    """Set how many lists are probed: as many as it takes to find nearly all of the nearest rows.

    The queries are means of three vectors: like questions, they are near several vectors and equal to none.

    Returns:
        The share that is found.
    """
    triples = random.integers(len(vectors), size=(3, _MEASURED_ON))
    queries = unit(sum(vectors.vectors(rows) for rows in triples))
    true = _exactly_nearest(vectors, queries)
    recall, index.nprobe = 0.0, 4
    while recall < _MIN_RECALL and index.nprobe < index.nlist:
        index.nprobe = min(math.ceil(_MORE_LISTS * index.nprobe), index.nlist)
        candidates = [_SomeScores(vectors, index, query).nearest(_LOOKED_AT) for query in queries]
        shares = [np.isin(nearest, rows).mean() for nearest, rows in zip(true, candidates, strict=True)]
        recall = float(np.mean(shares))
    return round(recall, 4)


def _exactly_nearest(vectors: Vectors, queries: Float32) -> Int64:
    """Return each query's nearest rows, shape (queries, nearest), by comparing with all."""
    rows = np.empty((len(queries), 0), np.int64)
    cosines = np.empty((len(queries), 0), np.float32)
    for first, block in vectors.blocks():
        rows = np.hstack(
            [rows, np.broadcast_to(np.arange(first, first + len(block)), (len(queries), len(block)))]
        )
        cosines = np.hstack([cosines, queries @ block.T])
        best = np.argpartition(-cosines, min(_NEAREST, cosines.shape[1]) - 1, axis=1)[:, :_NEAREST]
        rows, cosines = np.take_along_axis(rows, best, 1), np.take_along_axis(cosines, best, 1)
    return rows
