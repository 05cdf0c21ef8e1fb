"""The lexical index on disk: postings, vocabulary, and the terms of each sentence.

Everything is mapped into memory and nothing is read whole. So an index of any size opens at once, and any
number of threads and processes can share it.
"""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.arrays import append, mapped, offsets, ranges
from qa.errors import BuildError
from qa.index.lexical import shingles
from qa.index.lexical.bm25 import Float64
from qa.index.lexical.postings import Postings, PostingsWriter, Scores
from qa.index.lexical.term_matches import QuestionTerms, TermMatches, hash_terms, match_terms
from qa.text.terms import common_terms
from qa.types import Float32, Int32, Int64

VERSION = 6
"""Changes whenever the same passages may get other terms or scores."""

_FACTS, _HASHES, _NUMBERS, _COMMON = "facts.json", "hashes.npy", "numbers.npy", "common.npy"
_TERMS, _STARTS, _SHARED = "terms.npy", "sentence_starts.npy", "elsewhere.npy"

_BLOCK = 2**21
"""How many terms are gathered before they are written. Chosen: as numbers they take 8 MB."""


@dataclass(frozen=True, slots=True)
class PassageTerms:
    """A passage's index terms: those of its title, section and headings, and those of each sentence."""

    context: Sequence[str]
    sentences: Sequence[Sequence[str]]


