"""Which passages hold the question's words, how telling those are, and whether they stand together there.

A passage's BM25 score is divided by what the question's terms could give at most, the sum of their inverse
document frequencies, a term that no passage holds included. So it lies in [0, 1] and means the same for
every question: how much of what is telling in it the passage holds.

Everything is mapped into memory and nothing is read whole, so that an index of any size is open at once,
and any number of threads and processes may share it.
"""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, compress, pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qa.arrays import append, mapped, offsets, parts_of, ranges, shifted
from qa.errors import BuildError
from qa.index.lexical import shingles
from qa.index.lexical.postings import Float64, Postings, PostingsWriter, Scores, rarity
from qa.text.terms import common_terms
from qa.types import Float32, Int32, Int64

VERSION = 5
"""Changes whenever the same passages may get other terms or scores."""

# Words such as "when did" are rare where nobody asks questions, and yet they tell nothing.
COMMON_SHARE = 0.2
"""What a common word of a question counts."""

_FACTS, _HASHES, _NUMBERS, _COMMON = "facts.json", "hashes.npy", "numbers.npy", "common.npy"
_TERMS, _STARTS, _ELSEWHERE = "terms.npy", "sentence_starts.npy", "elsewhere.npy"

_BLOCK = 2**21
"""How many terms are gathered before they are written."""


@dataclass(frozen=True, slots=True)
class PassageTerms:
    """A passage's index terms: those of its title, section and headings, and those of each sentence."""

    context: Sequence[str]
    sentences: Sequence[Sequence[str]]


class Scored(Protocol):
    """The passages' scores for one question."""

    def of(self, rows: Int64) -> Float32:
        """Give those of these rows."""
        ...

    def best(self, count: int, allowed: Any = None) -> tuple[Int64, Float32]:
        """Find the passages with the highest, as ``postings.Scores`` does.

        Args:
            count: how many to find at most. One that holds no term is never found.
            allowed: which may be found, as their ``Corpus`` allowed them; all where None.
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
        """Give terms' numbers by their hashes, -1 where there is none, and how many passages hold each."""
        ...

    def score(self, terms: Int64, factors: Float64) -> Scored:
        """Score passages by terms' numbers; by the factors what each term gives is multiplied."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A question's terms as an index knows them.

    Attributes:
        weights: each different term's inverse document frequency, times its share; also of terms that no
            passage holds.
        total: the most that a passage's terms could weigh.
        known: the numbers of the terms that some passage holds.
        known_weights: their weights.
        pairs: which of them are neighbours, as places in ``known``, shape (pairs, 2).
        scores: the passages' BM25 as shares of the most, in [0, 1].
    """

    weights: Mapping[str, float]
    total: float
    known: Int64
    known_weights: Float64
    pairs: Int64
    scores: Scored


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What passages hold of a question's terms.

    Attributes:
        question: the question.
        held: which of its known terms each sentence holds, as 1 or 0, shape (sentences, terms).
        met: which of its neighbouring terms are neighbours in each passage, in the same way, shape
            (passages, pairs).
        bounds: where the sentences of each passage begin and those of the last end.
    """

    question: Question
    held: Float64
    met: Float64
    bounds: Int64

    def of(self, places: Int64) -> Matches:
        """Give those of some of the passages, in this order."""
        firsts, lasts = self.bounds[places], self.bounds[places + 1]
        held = self.held[ranges(firsts, lasts)]
        return Matches(self.question, held, self.met[places], offsets(lasts - firsts))

    def coverage(self, carried: Float32 | None = None) -> Float32:
        """Give the share of the question's terms, by weight, that each sentence holds, in [0, 1].

        Args:
            carried: what a term counts for each sentence if only the one before holds it; nothing by default.
        """
        held = self.held
        if carried is not None:
            held = np.maximum(held, carried[:, None] * shifted(held, 0))
        return (held @ self.question.known_weights / (self.question.total or 1)).astype(np.float32)

    def adjacency(self) -> Float32:
        """Give for each passage the share of the question's neighbouring terms that are neighbours there.

        By weight, in [0, 1].
        """
        weights = self.question.known_weights[self.question.pairs].min(axis=1)
        return np.asarray(self.met @ weights / (weights.sum() or 1), np.float32)


def ask(terms: Iterable[str], vocabulary: Vocabulary) -> Question:
    """Look a question's terms up, given in their order."""
    order = list(terms)
    different = list(dict.fromkeys(order))
    hashes = _hashes(different)
    numbers, frequencies = vocabulary.look_up(hashes)
    held = numbers >= 0
    common = vocabulary.common
    shares = np.array([COMMON_SHARE if code in common else 1.0 for code in hashes.tolist()])
    weights = shares * rarity(vocabulary.passages, frequencies)
    total = float(weights.sum())
    known = {term: place for place, term in enumerate(compress(different, held.tolist()))}
    pairs = {(known[a], known[b]) for a, b in pairwise(order) if a != b and a in known and b in known}
    return Question(
        dict(zip(different, weights.tolist(), strict=True)),
        total,
        numbers[held],
        weights[held],
        np.array(sorted(pairs), np.int64).reshape(-1, 2),
        vocabulary.score(numbers[held], shares[held] / (total or 1)),
    )


