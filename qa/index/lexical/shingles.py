"""Which passages are near-duplicates, by the shingles that they share.

A shingle is a run of three terms; a shorter passage is one shingle as a whole. Broder, On the Resemblance and
Containment of Documents (1997): a text contains another one to the extent that it holds its shingles.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qa.arrays import offsets, parts_of, ranges
from qa.types import Float32, Int32, Int64

ALL = 255
"""A share of one, as ``shared_shingle_fraction`` returns it."""

_COMPARED_AT_ONCE = 4096
"""How many shingles one product of matrices compares. Chosen: of a thousand passages they take 16 MB."""

_FEW, _FEW_OF = 8, 32
"""A shingle is counted pair by pair if at most so many passages have it, or one in so many of those compared.
Chosen, as the next two."""

_PAIRS_AT_ONCE = 2**20

_PRODUCT = 2**27
"""A product of matrices may take so many additions: some milliseconds."""

_MAX_BASE = 2**21 - 1
"""The largest number whose cube fits into 63 bits."""

_FOLDED = _MAX_BASE - 1
"""To how many different terms ``shared_shingle_fraction`` folds them."""

_BLOCK = 2**21
"""How many terms ``shared_shingle_fraction`` looks at at once. Chosen: as numbers they take 16 MB."""

_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: Knuth's multiplier for hashing (The Art of Computer Programming, 6.4)."""


