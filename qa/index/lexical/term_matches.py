"""A question's terms: how much each counts, and what passages hold of them.

A passage's BM25 score is divided by the most that the question's terms could contribute: the sum of their
inverse document frequencies, including terms that no passage holds. So it lies in [0, 1] and means the same
for every question: the share of the question's information that the passage holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import compress, pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qa.arrays import offsets, parts_of, ranges, shifted
from qa.index.lexical.bm25 import Float64, idf
from qa.types import Float32, Int32, Int64

COMMON_SHARE = 0.2
"""A common word of a question has this share of its weight. Words such as "when did" are rare in documents
that ask no questions, but say nothing of the subject. Measured: .971 instead of .970 of first places
(``benchmarks/README.md``)."""


class LexicalScores(Protocol):
    """The passages' BM25 scores for one question."""

    def take(self, rows: Int64) -> Float32:
        """Return the scores of these rows."""
        ...

    def top(self, count: int, allowed: Any = None) -> tuple[Int64, Float32]:
        """Return the rows with the highest scores and the scores, best first; equal ones by row.

        Args:
            count: the largest number of passages. Those that hold no term are left out.
            allowed: the passages that may be returned, as their ``Corpus`` returned them; all if None.
        """
        ...


class Vocabulary(Protocol):
    """The terms of the passages."""

    @property
    def passages(self) -> int:
        """How many passages there are."""
        ...

    @property
    def common(self) -> frozenset[int]:
        """The hashes of common words."""
        ...

    def look_up(self, hashes: NDArray[np.uint64]) -> tuple[Int64, Int64]:
        """Return terms' numbers by their hashes, -1 for unknown ones, and how many passages hold each."""
        ...

    def score(self, terms: Int64, factors: Float64) -> LexicalScores:
        """Score passages by terms' numbers.

        Args:
            terms: numbers of different terms.
            factors: factors of the terms' impacts; positive.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class QuestionTerms:
    """A question's terms as an index knows them.

    Attributes:
        weights: each different term's inverse document frequency, times its share; also of terms that no
            passage holds.
        total: the sum of the weights.
        known: the numbers of the terms that some passage holds.
        known_weights: their weights.
        pairs: which of them are neighbours, as places in ``known``, shape (pairs, 2).
        scores: the passages' BM25 scores as shares of the highest possible, in [0, 1].
        known_terms: the terms that ``known`` numbers, in the same order.
        common: those of the terms that are common in any text.
    """

    weights: Mapping[str, float]
    total: float
    known: Int64
    known_weights: Float64
    pairs: Int64
    scores: LexicalScores
    known_terms: tuple[str, ...] = ()
    common: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class TermMatches:
    """What passages hold of a question's terms.

    Attributes:
        question: the question's terms.
        held: 1 for each known term that a sentence holds, else 0, shape (sentences, terms).
        adjacent: 1 for each pair of neighbouring terms that are neighbours in a passage, else 0, shape
            (passages, pairs).
        bounds: where the sentences of each passage begin and the last one's end.
    """

    question: QuestionTerms
    held: Float64
    adjacent: Float64
    bounds: Int64

    def take(self, places: Int64) -> TermMatches:
        """Return the matches of some of the passages, in this order."""
        firsts, lasts = self.bounds[places], self.bounds[places + 1]
        held = self.held[ranges(firsts, lasts)]
        return TermMatches(self.question, held, self.adjacent[places], offsets(lasts - firsts))

    def coverage(self, discounts: Float32 | None = None) -> Float32:
        """Return the share of the question's terms, by weight, that each sentence holds, in [0, 1].

        Args:
            discounts: for each sentence, how much a term counts that only the one before holds; 0 by default.
        """
        held = self.held
        if discounts is not None:
            held = np.maximum(held, discounts[:, None] * shifted(held, 0))
        return (held @ self.question.known_weights / (self.question.total or 1)).astype(np.float32)

    def weighted_share(self, weights: Float64) -> Float32:
        """Return the share of some known terms that each sentence holds, in [0, 1].

        Args:
            weights: the weight of each known term.
        """
        return np.asarray(self.held @ weights / (weights.sum() or 1), np.float32)

    def adjacency(self) -> Float32:
        """Return the share of the question's neighbouring terms that are neighbours in each passage.

        By weight, in [0, 1].
        """
        weights = self.question.known_weights[self.question.pairs].min(axis=1)
        return np.asarray(self.adjacent @ weights / (weights.sum() or 1), np.float32)


def look_up_terms(terms: Iterable[str], vocabulary: Vocabulary) -> QuestionTerms:
    """Look up a question's terms, in their order."""
    order = list(terms)
    different = list(dict.fromkeys(order))
    hashes = hash_terms(different)
    numbers, frequencies = vocabulary.look_up(hashes)
    held = numbers >= 0
    is_common = [code in vocabulary.common for code in hashes.tolist()]
    shares = np.where(np.array(is_common, np.bool_), COMMON_SHARE, 1.0)
    weights = shares * idf(vocabulary.passages, frequencies)
    total = float(weights.sum())
    known = {term: place for place, term in enumerate(compress(different, held.tolist()))}
    pairs = {(known[a], known[b]) for a, b in pairwise(order) if a != b and a in known and b in known}
    return QuestionTerms(
        dict(zip(different, weights.tolist(), strict=True)),
        total,
        numbers[held],
        weights[held],
        np.array(sorted(pairs), np.int64).reshape(-1, 2),
        vocabulary.score(numbers[held], shares[held] / (total or 1)),
        tuple(known),
        frozenset(compress(different, is_common)),
    )


