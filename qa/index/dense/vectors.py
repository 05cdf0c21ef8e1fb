"""Unit vectors by row: compared exactly, and where there are many, found by FAISS.

A number of a unit vector lies in [-1, 1] and is kept in 16 bits, in steps of 1/32767: that changes a cosine
by 0.0003 at the most, and by 0.00001 as a rule.

Up to ``FEW`` rows a question is compared with all of them. Beyond, FAISS finds candidates in an inverted file
(Jégou et al., Product Quantization for Nearest Neighbor Search, 2011: the rows in lists around centroids, of
which only the nearest are looked at) with codes of 2 bits a number, or of 1 bit where those are too large for
the memory that may be used (RaBitQ: Gao and Long, 2024, and Gao et al., 2025); their cosines come from the
vectors themselves.
How many lists must be looked at is measured on the vectors when the index is built.
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
"""Up to so many rows all are compared: 15 MB, about a millisecond."""

_STEPS = 32767
_FEW_ALLOWED = 20_000
_BLOCK = 32_768
_TRAINED_ON = 64  # vectors a list
_CODES = ("RaBitQ2", "RaBitQ")
_MORE, _MORE_OF_ONE_BIT = 4, 16  # times as many candidates as are wanted
_NUMBER = 8  # bytes of a row's number
_ENOUGH, _MORE_LISTS = 0.97, 1.25
_MEASURED_ON, _NEAREST, _LOOKED_AT = 200, 10, 100
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
    """What a ``VectorWriter`` wrote, mapped into memory."""

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
        """Give the vectors of these rows, shape (rows, dimension)."""
        return widened(self._kept.take(rows))

    def blocks(self) -> Iterator[tuple[int, Float32]]:
        """Give all vectors, part by part, each part with its first row."""
        for first in range(0, len(self), _BLOCK):
            yield first, widened(self._kept.take(np.arange(first, min(first + _BLOCK, len(self)))))


def narrowed(vectors: Float32) -> NDArray[np.int16]:
    """Round unit vectors to 16 bits a number, as they are kept."""
    return np.rint(np.asarray(vectors, np.float32) * _STEPS).astype(np.int16)


def widened(kept: NDArray[np.int16]) -> Float32:
    """Give vectors as they were before, but for what rounding took."""
    return kept.astype(np.float32) * np.float32(1 / _STEPS)


class Cosines(Protocol):
    """One question's cosines with the vectors of an index."""

    @property
    def every(self) -> Float32 | None:
        """Those of all rows, if they were compared."""
        ...

    def of(self, rows: Int64) -> Float32:
        """Give those of these rows."""
        ...

    def nearest(self, count: int, allowed: Int64 | None = None) -> Int64:
        """Find the rows with the greatest.

        Args:
            count: how many, at the most.
            allowed: the rows that may be found, ascending; all where None.

        Returns:
            Rows, the best first.
        """
        ...


class VectorIndex(Vectors):
    """Vectors that can be searched."""

    def __init__(self, path: Path, dimension: int, inverted: Path | None = None) -> None:
        """Open the vectors, and the inverted file where there is one.

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

    def ask(self, query: Float32) -> Cosines:
        """Compare with a unit vector, shape (dimension,)."""
        if self._inverted is None:
            return _AllCosines(self._all @ query)
        return _SomeCosines(self, self._inverted, query)

    @cached_property
    def _all(self) -> Float32:
        return widened(self._kept.rows)


@dataclass(frozen=True, slots=True)
class _AllCosines:
    """Cosines with every row."""

    every: Float32

    def of(self, rows: Int64) -> Float32:
        return self.every[rows]

    def nearest(self, count: int, allowed: Int64 | None = None) -> Int64:
        rows = np.arange(len(self.every)) if allowed is None else allowed
        return _best(rows, self.of(rows), count)


@dataclass(frozen=True, slots=True)
class _SomeCosines:
    """Cosines with the rows that are asked for."""

    vectors: Vectors
    inverted: Any
    query: Float32
    every: None = None

    def of(self, rows: Int64) -> Float32:
        found: Float32 = self.vectors.vectors(rows) @ self.query
        return found

    def nearest(self, count: int, allowed: Int64 | None = None) -> Int64:
        if allowed is not None and len(allowed) <= _FEW_ALLOWED:
            rows = allowed
        else:
            rows = self._candidates(count, allowed)
        return _best(rows, self.of(rows), count)

    def _candidates(self, count: int, allowed: Int64 | None) -> Int64:
        """Let FAISS find rows; among few that may be found, it looks further."""
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


def _best(rows: Int64, cosines: Float32, count: int) -> Int64:
    """Give the rows with the greatest cosines, the best first; of equal ones the first."""
    if len(rows) > count:
        least = np.partition(cosines, -count)[-count]
        likely = cosines >= least
        rows, cosines = rows[likely], cosines[likely]
    return rows[np.lexsort((rows, -cosines))[:count]]


def invert(vectors: Vectors, path: Path, memory: int, *, few: int = FEW) -> dict[str, Any]:
    """Write an inverted file of vectors, if there are many.

    Args:
        vectors: the vectors.
        path: where to write.
        memory: what it may take, in bytes.
        few: up to how many vectors it is not needed.

    Returns:
        What was chosen, and what share of the nearest ten it finds among a hundred candidates.
    """
    count, dimension = len(vectors), vectors.dimension
    if count <= few:
        return {"kind": "exact"}
    lists = 2 ** round(math.log2(2 * math.sqrt(count)))
    for codes in _CODES:
        index: Any = faiss.index_factory(dimension, f"IVF{lists},{codes}", faiss.METRIC_INNER_PRODUCT)
        if count * (index.code_size + _NUMBER) <= memory:
            break
    chance = np.random.default_rng(_SEED)
    sample = np.sort(chance.choice(count, min(count, _TRAINED_ON * lists), replace=False))
    index.train(vectors.vectors(sample))
    for _, block in vectors.blocks():
        index.add(block)
    recall = _tune(index, vectors, chance)
    faiss.write_index(index, str(path))
    return {"kind": f"IVF,{codes}", "lists": lists, "probes": int(index.nprobe), f"recall@{_NEAREST}": recall}


def _tune(index: Any, vectors: Vectors, chance: np.random.Generator) -> float:
    """Look at as many lists as it takes to find nearly all that is nearest.

    The queries stand in the middle of three vectors: like questions, they are near several and equal none.
    """
    triples = chance.integers(len(vectors), size=(3, _MEASURED_ON))
    queries = unit(sum(vectors.vectors(rows) for rows in triples))
    true = _exactly_nearest(vectors, queries)
    recall, index.nprobe = 0.0, 4
    while recall < _ENOUGH and index.nprobe < index.nlist:
        index.nprobe = min(math.ceil(_MORE_LISTS * index.nprobe), index.nlist)
        found = [_SomeCosines(vectors, index, query).nearest(_LOOKED_AT) for query in queries]
        recall = float(np.mean([np.isin(row, rows).mean() for row, rows in zip(true, found, strict=True)]))
    return round(recall, 4)


def _exactly_nearest(vectors: Vectors, queries: Float32) -> Int64:
    """Give each query's nearest rows, shape (queries, nearest), by comparing with all."""
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
