"""Late interaction: how well some token of a passage matches each of the question's tokens (MaxSim).

Khattab and Zaharia, ColBERT (SIGIR 2020), equation 3: for each of the question's tokens, ``maxsim`` is the
best cosine with any of the passage's tokens, and a passage's score is their weighted mean. When passages are
compared, the cosines are cubed: a word that is there counts for more than several similar ones. The token
vectors are from the same pass that makes the passage's vector, of a model that was never trained for this.
Of a model whose vectors all point about the same way, their mean is subtracted (Mu and Viswanath,
All-but-the-Top, ICLR 2018). They are kept small: projected onto the directions in which the model's token
vectors vary most. Up to 128 numbers have 8 bits each, more have 4.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np

from qa.arrays import Affine, FileRows, cubed, load, mapped, max_in_parts, offsets, ranges, unit, weighted
from qa.embedding.model_protocols import Encoder
from qa.text import sample
from qa.types import Float32, Int8, Int64, PassageInput, Span

VERSION = 6
"""Changes whenever the same token vectors may be kept otherwise."""

_WIDEST_IN_8_BITS = 128
"""Up to so many numbers of a token have 8 bits each; if there are more, each has 4: more numbers with fewer
bits are better than the reverse (``benchmarks/README.md``)."""

_LARGEST, _LARGEST_OF_FOUR_BITS = 127, 7  # with a sign

_ABREAST = 16
"""How many numbers a processor multiplies at once. Measured: filled up to that, a product takes two thirds
of the time (``benchmarks/README.md``)."""

_TOKENS, _LENGTHS = "tokens.int8", "lengths.float32"
_STARTS, _PROJECTION = "segment_starts.npy", "projection.npy"


def projection_for(encoder: Encoder, width: int, *, centred: bool) -> Float32:
    """Return how to project a model's token vectors: by principal components of a text that never changes.

    Args:
        encoder: the model.
        width: how many numbers are kept of a token's vector, at most.
        centred: whether the mean of all vectors is subtracted.

    Returns:
        Shape (1 + dimension, width). The first row is what is subtracted from projected vectors: their mean,
        or 0. The others are the directions in which they vary most, as orthonormal columns.
    """
    passages = [PassageInput("", line, (Span(0, len(line)),)) for line in sample.lines()]
    tokens = unit(np.concatenate([vectors.tokens for vectors in encoder.encode_passages(passages)]))
    mean = tokens.mean(axis=0, dtype=np.float64) if centred and len(tokens) else np.zeros(encoder.dimension)
    _, directions = np.linalg.eigh((tokens - mean).T @ (tokens - mean))
    directions = directions[:, ::-1][:, :width]
    return np.ascontiguousarray(np.vstack([mean @ directions, directions]), np.float32)


def project(tokens: Float32, projection: Float32) -> Float32:
    """Project token vectors, whose lengths do not matter.

    Args:
        tokens: shape (tokens, dimension).
        projection: shape (1 + dimension, width), from ``projection_for``.

    Returns:
        Shape (tokens, width).
    """
    projected: Float32 = unit(tokens) @ projection[1:] - projection[0]
    return projected


def compress(tokens: Float32, projection: Float32) -> Int8:
    """Project token vectors and round them to as many bits as there is room for.

    Args:
        tokens: shape (tokens, dimension).
        projection: shape (1 + dimension, width), from ``projection_for``.

    Returns:
        Shape (tokens, ``row_size(width)``).
    """
    projected = project(tokens, projection)
    width = projected.shape[1]
    largest = np.abs(projected).max(axis=1, keepdims=True, initial=1e-12)
    most = _LARGEST if width <= _WIDEST_IN_8_BITS else _LARGEST_OF_FOUR_BITS
    codes: Int8 = np.rint(projected * (most / largest)).astype(np.int8)
    if width <= _WIDEST_IN_8_BITS:
        return codes
    codes = np.pad(codes, ((0, 0), (0, width % 2)))
    first, second = np.split(codes, 2, axis=1)
    return np.asarray((first & 15) | (second << 4), np.int8)


def row_size(width: int) -> int:
    """Return how many bytes a token takes that has so many numbers."""
    return width if width <= _WIDEST_IN_8_BITS else ceil(width / 2)


def decompress(tokens: Int8, width: int) -> Int8:
    """Return the numbers of compressed tokens, shape (tokens, width).

    >>> (packed,) = compress(np.array([[3, -7] * 100], np.float32), np.vstack([np.zeros(200), np.eye(200)]))
    >>> len(packed), decompress(packed[None], 200)[0, -4:].tolist()
    (100, [3, -7, 3, -7])
    """
    if width <= _WIDEST_IN_8_BITS:
        return tokens
    return np.concatenate([(tokens << 4) >> 4, tokens >> 4], axis=1)[:, :width]


def lengths_of(tokens: Int8, width: int) -> Float32:
    """Return the lengths of compressed tokens that have so many numbers."""
    return np.asarray(np.linalg.norm(decompress(tokens, width).astype(np.float32), axis=1), np.float32)


def maxsim(query: Float32, tokens: Int8, lengths: Float32, segments: Int64) -> Float32:
    """Return the best cosine of each of a question's tokens with a token of each segment.

    Args:
        query: the question's token vectors, projected, shape (query tokens, width).
        tokens: the segments' compressed tokens, one segment after another.
        lengths: theirs, shape (tokens, 1).
        segments: where each segment begins among them and the last one ends.

    Returns:
        Shape (segments, query tokens); -1 for a segment without tokens.

    The question has one token, the first segment two, the second none:

    >>> tokens = np.array([[127, 0], [0, 127]], np.int8)
    >>> query = np.array([[0, 5]], np.float32)
    >>> maxsim(query, tokens, lengths_of(tokens, 2)[:, None], np.array([0, 2, 2])).tolist()
    [[1.0], [-1.0]]
    """
    padded = np.zeros((ceil(len(query) / _ABREAST) * _ABREAST, query.shape[1]), np.float32)
    padded[: len(query)] = unit(query)
    codes = decompress(tokens, query.shape[1]).astype(np.float32)
    cosines = (codes @ padded.T)[:, : len(query)]
    cosines /= np.maximum(lengths, 1)
    return max_in_parts(cosines, segments, -1)


class TokenWriter:
    """Writes a ``TokenIndex`` into a new folder, as the passages come."""

    def __init__(self, folder: Path, projection: Float32) -> None:
        folder.mkdir()
        self._folder = folder
        self._counts = array("q")
        self._width = projection.shape[1]
        (folder / _TOKENS).touch()
        (folder / _LENGTHS).touch()
        np.save(folder / _PROJECTION, projection, allow_pickle=False)

    def add(self, tokens: Int8, counts: Iterable[int]) -> None:
        """Add passages' compressed tokens; ``counts`` says how many each of their segments has."""
        with (self._folder / _TOKENS).open("ab") as file, (self._folder / _LENGTHS).open("ab") as lengths:
            tokens.tofile(file)
            lengths_of(tokens, self._width).tofile(lengths)
        self._counts.extend(counts)

    def close(self) -> None:
        """Finish the index."""
        starts = offsets(np.frombuffer(self._counts, np.int64))
        np.save(self._folder / _STARTS, starts, allow_pickle=False)


