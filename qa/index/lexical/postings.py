"""Postings: which passages hold a term and its BM25 impact on each; the best passages for several terms.

Impacts are stored, so that searching is only adding them up.
"""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from qa.arrays import mapped, offsets, parts_of, ranges
from qa.index.lexical import bm25
from qa.index.lexical.bm25 import Float64
from qa.types import Float32, Int32, Int64

_STARTS, _ROWS, _IMPACTS, _MAX_IMPACTS = (
    "posting_starts.npy",
    "posting_rows.npy",
    "posting_gains.npy",
    "posting_most.npy",
)
_DRAFT = "postings.draft"

_ALL_SCORED = 2**16
"""With up to so many postings and passages, every passage is scored: nothing else is faster (measured)."""

_LOOK_UP = 32
"""How many postings are added up in the time that it takes to look one up (measured)."""


class PostingsWriter:
    """Writes ``Postings`` into a folder, a block of passages at a time.

    A block's postings go to a draft, ordered by term. Once all passages' lengths and all terms' frequencies
    are known, ``close`` puts each block's behind those of the blocks before. So each term's postings come in
    the order of their rows, and no more than a block of them is ever in memory.

    Passage 0 holds the terms 0 and 1, passage 1 the term 1 twice, passage 2 nothing:

    >>> from tempfile import TemporaryDirectory
    >>> temporary = TemporaryDirectory()
    >>> folder = Path(temporary.name)
    >>> writer = PostingsWriter(folder)
    >>> writer.add(np.array([0, 1]), np.array([2]))
    >>> writer.add(np.array([1, 1]), np.array([2, 0]))
    >>> writer.close()
    >>> np.load(folder / "posting_starts.npy").tolist(), np.load(folder / "posting_rows.npy").tolist()
    ([0, 1, 3], [0, 0, 1])
    >>> temporary.cleanup()
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
        keys = np.sort(terms << 32 | rows)  # by term, then by row
        postings = np.flatnonzero(np.diff(keys, prepend=-1))  # a term may be in a passage more than once
        keys, counts = keys[postings], np.diff(postings, append=len(keys))
        block_terms, frequencies = np.unique(keys >> 32, return_counts=True)
        with (self._folder / _DRAFT).open("ab") as file:
            for part in (np.array([len(block_terms), len(keys)]), block_terms, frequencies):
                part.tofile(file)
            for part in (keys & (2**32 - 1), counts):
                part.astype(np.int32).tofile(file)
        self._blocks += 1
        new = max(0, int(block_terms.max(initial=-1)) + 1 - len(self._frequencies))
        self._frequencies = np.append(self._frequencies, np.zeros(new, np.int64))
        self._frequencies[block_terms] += frequencies

    def close(self) -> None:
        """Finish the postings."""
        starts = offsets(self._frequencies)
        rows = open_memmap(self._folder / _ROWS, "w+", np.int32, (int(starts[-1]),))
        impacts = open_memmap(self._folder / _IMPACTS, "w+", np.float32, rows.shape)
        max_impacts = np.zeros(len(self._frequencies), np.float32)
        saturations = bm25.saturations(np.array(self._lengths, np.float64))
        idfs, ends = bm25.idf(len(saturations), self._frequencies), starts[:-1].copy()
        with (self._folder / _DRAFT).open("rb") as file:
            for _ in range(self._blocks):
                sizes = np.fromfile(file, np.int64, 2).tolist()
                terms, frequencies = (np.fromfile(file, np.int64, sizes[0]) for _ in range(2))
                block_rows, counts = (np.fromfile(file, np.int32, sizes[1]) for _ in range(2))
                block = bm25.impacts(np.repeat(idfs[terms], frequencies), counts, saturations[block_rows])
                places = ranges(ends[terms], ends[terms] + frequencies)
                rows[places], impacts[places] = block_rows, block
                if len(terms):
                    greatest = np.maximum.reduceat(block, offsets(frequencies)[:-1]).astype(np.float32)
                    max_impacts[terms] = np.maximum(max_impacts[terms], greatest)
                ends[terms] += frequencies
        (self._folder / _DRAFT).unlink()
        np.save(self._folder / _STARTS, starts, allow_pickle=False)
        np.save(self._folder / _MAX_IMPACTS, max_impacts, allow_pickle=False)


class Postings:
    """For each term the rows of the passages that hold it, ascending, and its impact on each of them."""

    def __init__(self, folder: Path, passages: int) -> None:
        """Open what a ``PostingsWriter`` wrote about so many passages.

        Raises:
            OSError: a file cannot be read.
            ValueError: the parts do not fit together.
        """
        self._starts: Int64 = mapped(folder / _STARTS, np.int64)
        self._rows: Int32 = mapped(folder / _ROWS, np.int32)
        self._impacts: Float32 = mapped(folder / _IMPACTS, np.float32)
        self._max_impacts: Float32 = mapped(folder / _MAX_IMPACTS, np.float32)
        self.passages = passages
        if not len(self._rows) == len(self._impacts) == self._starts[-1]:
            raise ValueError(f"{folder} does not hold {self._starts[-1]} postings")
        if len(self._max_impacts) != self.terms:
            raise ValueError(f"{folder} does not hold the postings of {len(self._max_impacts)} terms")

    @property
    def terms(self) -> int:
        """How many terms there are."""
        return len(self._starts) - 1

    def frequencies(self, terms: Int64) -> Int64:
        """Return how many passages hold each term."""
        return self._starts[terms + 1] - self._starts[terms]

    def score(self, terms: Int64, factors: Float64) -> Scores:
        """Score passages for a question.

        Args:
            terms: numbers of different terms.
            factors: factors of the terms' impacts; positive.
        """
        small = self.passages + int(self.frequencies(terms).sum()) <= _ALL_SCORED
        return Scores(self, terms, factors, self._score_all(terms, factors) if small else None)

    def _score_all(self, terms: Int64, factors: Float64) -> Float64:
        """Score every passage."""
        starts, ends = self._starts[terms], self._starts[terms + 1]
        places = ranges(starts, ends)
        impacts = self._impacts[places] * factors.repeat(ends - starts)
        return np.bincount(self._rows[places], impacts, self.passages).astype(np.float64, copy=False)

    def accumulate(self, scores: Float32, term: int, factor: float) -> Int32:
        """Add a term's impacts to all passages' scores, and return the rows that hold it."""
        part = slice(*self._starts[[term, term + 1]].tolist())
        np.add.at(scores, self._rows[part], self._impacts[part] * np.float32(factor))
        return self._rows[part]

    def impacts(self, term: int, rows: Int64) -> tuple[Int64, Float32]:
        """Look up a term in some passages.

        Returns:
            The places in ``rows`` of those that hold it, and its impact on each of these.
        """
        start, end = self._starts[[term, term + 1]].tolist()
        wanted = rows.astype(np.int32)  # of the type of the postings, which would be copied otherwise
        places = start + np.searchsorted(self._rows[start:end], wanted)
        held = np.flatnonzero(self._rows[np.minimum(places, end - 1)] == wanted)
        return held, self._impacts[places[held]]

    def impacts_on_passages(self, first: int, last: int) -> tuple[Int64, Int64, Float32]:
        """Return the terms of passages ``first`` to ``last`` and their impacts, passage after passage.

        Returns:
            Where each passage begins and the last one ends, the terms, and the impact of each.
        """
        places = np.flatnonzero((self._rows >= first) & (self._rows < last))
        rows = self._rows[places]
        order = np.argsort(rows, kind="stable")
        places = places[order]
        terms = parts_of(self._starts, places)
        return np.searchsorted(rows[order], np.arange(first, last + 1)), terms, self._impacts[places]

    def max_impacts(self, terms: Int64) -> Float32:
        """Return each term's largest impact on any passage."""
        return self._max_impacts[terms]


