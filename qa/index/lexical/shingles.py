"""Which passages are near-identical, by the runs of three terms that they share.

A shingle is such a run; a shorter passage is one as a whole. Broder, On the Resemblance and Containment of
Documents (1997): of two texts one contains the other as far as it holds its shingles.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qa.arrays import offsets, parts_of, ranges
from qa.types import Float32, Int32, Int64

ALL = 255
"""A share of one, as ``elsewhere`` gives it."""

_COMPARED_AT_ONCE = 4096

_FEW, _FEW_OF = 8, 32
"""A shingle counts pair by pair that so few passages have, or one in so many of those compared."""

_PAIRS_AT_ONCE = 2**20

_PRODUCT = 2**27
"""So many additions a product of matrices may take: some milliseconds."""

_CUBED = 2**21 - 1
"""What the cube of fits into 63 bits."""

_FOLDED = _CUBED - 1
"""To how many different terms ``elsewhere`` brings them down."""

_BLOCK = 2**21
"""How many terms ``elsewhere`` looks at at once."""

_GOLDEN = 0x9E3779B97F4A7C15
"""2^64 over the golden ratio: Knuth's multiplier for hashing (The Art of Computer Programming, 6.4)."""


def alike(terms: Int32, bounds: Int64, vocabulary: int, least: float) -> NDArray[np.bool_]:
    """Tell which passages are alike: the longer has at least this share of the shorter one's shingles.

    A shingle is a run of three terms; a shorter passage is one as a whole.

    Args:
        terms: the passages' terms, one passage after another.
        bounds: where each passage begins among them and the last one ends.
        vocabulary: how many different terms there may be.
        least: the share.

    Returns:
        Shape (passages, passages), symmetric.
    """
    codes, counts = _shingles(terms, bounds, vocabulary)
    found = np.eye(len(counts), dtype=np.bool_)
    # Whatever shares its last bits with no other is in one passage only, and most are.
    ends = codes & ((1 << (4 * len(codes)).bit_length()) - 1)
    elsewhere = np.bincount(ends)[ends] > 1
    starts = offsets(counts)
    near = np.flatnonzero(np.add.reduceat(elsewhere, starts[:-1], dtype=np.int64) >= least * counts)
    if not len(near):
        return found
    wanted = np.unique(codes[ranges(starts[near], starts[near + 1])])
    columns = np.searchsorted(wanted, codes)
    places = np.flatnonzero(np.append(wanted, -1)[columns] == codes)
    columns, owners = columns[places], parts_of(starts, places)
    common = _common(columns, owners, near, len(counts), len(wanted))
    sizes = common[np.arange(len(near)), near].astype(np.float64)
    found[near] |= common >= least * sizes[:, None]
    return found | found.T