def match_terms(question: QuestionTerms, terms: Int32, sentences: Int64, bounds: Int64) -> TermMatches:
    """Match passages with a question's terms.

    Args:
        question: the question's terms.
        terms: the terms of the passages' sentences, one after another.
        sentences: where each sentence begins among them and the last one ends.
        bounds: where the sentences of each passage begin and the last one's end.

    The question has the terms 7 and 4, side by side. The first passage has the sentences "7 4" and "5", the
    second "4 7":

    >>> pair, two = np.array([[0, 1]]), np.array([1.0, 1.0])
    >>> question = QuestionTerms({}, 2.0, np.array([7, 4]), two, pair, None)
    >>> matches = match_terms(
    ...     question, np.array([7, 4, 5, 4, 7]), np.array([0, 2, 3, 5]), np.array([0, 2, 3])
    ... )
    >>> matches.held.tolist(), matches.adjacent.tolist()
    ([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]], [[1.0], [0.0]])
    """
    known, pairs = question.known, question.pairs
    # Where the terms stand, as places in `terms`, with the place in `known` of the term that stands there.
    matched, places = np.divmod(np.flatnonzero(terms == known.astype(np.int32)[:, None]), max(len(terms), 1))
    order = np.argsort(places)
    matched, places = matched[order], places[order]
    held = np.zeros((len(sentences) - 1, len(known)))
    held[parts_of(sentences, places), matched] = 1
    # Each match and the next one: which pair they are, -1 for none, and whether they are neighbours.
    pair_numbers = np.full((len(known),) * 2, -1)
    pair_numbers[tuple(pairs.T)] = np.arange(len(pairs))
    pair, passages = pair_numbers[matched[:-1], matched[1:]], parts_of(sentences[bounds], places)
    neighbours = (places[1:] == places[:-1] + 1) & (passages[1:] == passages[:-1])
    side_by_side = np.flatnonzero((pair >= 0) & neighbours)
    adjacent = np.zeros((len(bounds) - 1, len(pairs)))
    adjacent[passages[side_by_side], pair[side_by_side]] = 1
    return TermMatches(question, held, adjacent, bounds)


def hash_terms(terms: Iterable[str]) -> NDArray[np.uint64]:
    """Return each term's hash of 64 bits, which stands for it on disk."""
    digests = (blake2b(term.encode(), digest_size=8).digest() for term in terms)
    return np.frombuffer(b"".join(digests), "<u8")