class Scores:
    """The passages' scores for one question: all of them if there are few, else those that are wanted."""

    def __init__(
        self, postings: Postings, terms: Int64, factors: Float64, all_scores: Float64 | None
    ) -> None:
        self._postings = postings
        self._terms = terms
        self._factors = factors
        self._all = all_scores

    def take(self, rows: Int64) -> Float32:
        """Return the scores of these rows."""
        if self._all is not None:
            return self._all[rows].astype(np.float32)
        scores = np.zeros(len(rows))
        for term, factor in zip(self._terms.tolist(), self._factors.tolist(), strict=True):
            held, impacts = self._postings.impacts(term, rows)
            scores[held] += factor * impacts.astype(np.float64)
        return scores.astype(np.float32)

    def top(self, count: int, allowed: Int64 | None = None) -> tuple[Int64, Float32]:
        """Return the rows with the highest scores and the scores, best first; equal ones by row.

        Args:
            count: the largest number of passages. Those that hold no term are left out.
            allowed: the rows that may be returned, ascending; all if None.
        """
        rows = self._candidates(count, allowed)
        scores = self.take(rows)
        threshold = np.partition(scores, -count)[-count] if len(rows) > count else 0
        kept = np.flatnonzero((scores >= threshold) & (scores > 0))
        order = kept[np.argsort(-scores[kept], kind="stable")[:count]]
        return rows[order], scores[order]

    def _candidates(self, count: int, allowed: Int64 | None) -> Int64:
        """Return rows, ascending, among which are the best."""
        passages = self._postings.passages
        if allowed is None:
            if self._all is not None:
                return np.arange(passages)
            return self._max_score(count, np.zeros(passages, np.float32))
        if self._all is not None or _LOOK_UP * len(allowed) * len(self._terms) <= passages:
            return allowed
        scores = np.full(passages, -np.inf, np.float32)
        scores[allowed] = 0
        return self._max_score(count, scores)

    def _max_score(self, count: int, scores: Float32) -> Int64:
        """Find the rows that may be among the best, by MaxScore.

        Turtle and Flood, Query Evaluation: Strategies and Optimizations (1995): terms are taken by falling
        impact. Once ``count`` passages score more than all the terms that are left could add, a passage that
        holds none of the terms so far is out. The terms that are left are the common words, whose lists are
        long.

        Args:
            count: how many passages are wanted.
            scores: each passage's score so far: 0, or less if it is not allowed.
        """
        max_impacts = self._factors * self._postings.max_impacts(self._terms)
        order = np.argsort(-max_impacts)
        terms, factors = self._terms[order].tolist(), self._factors[order].tolist()
        left = np.append(np.cumsum(max_impacts[order][::-1])[::-1], 0)
        # The threshold is a little lower than the sums of 32 bits say, in case rounding would drop one of
        # the best.
        margin = 1 - (len(terms) + 2) * 2.0**-22
        threshold, leaders, used = 0.0, np.empty(0, np.int32), 0
        while used < len(terms) and left[used] >= threshold:
            rows = self._postings.accumulate(scores, terms[used], factors[used])
            better = _greatest(scores, rows[scores[rows] > threshold], count)
            leaders = _greatest(scores, np.union1d(leaders, better), count)
            threshold = margin * float(scores[leaders].min()) if len(leaders) == count else 0.0
            used += 1
        candidates = np.flatnonzero(scores > max(threshold - left[used], 0))
        for place in range(used, len(terms)):
            if len(candidates) <= 2 * count:  # few enough to be scored in full
                break
            self._add_impacts(scores, terms[place], factors[place], candidates)
            threshold = max(threshold, margin * float(np.partition(scores[candidates], -count)[-count]))
            candidates = candidates[scores[candidates] > threshold - left[place + 1]]
        return candidates

    def _add_impacts(self, scores: Float32, term: int, factor: float, rows: Int64) -> None:
        """Add a term's impacts to the scores of at least these rows, which ascend."""
        if self._postings.frequencies(np.array([term]))[0] < _LOOK_UP * len(rows):
            self._postings.accumulate(scores, term, factor)
        else:
            held, impacts = self._postings.impacts(term, rows)
            scores[rows[held]] += impacts * np.float32(factor)


def _greatest(scores: Float32, rows: Int32, count: int) -> Int32:
    """Return the ``count`` of these rows with the highest scores, or all, in any order."""
    return rows[np.argpartition(scores[rows], -count)[-count:]] if len(rows) > count else rows