def find(question: Question, terms: Int32, sentences: Int64, bounds: Int64) -> Matches:
    """Find what passages hold of a question's terms.

    Args:
        question: the question.
        terms: the terms of the passages' sentences, one after another.
        sentences: where each sentence begins among them and the last one ends.
        bounds: where the sentences of each passage begin and those of the last end.
    """
    known, pairs = question.known, question.pairs
    found = np.flatnonzero(terms == known.astype(np.int32)[:, None])
    matched, places = np.divmod(found, max(len(terms), 1))
    order = np.argsort(places)
    matched, places = matched[order], places[order]
    held = np.zeros((len(sentences) - 1, len(known)))
    held[parts_of(sentences, places), matched] = 1
    numbers = np.full((len(known),) * 2, -1)
    numbers[tuple(pairs.T)] = np.arange(len(pairs))
    neighbours, owners = numbers[matched[:-1], matched[1:]], parts_of(sentences[bounds], places)
    beside = (places[1:] == places[:-1] + 1) & (owners[1:] == owners[:-1])
    side_by_side = np.flatnonzero((neighbours >= 0) & beside)
    met = np.zeros((len(bounds) - 1, len(pairs)))
    met[owners[side_by_side], neighbours[side_by_side]] = 1
    return Matches(question, held, met, bounds)


