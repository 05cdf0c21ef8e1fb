"""Unit vectors in FAISS: exact inner products, which for unit vectors are cosines."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np

from qa.contracts import CorruptIndexError, Float32, Int64


class VectorIndex:
    """Vectors by row number, searched exactly."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    @classmethod
    def build(cls, vectors: Float32) -> VectorIndex:
        """Index unit vectors, shape (rows, dimension)."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, np.float32))
        return cls(index)

    def save(self, path: Path) -> None:
        """Write the index to a file."""
        faiss.write_index(self._index, str(path))

    @classmethod
    def load(cls, path: Path) -> VectorIndex:
        """Open what ``save`` wrote; the vectors are mapped, not read.

        Raises:
            CorruptIndexError: FAISS cannot make sense of the file.
        """
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
        except RuntimeError as error:
            raise CorruptIndexError(
                f"{path} is not a vector index: run `qa index` to build it anew"
            ) from error

    def search(self, queries: Float32, k: int, allowed: Int64 | None = None) -> tuple[Int64, Float32]:
        """Find the nearest vectors.

        Args:
            queries: unit vectors, shape (queries, dimension).
            k: how many for each query.
            allowed: the rows that may be found, ascending; all where None.

        Returns:
            Rows and cosines, both of shape (queries, at most k), best first.
        """
        k = min(k, len(self) if allowed is None else len(allowed))
        if k == 0:
            return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32)
        parameters = None
        if allowed is not None:
            bitmap = np.zeros(len(self), bool)
            bitmap[allowed] = True
            bits = np.packbits(bitmap, bitorder="little")
            # FAISS's types know the signatures in C++, not those in Python.
            selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type]
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        cosines, rows = self._index.search(np.ascontiguousarray(queries, np.float32), k, params=parameters)
        return rows, cosines

    def vectors(self, rows: Int64) -> Float32:
        """Give the vectors of these rows, shape (rows, dimension)."""
        found: Float32 = self._index.reconstruct_batch(rows)
        return found
