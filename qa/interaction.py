"""Late interaction: how well each of the question's tokens is met by some token of a passage.

Khattab and Zaharia, ColBERT (SIGIR 2020): a passage's score is the mean, over the question's tokens, of
the best cosine with any of the passage's tokens. The token vectors are those of the same pass that makes
the passage's vector, from a model that was never trained for this. They are kept small: projected onto
the directions in which the model's token vectors vary most, and each to 8 bits a number.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import numpy as np

from qa.arrays import Affine, mapped, max_in_parts, offsets, ranges, shifted, unit
from qa.contracts import Encoder, Float32, Int8, Int64, PassageInput, Span

VERSION = 2
"""Changes whenever the same token vectors may be kept otherwise."""

WIDTH = 64
"""Numbers kept of a token's vector."""

_LARGEST = 127
_LENGTH = 180  # of a vector in 8 bits: so few of its numbers are larger than those can be
_AS_THEY_ARE = Affine()
_TOKENS, _STARTS, _PROJECTION = "tokens.int8", "segment_starts.npy", "projection.npy"


def projection_for(encoder: Encoder) -> Float32:
    """Find the directions in which a model's token vectors vary most, on a text that is always the same.

    Returns:
        Orthonormal columns, shape (dimension, at most ``WIDTH``).
    """
    lines = files("qa").joinpath("sample.txt").read_text("utf-8").splitlines()
    sample = [PassageInput("", line, (Span(0, len(line)),)) for line in lines]
    tokens = unit(np.concatenate([found.tokens for found in encoder.encode_passages(sample)]))
    _, directions = np.linalg.eigh(tokens.T.astype(np.float64) @ tokens)
    return np.ascontiguousarray(directions[:, ::-1][:, :WIDTH], np.float32)


def compress(tokens: Float32, projection: Float32) -> Int8:
    """Project token vectors, bring them to one length and round them to 8 bits.

    Args:
        tokens: shape (tokens, dimension).
        projection: shape (dimension, width).

    Returns:
        Shape (tokens, width).
    """
    projected = unit(tokens @ projection) * _LENGTH
    codes: Int8 = np.clip(np.rint(projected), -_LARGEST, _LARGEST).astype(np.int8)
    return codes


class TokenWriter:
    """Writes a ``TokenIndex`` into a new folder, as the passages come."""

    def __init__(self, folder: Path, projection: Float32) -> None:
        folder.mkdir()
        self._folder = folder
        self._counts = array("q")
        (folder / _TOKENS).touch()
        np.save(folder / _PROJECTION, projection, allow_pickle=False)

    def add(self, tokens: Int8, counts: Iterable[int]) -> None:
        """Add passages' compressed tokens; ``counts`` tells how many each of their segments has."""
        with (self._folder / _TOKENS).open("ab") as file:
            tokens.tofile(file)
        self._counts.extend(counts)

    def close(self) -> None:
        """Finish the index."""
        starts = offsets(np.frombuffer(self._counts, np.int64))
        np.save(self._folder / _STARTS, starts, allow_pickle=False)


class TokenIndex:
    """Every passage's compressed token vectors, in segments: its context, then each of its sentences.

    Passage ``i`` with the sentences ``a`` to ``b`` of the index has the segments ``a + i`` to ``b + i + 1``.
    """

    def __init__(self, tokens: Int8, segment_starts: Int64, projection: Float32) -> None:
        self._tokens = tokens
        self._starts = segment_starts
        self.projection = projection

    def __bool__(self) -> bool:
        return len(self._tokens) > 0

    @property
    def segments(self) -> int:
        """How many segments there are."""
        return len(self._starts) - 1

    @classmethod
    def load(cls, folder: Path) -> TokenIndex:
        """Open what a ``TokenWriter`` wrote; the tokens are mapped, not read.

        Raises:
            ValueError: the parts do not fit together.
        """
        projection = np.load(folder / _PROJECTION, allow_pickle=False)
        starts = mapped(folder / _STARTS, np.int64)
        shape = (int(starts[-1]), int(projection.shape[1]))
        if (folder / _TOKENS).stat().st_size != shape[0] * shape[1]:
            raise ValueError(f"{folder / _TOKENS} does not hold {shape[0]} tokens")
        empty = shape[0] * shape[1] == 0  # which cannot be mapped
        tokens = np.empty(shape, np.int8) if empty else np.memmap(folder / _TOKENS, np.int8, "r", shape=shape)
        return cls(np.asarray(tokens), starts, projection)

    def tokens(self, first: int, last: int) -> tuple[Int8, Int64]:
        """Give the tokens of the segments from ``first`` to ``last``, and how many each has."""
        starts = self._starts[first : last + 1]
        return np.asarray(self._tokens[starts[0] : starts[-1]]), np.diff(starts)

    def meet(
        self,
        query: Float32,
        weights: Float32,
        firsts: Int64,
        lasts: Int64,
        *,
        carried: float = 0.0,
        titled: float = 0.0,
        rescale: Affine = _AS_THEY_ARE,
    ) -> tuple[Float32, Float32]:
        """Score passages, and their sentences, by late interaction.

        Args:
            query: the question's token vectors, shape (query tokens, dimension).
            weights: what each of them counts, adding up to 1.
            firsts: each passage's first segment.
            lasts: each passage's last segment, exclusive.
            carried: what a match in the sentence before counts for a sentence.
            titled: what a match in the context counts for a sentence.
            rescale: brings the cosines onto the scale on which they count.

        Returns:
            The passages' scores, and those of all their segments, one passage after another; on that scale.
        """
        rows, bounds = ranges(firsts, lasts), offsets(lasts - firsts)
        # Taking rows is four times as fast as indexing with them.
        codes = np.take(self._tokens, ranges(self._starts[firsts], self._starts[lasts]), axis=0)
        cosines = codes.astype(np.float32) @ (unit(query @ self.projection) / _LENGTH).T
        best = max_in_parts(cosines, offsets(self._starts[rows + 1] - self._starts[rows]), -1)
        segments = rescale(best)
        passages = max_in_parts(segments, bounds, -1)
        if carried or titled:
            contexts = np.repeat(segments[bounds[:-1]], lasts - firsts, axis=0)
            before = shifted(segments, -1)
            before[bounds[:-1] + 1] = -1  # before the first sentence there is none
            segments = np.maximum(segments, np.maximum(carried * before, titled * contexts))
        return passages @ weights, segments @ weights