class LexicalWriter:
    """Writes a ``LexicalIndex`` into a new folder, passage by passage.

    Of all passages together, only the vocabulary and the lengths are kept in memory.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._postings = PostingsWriter(folder)
        self._vocabulary: defaultdict[str, int] = defaultdict()
        self._vocabulary.default_factory = self._vocabulary.__len__  # the next number
        self._passages = 0
        self._sentences, self._own = array("i"), array("i")
        self._terms, self._lengths, self._contexts = array("i"), array("i"), array("i")

    def add(self, passage: PassageTerms) -> None:
        """Add the passage of the next row."""
        before = len(self._terms)
        self._terms.extend(map(self._vocabulary.__getitem__, chain(passage.context, *passage.sentences)))
        self._lengths.append(len(self._terms) - before)
        self._contexts.append(len(passage.context))
        self._sentences.extend(map(len, passage.sentences))
        self._own.append(self._lengths[-1] - len(passage.context))
        self._passages += 1
        if len(self._terms) >= _BLOCK:
            self._flush()

    def close(self, languages: Iterable[str]) -> None:
        """Finish the index.

        Args:
            languages: those of the passages, as ISO 639-1 codes.

        Raises:
            BuildError: two terms have the same hash.
        """
        self._flush()
        self._postings.close()
        hashes = _hashes(self._vocabulary)
        order = np.argsort(hashes)
        # Ten million terms have all different ones but once in 370,000 such vocabularies.
        if (np.diff(hashes[order]) == 0).any():
            raise BuildError("two words of the documents have the same hash: it must be made of more bits")
        parts: dict[str, NDArray[Any]] = {
            _HASHES: hashes[order],
            _NUMBERS: order.astype(np.int32),
            _COMMON: np.sort(_hashes(common_terms(tuple(sorted(languages))))),
            _STARTS: offsets(np.array(self._sentences, np.int64)),
            _ELSEWHERE: shingles.elsewhere(
                mapped(self._folder / _TERMS, np.int32), offsets(np.array(self._own, np.int64))
            ),
        }
        for name, values in parts.items():
            np.save(self._folder / name, values, allow_pickle=False)
        (self._folder / _FACTS).write_text(json.dumps({"passages": self._passages}) + "\n", "utf-8")

    def _flush(self) -> None:
        """Write what has been gathered."""
        terms, lengths, contexts = (
            np.array(part, np.int64) for part in (self._terms, self._lengths, self._contexts)
        )
        self._postings.add(terms, lengths)
        starts = offsets(lengths)[:-1]
        append(self._folder / _TERMS, np.delete(terms, ranges(starts, starts + contexts)).astype(np.int32))
        self._terms, self._lengths, self._contexts = array("i"), array("i"), array("i")


class LexicalIndex:
    """BM25 over the passages' terms, and the terms of their sentences in their order."""

    def __init__(self, folder: Path) -> None:
        """Open what a ``LexicalWriter`` wrote.

        Raises:
            OSError: a file cannot be read.
            ValueError: the parts do not fit together.
        """
        self.passages: int = json.loads((folder / _FACTS).read_bytes())["passages"]
        self._postings = Postings(folder, self.passages)
        self._hashes: NDArray[np.uint64] = mapped(folder / _HASHES, np.uint64)
        self._numbers: Int32 = mapped(folder / _NUMBERS, np.int32)
        self.common = frozenset(mapped(folder / _COMMON, np.uint64).tolist())
        self._terms: Int32 = mapped(folder / _TERMS, np.int32)
        self._starts: Int64 = mapped(folder / _STARTS, np.int64)
        # An index that was built before version 5 does not know.
        self._elsewhere: NDArray[np.uint8] = np.full(self.passages, shingles.ALL, np.uint8)
        if (folder / _ELSEWHERE).exists():
            self._elsewhere = mapped(folder / _ELSEWHERE, np.uint8)
        if len(self._elsewhere) != self.passages:
            raise ValueError(f"{folder / _ELSEWHERE} is not of {self.passages} passages")
        if not len(self._hashes) == len(self._numbers) == self._postings.terms:
            raise ValueError(f"{folder} does not hold {self._postings.terms} terms")
        if len(self._terms) != self._starts[-1]:
            raise ValueError(f"{folder / _TERMS} does not hold {self._starts[-1]} terms")

    @property
    def sentences(self) -> int:
        """How many sentences there are."""
        return len(self._starts) - 1

    def question(self, terms: Iterable[str]) -> Question:
        """Look a question's terms up, given in their order."""
        return ask(terms, self)

    def look_up(self, hashes: NDArray[np.uint64]) -> tuple[Int64, Int64]:
        """Give terms' numbers by their hashes, -1 where there is none, and how many passages hold each."""
        places = np.searchsorted(self._hashes, hashes)
        held = places < len(self._hashes)
        held[held] = self._hashes[places[held]] == hashes[held]
        numbers, frequencies = np.full(len(hashes), -1), np.zeros(len(hashes), np.int64)
        numbers[held] = self._numbers[places[held]]
        frequencies[held] = self._postings.frequencies(numbers[held])
        return numbers, frequencies

    def score(self, terms: Int64, factors: Float64) -> Scores:
        """Score passages by terms' numbers; by the factors what each term gives is multiplied."""
        return self._postings.ask(terms, factors)

    def vocabulary(self) -> tuple[NDArray[np.uint64], Int32, Int64]:
        """Give every term's hash and number, and how many passages hold it."""
        return self._hashes, self._numbers, self._postings.frequencies(self._numbers.astype(np.int64))

    def gains(self, first: int, last: int) -> tuple[Int64, Int64, Float32]:
        """Give what terms give to passages, as ``Postings.of_passages`` does."""
        return self._postings.of_passages(first, last)

    def terms(self, first: int, last: int) -> tuple[Int32, Int64]:
        """Give the terms of the sentences from ``first`` to ``last``, and where each one's begin and end."""
        starts = self._starts[first : last + 1]
        return self._terms[starts[0] : starts[-1]], starts - starts[0]

    def matches(self, question: Question, firsts: Int64, lasts: Int64) -> Matches:
        """Find what passages hold of a question's terms.

        Args:
            question: the question.
            firsts: each passage's first sentence.
            lasts: each passage's last sentence, exclusive.
        """
        rows = ranges(firsts, lasts)
        terms, _ = self._read(firsts, lasts)
        sentences = offsets(self._starts[rows + 1] - self._starts[rows])
        return find(question, terms, sentences, offsets(lasts - firsts))

    def alike(self, rows: Int64, firsts: Int64, lasts: Int64, least: float) -> NDArray[np.bool_]:
        """Tell which passages are alike, as ``shingles.alike`` does.

        Args:
            rows: the passages'.
            firsts: each passage's first sentence.
            lasts: each passage's last sentence, exclusive.
            least: the share.
        """
        if not (self._elsewhere[rows] >= shingles.ALL * least).any():  # of two that are, one does
            return np.eye(len(rows), dtype=np.bool_)
        return shingles.alike(*self._read(firsts, lasts), len(self._numbers), least)

    def _read(self, firsts: Int64, lasts: Int64) -> tuple[Int32, Int64]:
        """Give the terms of ranges of sentences, one after another, and where each range begins and ends."""
        begins, ends = self._starts[firsts], self._starts[lasts]
        return self._terms[ranges(begins, ends)], offsets(ends - begins)


def _hashes(terms: Iterable[str]) -> NDArray[np.uint64]:
    """Give each term's hash, of 64 bits: what stands for it on disk."""
    digests = (blake2b(term.encode(), digest_size=8).digest() for term in terms)
    return np.frombuffer(b"".join(digests), "<u8")
