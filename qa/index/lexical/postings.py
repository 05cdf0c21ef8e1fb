"""Postings: which passages hold a term, what BM25 gives each of them for it, and the best for several terms.

BM25 is that of Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009), with
k1 1.2 and b .75, as Lucene has it. What a term gives a passage is stored, so that to search is to add.
"""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from qa.arrays import mapped, offsets, parts_of, ranges
from qa.types import Float32, Int32, Int64

Float64 = NDArray[np.float64]

K1, B = 1.2, 0.75

_STARTS, _ROWS, _GAINS, _MOST = (
    "posting_starts.npy",
    "posting_rows.npy",
    "posting_gains.npy",
    "posting_most.npy",
)
_DRAFT = "postings.draft"

_WALKED = 2**16
"""Up to this many postings and passages, every passage is scored: nothing else is faster."""

_LOOK_UP = 32
"""How many postings are walked in the time that it takes to look one up."""


def rarity(passages: int, frequencies: Int64) -> Float64:
    """Give terms' inverse document frequency, which in Lucene's form is never negative.

    Args:
        passages: how many there are.
        frequencies: how many of them hold each term.
    """
    found: Float64 = np.log1p((passages - frequencies + 0.5) / (frequencies + 0.5))
    return found


class PostingsWriter:
    """Writes ``Postings`` into a folder, a block of passages at a time.

    A block's postings go to a draft, ordered by term. Once all passages' lengths and all terms' frequencies
    are known, those of each block are put behind those of the blocks before: so each term's come in the
    order of their rows, and no more than a block of them is ever in memory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lengths = array("i")
        self._frequencies = np.zeros(0, np.int64)
        self._blocks = 0
        (folder / _DRAFT).touch()

    def add(self, terms: Int64, lengths: Int64) -> None:
        """Add the passages of the next rows: their terms, one after another, and how many each has."""
        first = len(self._lengths)
        self._lengths.frombytes(lengths.astype(np.int32).tobytes())
        rows = np.repeat(np.arange(first, len(self._lengths)), lengths)
        keys = np.sort(terms << 32 | rows)
        places = np.flatnonzero(np.diff(keys, prepend=-1))  # a term may be in a passage more than once
        keys, counts = keys[places], np.diff(places, append=len(keys))
        found, frequencies = np.unique(keys >> 32, return_counts=True)
        with (self._folder / _DRAFT).open("ab") as file:
            for part in (np.array([len(found), len(keys)]), found, frequencies):
                part.tofile(file)
            for part in (keys & (2**32 - 1), counts):
                part.astype(np.int32).tofile(file)
        self._blocks += 1
        new = max(0, int(found.max(initial=-1)) + 1 - len(self._frequencies))
        self._frequencies = np.append(self._frequencies, np.zeros(new, np.int64))
        self._frequencies[found] += frequencies

    def close(self) -> None:
        """Finish the postings."""
        starts = offsets(self._frequencies)
        rows = open_memmap(self._folder / _ROWS, "w+", np.int32, (int(starts[-1]),))
        gains = open_memmap(self._folder / _GAINS, "w+", np.float32, rows.shape)
        most = np.zeros(len(self._frequencies), np.float32)
        lengths = np.array(self._lengths, np.float64)
        lengths = K1 * (1 - B + B * lengths / (lengths.sum() / max(len(lengths), 1) or 1))
        rarities, ends = rarity(len(lengths), self._frequencies), starts[:-1].copy()
        with (self._folder / _DRAFT).open("rb") as file:
            for _ in range(self._blocks):
                sizes = np.fromfile(file, np.int64, 2).tolist()
                terms, frequencies = (np.fromfile(file, np.int64, sizes[0]) for _ in range(2))
                holding, counts = (np.fromfile(file, np.int32, sizes[1]) for _ in range(2))
                gained = np.repeat(rarities[terms], frequencies) * counts / (counts + lengths[holding])
                places = ranges(ends[terms], ends[terms] + frequencies)
                rows[places], gains[places] = holding, gained
                greatest = np.maximum.reduceat(gained, offsets(frequencies)[:-1]) if len(terms) else most[:0]
                most[terms] = np.maximum(most[terms], greatest.astype(np.float32))
                ends[terms] += frequencies
        (self._folder / _DRAFT).unlink()
        np.save(self._folder / _STARTS, starts, allow_pickle=False)
        np.save(self._folder / _MOST, most, allow_pickle=False)


class Postings:
    """For each term the rows of the passages that hold it, ascending, and what it gives each of them."""

    def __init__(self, folder: Path, passages: int) -> None:
        """Open what a ``PostingsWriter`` wrote about so many passages.

        Raises:
            OSError: a file cannot be read.
            ValueError: the parts do not fit together.
        """
        self._starts: Int64 = mapped(folder / _STARTS, np.int64)
        self._rows: Int32 = mapped(folder / _ROWS, np.int32)
        self._gains: Float32 = mapped(folder / _GAINS, np.float32)
        self._most: Float32 = mapped(folder / _MOST, np.float32)
        self.passages = passages
        if not len(self._rows) == len(self._gains) == self._starts[-1]:
            raise ValueError(f"{folder} does not hold {self._starts[-1]} postings")
        if len(self._most) != self.terms:
            raise ValueError(f"{folder} does not hold the postings of {len(self._most)} terms")

    @property
    def terms(self) -> int:
        """How many terms there are."""
        return len(self._starts) - 1

    def frequencies(self, terms: Int64) -> Int64:
        """Tell how many passages hold each term."""
        return self._starts[terms + 1] - self._starts[terms]

    def ask(self, terms: Int64, factors: Float64) -> Scores:
        """Score passages for a question.

        Args:
            terms: different ones.
            factors: by what each term's gain is multiplied; positive.
        """
        small = self.passages + int(self.frequencies(terms).sum()) <= _WALKED
        return Scores(self, terms, factors, self._all(terms, factors) if small else None)

    def _all(self, terms: Int64, factors: Float64) -> Float64:
        """Score every passage."""
        starts, ends = self._starts[terms], self._starts[terms + 1]
        places = ranges(starts, ends)
        gains = self._gains[places] * factors.repeat(ends - starts)
        return np.bincount(self._rows[places], gains, self.passages).astype(np.float64, copy=False)

    def walk(self, scores: Float32, term: int, factor: float) -> Int32:
        """Add what a term gives; tell to whom."""
        part = slice(*self._starts[[term, term + 1]].tolist())
        np.add.at(scores, self._rows[part], self._gains[part] * np.float32(factor))
        return self._rows[part]

    def gains(self, term: int, rows: Int64) -> tuple[Int64, Float32]:
        """Look up what a term gives to passages: which of the rows hold it, and what each of these gets."""
        start, end = self._starts[[term, term + 1]].tolist()
        wanted = rows.astype(np.int32)  # of the type of the postings, which would be copied otherwise
        places = start + np.searchsorted(self._rows[start:end], wanted)
        held = np.flatnonzero(self._rows[np.minimum(places, end - 1)] == wanted)
        return held, self._gains[places[held]]

    def of_passages(self, first: int, last: int) -> tuple[Int64, Int64, Float32]:
        """Give what the terms of passages ``first`` to ``last`` give them, passage after passage.

        Returns:
            Where each passage begins and the last one ends, the terms, and what each gives.
        """
        places = np.flatnonzero((self._rows >= first) & (self._rows < last))
        rows = self._rows[places]
        order = np.argsort(rows, kind="stable")
        places = places[order]
        terms = parts_of(self._starts, places)
        return np.searchsorted(rows[order], np.arange(first, last + 1)), terms, self._gains[places]

    def most(self, terms: Int64) -> Float32:
        """Tell the most that each term gives to any passage."""
        return self._most[terms]


class Scores:
    """The passages' scores for one question: all of them where there are few, or those that are asked for."""

    def __init__(self, postings: Postings, terms: Int64, factors: Float64, every: Float64 | None) -> None:
        self._postings = postings
        self._terms = terms
        self._factors = factors
        self._every = every

    def of(self, rows: Int64) -> Float32:
        """Give those of these rows."""
        if self._every is not None:
            return self._every[rows].astype(np.float32)
        found = np.zeros(len(rows))
        for term, factor in zip(self._terms.tolist(), self._factors.tolist(), strict=True):
            held, gains = self._postings.gains(term, rows)
            found[held] += factor * gains.astype(np.float64)
        return found.astype(np.float32)

    def best(self, count: int, allowed: Int64 | None = None) -> tuple[Int64, Float32]:
        """Find the passages with the highest; of equal ones, those of the lower rows.

        Args:
            count: how many to find at most. One that holds no term is never found.
            allowed: the rows that may be found, ascending; all where None.

        Returns:
            Their rows and scores, best first.
        """
        rows = self._candidates(count, allowed)
        scores = self.of(rows)
        least = np.partition(scores, -count)[-count] if len(rows) > count else 0
        kept = np.flatnonzero((scores >= least) & (scores > 0))
        order = kept[np.argsort(-scores[kept], kind="stable")[:count]]
        return rows[order], scores[order]

    def _candidates(self, count: int, allowed: Int64 | None) -> Int64:
        """Give rows, ascending, among which are the best."""
        passages = self._postings.passages
        if allowed is None:
            if self._every is not None:
                return np.arange(passages)
            return self._likely(count, np.zeros(passages, np.float32))
        if self._every is not None or _LOOK_UP * len(allowed) * len(self._terms) <= passages:
            return allowed
        scores = np.full(passages, -np.inf, np.float32)
        scores[allowed] = 0
        return self._likely(count, scores)

    def _likely(self, count: int, scores: Float32) -> Int64:
        """Find the rows that may be among the best, by MaxScore.

        Turtle and Flood, Query Evaluation: Strategies and Optimizations (1995): once ``count`` passages have
        more than all the terms that are left could give, whoever holds none of the others is out. Those that
        are left are the ones that give least, the common words with their long lists.

        Args:
            count: how many are wanted.
            scores: what each passage has so far: nothing, or less than that if it may not be found.
        """
        most = self._factors * self._postings.most(self._terms)
        order = np.argsort(-most)
        terms, factors = self._terms[order].tolist(), self._factors[order].tolist()
        left = np.append(np.cumsum(most[order][::-1])[::-1], 0)
        # As sums of 32 bits have it; a little less, lest rounding leave out one of the best.
        sure = 1 - (len(terms) + 2) * 2.0**-22
        least, leaders, walked = 0.0, np.empty(0, np.int32), 0
        while walked < len(terms) and left[walked] >= least:
            rows = self._postings.walk(scores, terms[walked], factors[walked])
            better = _greatest(scores, rows[scores[rows] > least], count)
            leaders = _greatest(scores, np.union1d(leaders, better), count)
            least = sure * float(scores[leaders].min()) if len(leaders) == count else 0.0
            walked += 1
        found = np.flatnonzero(scores > max(least - left[walked], 0))
        for place in range(walked, len(terms)):
            if len(found) <= 2 * count:  # few enough to be scored in full
                break
            self._gain(scores, terms[place], factors[place], found)
            least = max(least, sure * float(np.partition(scores[found], -count)[-count]))
            found = found[scores[found] > least - left[place + 1]]
        return found

    def _gain(self, scores: Float32, term: int, factor: float, rows: Int64) -> None:
        """Add what a term gives to at least these rows, which ascend."""
        if self._postings.frequencies(np.array([term]))[0] < _LOOK_UP * len(rows):
            self._postings.walk(scores, term, factor)
        else:
            held, gains = self._postings.gains(term, rows)
            scores[rows[held]] += gains * np.float32(factor)


def _greatest(scores: Float32, rows: Int32, count: int) -> Int32:
    """Give the ``count`` of these rows, or all, that have the highest scores, in any order."""
    return rows[np.argpartition(scores[rows], -count)[-count:]] if len(rows) > count else rows