def near_duplicates(terms: Int32, bounds: Int64, vocabulary: int, threshold: float) -> NDArray[np.bool_]:
    """Compare passages with each other.

    Two are near-duplicates if the longer one has at least a given share of the shorter one's shingles.

    Args:
        terms: the passages' terms, one passage after another.
        bounds: where each passage begins among them and the last one ends.
        vocabulary: how many different terms there may be.
        threshold: the share.

    Returns:
        Shape (passages, passages), symmetric.

    The passages "1 2 3 4", "1 2 3" and "7 8 9": the first holds the one shingle of the second.

    >>> terms, bounds = np.array([1, 2, 3, 4, 1, 2, 3, 7, 8, 9], np.int32), np.array([0, 4, 7, 10])
    >>> near_duplicates(terms, bounds, vocabulary=10, threshold=0.9).astype(int).tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    codes, counts = _shingles(terms, bounds, vocabulary)
    matrix = np.eye(len(counts), dtype=np.bool_)
    # A shingle whose last bits no other one has is in one passage only. Most are.
    last_bits = codes & ((1 << (4 * len(codes)).bit_length()) - 1)
    may_be_shared = np.bincount(last_bits)[last_bits] > 1
    starts = offsets(counts)
    shared_counts = np.add.reduceat(may_be_shared, starts[:-1], dtype=np.int64)
    compared = np.flatnonzero(shared_counts >= threshold * counts)
    if not len(compared):
        return matrix
    # Only shingles of the passages compared matter. Number them from 0.
    wanted = np.unique(codes[ranges(starts[compared], starts[compared + 1])])
    columns = np.searchsorted(wanted, codes)
    places = np.flatnonzero(np.append(wanted, -1)[columns] == codes)
    columns, owners = columns[places], parts_of(starts, places)
    common = _count_common(columns, owners, compared, len(counts), len(wanted))
    sizes = common[np.arange(len(compared)), compared].astype(np.float64)
    matrix[compared] |= common >= threshold * sizes[:, None]
    return matrix | matrix.T


def _count_common(columns: Int64, owners: Int64, compared: Int64, passages: int, shingles: int) -> Float32:
    """Count the shingles that passages have in common.

    A product of matrices does it, but takes minutes for thousands of passages. In that case, shingles that
    few passages have are counted pair by pair; only a few shingles are in many passages.

    Args:
        columns: numbers of shingles, from 0.
        owners: the passage that has each.
        compared: which passages are compared with all.
        passages: how many there are.
        shingles: how many different ones there are.

    Returns:
        Shape (compared, passages).
    """
    common = np.zeros((len(compared), passages), np.float32)
    if common.size * shingles <= _PRODUCT:
        _multiply(common, columns, owners, compared, shingles)
        return common
    columns, owners = np.divmod(np.unique(columns * passages + owners), passages)
    held_by = np.bincount(columns, minlength=shingles)
    few = held_by <= max(_FEW, len(compared) // _FEW_OF)
    _count_pairs(common, owners, compared, offsets(held_by)[:-1][few], held_by[few])
    many = ~few[columns]
    _multiply(common, (np.cumsum(~few) - 1)[columns[many]], owners[many], compared, int((~few).sum()))
    return common


def _multiply(common: Float32, columns: Int64, owners: Int64, compared: Int64, shingles: int) -> None:
    """Add a product of matrices to ``common``, some shingles at a time."""
    for first in range(0, shingles, _COMPARED_AT_ONCE):
        inside = (columns >= first) & (columns < first + _COMPARED_AT_ONCE)
        held = np.zeros((common.shape[1], min(_COMPARED_AT_ONCE, shingles - first)), np.float32)
        held[owners[inside], columns[inside] - first] = 1
        common += held[compared] @ held.T


def _count_pairs(common: Float32, owners: Int64, compared: Int64, firsts: Int64, held_by: Int64) -> None:
    """Add one to ``common`` for each pair of passages that own a shingle.

    Args:
        common: shape (compared, passages).
        owners: the passages that own each shingle, shingle after shingle.
        compared: which passages are compared with all.
        firsts: where each shingle's owners begin.
        held_by: how many owners it has.
    """
    rows = np.full(common.shape[1], -1, np.int64)
    rows[compared] = np.arange(len(compared))
    pairs = np.cumsum(held_by**2)
    edges = np.searchsorted(pairs, np.arange(0, pairs[-1] if len(pairs) else 0, _PAIRS_AT_ONCE))
    for first, last in pairwise([*np.unique(edges).tolist(), len(firsts)]):
        starts, counts = firsts[first:last], held_by[first:last]
        places = ranges(starts, starts + counts)
        repeated = np.repeat(counts, counts)
        begins = np.repeat(starts, counts)
        firsts_of_pairs = np.repeat(rows[owners[places]], repeated)
        seconds_of_pairs = owners[ranges(begins, begins + repeated)]
        wanted = firsts_of_pairs >= 0
        np.add.at(common, (firsts_of_pairs[wanted], seconds_of_pairs[wanted]), 1)


def _shingles(terms: Int32, bounds: Int64, vocabulary: int) -> tuple[Int64, Int64]:
    """Return passages' shingles as numbers, one passage after another, and how many each has.

    A run of the terms x, y and z is the number ``((x + 1) * base + y + 1) * base + z + 1``. Here the base is
    11:

    >>> [values.tolist() for values in _shingles(np.array([1, 2, 3, 4, 0]), np.array([0, 4, 5]), 9)]
    [[279, 412, 121], [2, 1]]
    """
    numbers, base = terms.astype(np.int64), vocabulary + 1
    if base > _MAX_BASE:
        distinct, numbers = np.unique(terms, return_inverse=True)
        base = len(distinct) + 1
    base |= 1  # odd, so that all three have a part in the last bits
    numbers = np.append(numbers + 1, [0, 0, 0])
    runs = (numbers[:-2] * base + numbers[1:-1]) * base + numbers[2:]
    lengths = np.diff(bounds)
    counts = np.maximum(lengths - 2, 1)
    codes = runs[ranges(bounds[:-1], bounds[:-1] + counts)]
    short = np.flatnonzero(lengths < 3)  # noqa: PLR2004 -- their run goes on into the next passage
    places = offsets(counts)[short]
    codes[places] -= codes[places] % base ** (3 - lengths[short])
    return codes, counts


def shared_shingle_fraction(terms: Int32, bounds: Int64) -> NDArray[np.uint8]:
    """Return which share of each passage's shingles occurs elsewhere, too, in 255ths, rounded up.

    The share is never too low: a passage with a low one is nobody's near-duplicate. Shingles are counted by a
    hash, in a table of a byte or two for each term; two with the same hash count as one.

    Args:
        terms: the passages' terms, one passage after another.
        bounds: where each passage begins among them and the last one ends.

    The passages "1 2 3 4", "1 2 3" and "7 8 9":

    >>> terms, bounds = np.array([1, 2, 3, 4, 1, 2, 3, 7, 8, 9], np.int32), np.array([0, 4, 7, 10])
    >>> shared_shingle_fraction(terms, bounds).tolist()
    [128, 255, 0]
    """
    bits = (len(terms) + len(bounds)).bit_length()
    counted = np.zeros(1 << bits, np.uint8)  # how often each hash occurs, up to 2
    for _, hashes, _ in _hashed(terms, bounds, bits):
        different, counts = np.unique(hashes, return_counts=True)
        counted[different] = np.minimum(counted[different] + counts, 2)
    shares = np.empty(len(bounds) - 1, np.uint8)
    for passages, hashes, counts in _hashed(terms, bounds, bits):
        repeated = np.add.reduceat(counted[hashes] > 1, offsets(counts)[:-1], dtype=np.int64)
        shares[passages] = np.ceil(ALL * repeated / counts)
    return shares


def _hashed(terms: Int32, bounds: Int64, bits: int) -> Iterator[tuple[slice, NDArray[np.uint64], Int64]]:
    """Yield some passages at a time: which these are, their shingles' hashes, and how many each has."""
    edges = np.searchsorted(bounds[:-1], np.arange(0, bounds[-1] + 1, _BLOCK))
    for first, last in pairwise(np.unique([*edges, len(bounds) - 1]).tolist()):
        some = bounds[first : last + 1]
        # Codes must not depend on what else is in the block. Two terms folded into one do no harm.
        codes, counts = _shingles(terms[some[0] : some[-1]] % _FOLDED, some - some[0], _FOLDED)
        yield slice(first, last), codes.astype(np.uint64) * np.uint64(_GOLDEN) >> np.uint64(64 - bits), counts