class LexicalWriter:
    """Writes a ``LexicalIndex`` into a new folder, passage by passage.

    Of all passages together, it keeps only the vocabulary and the lengths in memory.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._postings = PostingsWriter(folder)
        self._vocabulary: defaultdict[str, int] = defaultdict()
        self._vocabulary.default_factory = self._vocabulary.__len__  # the next number
        self._passages = 0
        self._sentence_lengths, self._text_lengths = array("i"), array("i")
        self._terms, self._lengths, self._context_lengths = array("i"), array("i"), array("i")

    def add(self, passage: PassageTerms) -> None:
        """Add the passage of the next row."""
        before = len(self._terms)
        self._terms.extend(map(self._vocabulary.__getitem__, chain(passage.context, *passage.sentences)))
        self._lengths.append(len(self._terms) - before)
        self._context_lengths.append(len(passage.context))
        self._sentence_lengths.extend(map(len, passage.sentences))
        self._text_lengths.append(self._lengths[-1] - len(passage.context))
        self._passages += 1
        if len(self._terms) >= _BLOCK:
            self._flush()

    def close(self, languages: Iterable[str]) -> None:
        """Finish the index.

        Args:
            languages: the passages' languages, as ISO 639-1 codes.

        Raises:
            BuildError: two terms have the same hash.
        """
        self._flush()
        self._postings.close()
        hashes = hash_terms(self._vocabulary)
        order = np.argsort(hashes)
        # Of vocabularies of ten million terms, one in 370,000 has two with the same hash.
        if (np.diff(hashes[order]) == 0).any():
            raise BuildError("two words of the documents have the same hash: the hash needs more bits")
        texts = mapped(self._folder / _TERMS, np.int32), offsets(np.array(self._text_lengths, np.int64))
        parts: dict[str, NDArray[Any]] = {
            _HASHES: hashes[order],
            _NUMBERS: order.astype(np.int32),
            _COMMON: np.sort(hash_terms(common_terms(tuple(sorted(languages))))),
            _STARTS: offsets(np.array(self._sentence_lengths, np.int64)),
            _SHARED: shingles.shared_shingle_fraction(*texts),
        }
        for name, values in parts.items():
            np.save(self._folder / name, values, allow_pickle=False)
        (self._folder / _FACTS).write_text(json.dumps({"passages": self._passages}) + "\n", "utf-8")

    def _flush(self) -> None:
        """Write what has been gathered."""
        terms, lengths, context_lengths = (
            np.array(part, np.int64) for part in (self._terms, self._lengths, self._context_lengths)
        )
        self._postings.add(terms, lengths)
        starts = offsets(lengths)[:-1]
        text_terms = np.delete(terms, ranges(starts, starts + context_lengths))
        append(self._folder / _TERMS, text_terms.astype(np.int32))
        self._terms, self._lengths, self._context_lengths = array("i"), array("i"), array("i")


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
        # An index that was built before version 5 lacks the file: any passage may be a near-duplicate.
        self._shared: NDArray[np.uint8] = np.full(self.passages, shingles.ALL, np.uint8)
        if (folder / _SHARED).exists():
            self._shared = mapped(folder / _SHARED, np.uint8)
        if len(self._shared) != self.passages:
            raise ValueError(f"{folder / _SHARED} is not of {self.passages} passages")
        if not len(self._hashes) == len(self._numbers) == self._postings.terms:
            raise ValueError(f"{folder} does not hold {self._postings.terms} terms")
        if len(self._terms) != self._starts[-1]:
            raise ValueError(f"{folder / _TERMS} does not hold {self._starts[-1]} terms")

    @property
    def sentences(self) -> int:
        """How many sentences there are."""
        return len(self._starts) - 1

    def look_up(self, hashes: NDArray[np.uint64]) -> tuple[Int64, Int64]:
        """Return terms' numbers by their hashes, -1 for unknown ones, and how many passages hold each."""
        places = np.searchsorted(self._hashes, hashes)
        held = places < len(self._hashes)
        held[held] = self._hashes[places[held]] == hashes[held]
        numbers, frequencies = np.full(len(hashes), -1), np.zeros(len(hashes), np.int64)
        numbers[held] = self._numbers[places[held]]
        frequencies[held] = self._postings.frequencies(numbers[held])
        return numbers, frequencies

    def score(self, terms: Int64, factors: Float64) -> Scores:
        """Score passages by the numbers of different terms, as ``Postings`` does."""
        return self._postings.score(terms, factors)

    def vocabulary(self) -> tuple[NDArray[np.uint64], Int32, Int64]:
        """Return every term's hash and number, and how many passages hold it."""
        return self._hashes, self._numbers, self._postings.frequencies(self._numbers.astype(np.int64))

    def impacts(self, first: int, last: int) -> tuple[Int64, Int64, Float32]:
        """Return terms' impacts on passages, as ``Postings.impacts_on_passages`` does."""
        return self._postings.impacts_on_passages(first, last)

    def terms(self, first: int, last: int) -> tuple[Int32, Int64]:
        """Return the terms of sentences ``first`` to ``last``, and the sentences' bounds among them."""
        starts = self._starts[first : last + 1]
        return self._terms[starts[0] : starts[-1]], starts - starts[0]

    def match_terms(self, question: QuestionTerms, firsts: Int64, lasts: Int64) -> TermMatches:
        """Match passages with a question's terms.

        Args:
            question: the question's terms.
            firsts: each passage's first sentence.
            lasts: each passage's last sentence, exclusive.
        """
        rows = ranges(firsts, lasts)
        terms, _ = self._read(firsts, lasts)
        sentences = offsets(self._starts[rows + 1] - self._starts[rows])
        return match_terms(question, terms, sentences, offsets(lasts - firsts))

    def near_duplicates(
        self, rows: Int64, firsts: Int64, lasts: Int64, threshold: float
    ) -> NDArray[np.bool_]:
        """Compare passages with each other, as ``shingles.near_duplicates`` does.

        Args:
            rows: the passages' rows.
            firsts: each passage's first sentence.
            lasts: each passage's last sentence, exclusive.
            threshold: the smallest share of shingles that near-duplicates have in common.
        """
        # The shorter of two near-duplicates shares at least so many shingles with some other passage.
        if not (self._shared[rows] >= shingles.ALL * threshold).any():
            return np.eye(len(rows), dtype=np.bool_)
        return shingles.near_duplicates(*self._read(firsts, lasts), len(self._numbers), threshold)

    def _read(self, firsts: Int64, lasts: Int64) -> tuple[Int32, Int64]:
        """Read the terms of ranges of sentences: one after another, with each range's bounds among them."""
        begins, ends = self._starts[firsts], self._starts[lasts]
        return self._terms[ranges(begins, ends)], offsets(ends - begins)