class TokenIndex:
    """Every passage's compressed token vectors, in segments: its context, then each of its sentences.

    Passage ``i`` with the sentences ``a`` to ``b`` of the index has the segments ``a + i`` to ``b + i + 1``.
    """

    def __init__(
        self, tokens: FileRows, lengths: FileRows, segment_starts: Int64, projection: Float32
    ) -> None:
        self._tokens = tokens
        self._lengths = lengths
        self._starts = segment_starts
        self.projection = projection

    def __bool__(self) -> bool:
        return len(self._tokens.rows) > 0

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
        projection = load(folder / _PROJECTION)
        starts = mapped(folder / _STARTS, np.int64)
        lengths = FileRows(folder / _LENGTHS, np.float32, 1)
        tokens = FileRows(folder / _TOKENS, np.int8, row_size(projection.shape[1]))
        if not int(starts[-1]) == len(lengths.rows) == len(tokens.rows):
            raise ValueError(f"{folder / _TOKENS} does not hold {int(starts[-1])} tokens")
        return cls(tokens, lengths, starts, projection)

    def tokens(self, first: int, last: int) -> tuple[Int8, Int64]:
        """Return the tokens of the segments from ``first`` to ``last``, and how many each has."""
        starts = self._starts[first : last + 1]
        return self._tokens.rows[starts[0] : starts[-1]], np.diff(starts)

    def match_tokens(self, query: Float32, firsts: Int64, lasts: Int64) -> TokenMatches:
        """Match a question's tokens with the passages'.

        Args:
            query: the question's token vectors, shape (query tokens, dimension).
            firsts: each passage's first segment.
            lasts: each passage's last segment, exclusive.
        """
        rows, tokens = ranges(firsts, lasts), ranges(self._starts[firsts], self._starts[lasts])
        segments = offsets(self._starts[rows + 1] - self._starts[rows])
        lengths = self._lengths.take(tokens)
        cosines = maxsim(project(query, self.projection), self._tokens.take(tokens), lengths, segments)
        return TokenMatches(cosines, offsets(lasts - firsts))


@dataclass(frozen=True, slots=True)
class TokenMatches:
    """How well the segments of some passages match each of a question's tokens.

    Attributes:
        maxsim: the best cosine with a token of the segment, shape (segments, query tokens).
        bounds: where the segments of each passage begin and the last one's end.
    """

    maxsim: Float32
    bounds: Int64

    def take(self, places: Int64) -> TokenMatches:
        """Return the matches of some of the passages, in this order."""
        firsts, lasts = self.bounds[places], self.bounds[places + 1]
        return TokenMatches(self.maxsim[ranges(firsts, lasts)], offsets(lasts - firsts))

    def rescaled(self, scale: Affine) -> TokenMatches:
        """Return the matches with the cosines on another scale."""
        return TokenMatches(scale(self.maxsim), self.bounds)

    def score_passages(self, weights: Float32, *, sharpened: bool = False) -> Float32:
        """Return a score for each passage.

        Args:
            weights: how much each of the question's tokens counts, adding up to 1.
            sharpened: cube the cosines.
        """
        best = max_in_parts(self.maxsim, self.bounds, -1)
        return weighted(cubed(best) if sharpened else best, weights)

    def score_sentences(
        self, weights: Float32, *, previous_discount: float, context_discount: float
    ) -> Float32:
        """Return a score for each sentence of the passages, one after another.

        Args:
            weights: how much each of the question's tokens counts, adding up to 1.
            previous_discount: how much a match in the sentence before counts for a sentence.
            context_discount: how much a match in the context counts for a sentence.
        """
        starts, counts = self.bounds[:-1], np.diff(self.bounds) - 1
        rows = ranges(starts + 1, self.bounds[1:])  # each passage's first segment is its context
        previous = self.maxsim[rows - 1]
        previous[offsets(counts)[:-1][counts > 0]] = -1  # there is no sentence before the first
        contexts = np.repeat(self.maxsim[starts], counts, axis=0)
        discounted = np.maximum(previous_discount * previous, context_discount * contexts)
        return weighted(np.maximum(self.maxsim[rows], discounted), weights)