def _common(columns: Int64, owners: Int64, near: Int64, passages: int, shingles: int) -> Float32:
    """Count the shingles that passages have in common.

    A product of matrices does it, but takes minutes for thousands of passages. There, what few passages have
    is counted pair by pair; what many have are few.

    Args:
        columns: numbers of shingles, from 0.
        owners: the passage that has each.
        near: which passages are compared with all.
        passages: how many there are.
        shingles: how many different ones there are.

    Returns:
        Shape (near, passages).
    """
    common = np.zeros((len(near), passages), np.float32)
    if common.size * shingles <= _PRODUCT:
        _multiply(common, columns, owners, near, shingles)
        return common
    columns, owners = np.divmod(np.unique(columns * passages + owners), passages)
    held_by = np.bincount(columns, minlength=shingles)
    few = held_by <= max(_FEW, len(near) // _FEW_OF)
    _count_pairs(common, owners, near, offsets(held_by)[:-1][few], held_by[few])
    many = ~few[columns]
    _multiply(common, (np.cumsum(~few) - 1)[columns[many]], owners[many], near, int((~few).sum()))
    return common


def _multiply(common: Float32, columns: Int64, owners: Int64, near: Int64, shingles: int) -> None:
    """Add to ``common`` what a product of matrices gives, some shingles at a time."""
    for first in range(0, shingles, _COMPARED_AT_ONCE):
        inside = (columns >= first) & (columns < first + _COMPARED_AT_ONCE)
        held = np.zeros((common.shape[1], min(_COMPARED_AT_ONCE, shingles - first)), np.float32)
        held[owners[inside], columns[inside] - first] = 1
        common += held[near] @ held.T


def _count_pairs(common: Float32, owners: Int64, near: Int64, firsts: Int64, held_by: Int64) -> None:
    """Add to ``common`` one for each two owners of a shingle: those from ``firsts``, ``held_by`` of them."""
    rows = np.full(common.shape[1], -1, np.int64)
    rows[near] = np.arange(len(near))
    pairs = np.cumsum(held_by**2)
    edges = np.searchsorted(pairs, np.arange(0, pairs[-1] if len(pairs) else 0, _PAIRS_AT_ONCE))
    for first, last in pairwise([*np.unique(edges).tolist(), len(firsts)]):
        starts, counts = firsts[first:last], held_by[first:last]
        places = ranges(starts, starts + counts)
        repeated = np.repeat(counts, counts)
        begins = np.repeat(starts, counts)
        one = np.repeat(rows[owners[places]], repeated)
        other = owners[ranges(begins, begins + repeated)]
        compared = one >= 0
        np.add.at(common, (one[compared], other[compared]), 1)


def _shingles(terms: Int32, bounds: Int64, vocabulary: int) -> tuple[Int64, Int64]:
    """Give passages' shingles, one passage after another, as numbers, and how many each has."""
    numbers, base = terms.astype(np.int64), vocabulary + 1
    if base > _CUBED:
        distinct, numbers = np.unique(terms, return_inverse=True)
        base = len(distinct) + 1
    base |= 1  # odd, so that all three have a part in the last bits
    numbers = np.append(numbers + 1, [0, 0, 0])
    runs = (numbers[:-2] * base + numbers[1:-1]) * base + numbers[2:]
    lengths = np.diff(bounds)
    counts = np.maximum(lengths - 2, 1)
    codes = runs[ranges(bounds[:-1], bounds[:-1] + counts)]
    short = np.flatnonzero(lengths < 3)  # noqa: PLR2004 -- which end before their run does
    places = offsets(counts)[short]
    codes[places] -= codes[places] % base ** (3 - lengths[short])
    return codes, counts


def elsewhere(terms: Int32, bounds: Int64) -> NDArray[np.uint8]:
    """Tell what share of each passage's shingles stands elsewhere, too, in 255ths; never less than does.

    Of two that are alike, nearly all of the shorter one does, and few passages are such. Shingles are counted
    by a hash, in a table of a byte or two for each term; two with the same hash count as one.

    Args:
        terms: the passages' terms, one passage after another.
        bounds: where each passage begins among them and the last one ends.
    """
    bits = (len(terms) + len(bounds)).bit_length()
    counted = np.zeros(1 << bits, np.uint8)
    for _, places, _ in _hashed(terms, bounds, bits):
        found, counts = np.unique(places, return_counts=True)
        counted[found] = np.minimum(counted[found] + counts, 2)
    shares = np.empty(len(bounds) - 1, np.uint8)
    for passages, places, counts in _hashed(terms, bounds, bits):
        repeated = np.add.reduceat(counted[places] > 1, offsets(counts)[:-1], dtype=np.int64)
        shares[passages] = np.ceil(ALL * repeated / counts)
    return shares


def _hashed(terms: Int32, bounds: Int64, bits: int) -> Iterator[tuple[slice, NDArray[np.uint64], Int64]]:
    """Give, some passages at a time, which these are, their shingles' hashes, and how many each has."""
    edges = np.searchsorted(bounds[:-1], np.arange(0, bounds[-1] + 1, _BLOCK))
    for first, last in pairwise(np.unique([*edges, len(bounds) - 1]).tolist()):
        some = bounds[first : last + 1]
        # Numbers that do not depend on what else is in the block; two terms with the same one do no harm.
        codes, counts = _shingles(terms[some[0] : some[-1]] % _FOLDED, some - some[0], _FOLDED)
        yield slice(first, last), codes.astype(np.uint64) * np.uint64(_GOLDEN) >> np.uint64(64 - bits), counts
