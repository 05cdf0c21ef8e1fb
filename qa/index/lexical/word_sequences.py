"""Which passages hold a phrase: the documents' words in order, as ``qa.text.word_comparison`` compares them.

All words of all documents make one sequence of numbers. The places of each word in it are kept, ordered by
the word that follows. So a phrase is looked up by its rarest pair of neighbours, and only the places of these
are compared with the rest of the phrase. Everything is mapped into memory and nothing is read whole.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise, product
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from qa.arrays import append, load, mapped, offsets, parts_of, ranges
from qa.text import word_comparison
from qa.text.word_comparison import BROKEN
from qa.types import Int32, Int64, Phrases

VERSION = f"1.{word_comparison.VERSION}"
"""Changes whenever the same documents may get other sequences."""

_LETTERS, _WORD_STARTS = "letters.npy", "word_starts.npy"
_SEQUENCE, _PLACES, _PLACE_STARTS = "sequence.npy", "places.npy", "place_starts.npy"
_SEGMENT_STARTS, _FIRSTS, _LASTS = "segment_starts.npy", "segment_firsts.npy", "segment_lasts.npy"

_END = 0
"""The number that stands before and after everything across which no phrase runs on."""

_BLOCK = 2**21
"""How many words are gathered, written or sorted at once. Chosen: sorting them takes 50 MB."""

_MOST_VARIANTS = 32
"""In so many ways a phrase is looked up, at most, where its words may be broken at line ends. Chosen."""


@dataclass(frozen=True, slots=True)
class DocumentWords:
    """A document's compared words.

    Attributes:
        texts: for each passage its words, after those that stand between it and the passage before.
        contexts: words that are searched with several passages, such as a title: the first passage's number
            in the document, the number after the last one's, and the words.
    """

    texts: Sequence[Sequence[str]]
    contexts: Sequence[tuple[int, int, Sequence[str]]] = ()


class WordSequencesWriter:
    """Writes ``WordSequences`` into a new folder, document by document.

    Of all documents together, it keeps only the vocabulary and the segments in memory.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._vocabulary: defaultdict[str, int] = defaultdict()
        self._vocabulary.default_factory = lambda: len(self._vocabulary) + 1  # the next number
        self._numbers = array("i", [_END])
        self._written = 0
        self._rows = 0
        self._starts, self._firsts, self._lasts = array("q"), array("i"), array("i")
        append(folder / _SEQUENCE, np.empty(0, np.int32))

    def add(self, document: DocumentWords) -> None:
        """Add a document, whose passages have the next rows."""
        for row, words in enumerate(document.texts, self._rows):
            self._add_segment(row, row + 1, words)
        for first, last, words in document.contexts:
            self._numbers.append(_END)
            self._add_segment(self._rows + first, self._rows + last, words)
        self._numbers.append(_END)
        self._rows += len(document.texts)
        if len(self._numbers) >= _BLOCK:
            self._flush()

    def _add_segment(self, first: int, last: int, words: Iterable[str]) -> None:
        self._starts.append(self._written + len(self._numbers))
        self._firsts.append(first)
        self._lasts.append(last)
        self._numbers.extend(map(self._vocabulary.__getitem__, words))

    def _flush(self) -> None:
        self._written += len(self._numbers)
        append(self._folder / _SEQUENCE, np.array(self._numbers, np.int32))
        self._numbers = array("i")

    def close(self) -> None:
        """Finish: number the words in their order, and note where each stands."""
        self._flush()
        words = sorted(self._vocabulary)
        ranks = np.zeros(len(words) + 1, np.int32)
        ranks[[self._vocabulary[word] for word in words]] = np.arange(1, len(words) + 1, dtype=np.int32)
        counts = self._renumber(ranks)
        letters = [word.encode() for word in ("", *words)]
        self._save(_LETTERS, np.frombuffer(b"".join(letters), np.uint8))
        self._save(_WORD_STARTS, offsets(np.fromiter(map(len, letters), np.int64)))
        self._save(_SEGMENT_STARTS, np.array(self._starts, np.int64))
        self._save(_FIRSTS, np.array(self._firsts, np.int32))
        self._save(_LASTS, np.array(self._lasts, np.int32))
        self._write_places(counts)

    def _save(self, name: str, values: NDArray[np.generic]) -> None:
        np.save(self._folder / name, values, allow_pickle=False)

    def _renumber(self, ranks: Int32) -> Int64:
        """Replace the numbers of the sequence by these, and return how often each stands there."""
        sequence: Int32 = np.load(self._folder / _SEQUENCE, mmap_mode="r+")
        counts = np.zeros(len(ranks), np.int64)
        for block in _blocks(len(sequence)):
            sequence[block] = ranks[sequence[block]]
            counts += np.bincount(sequence[block], minlength=len(ranks))
        counts[_END] = 0
        return counts

    def _write_places(self, counts: Int64) -> None:
        """Note the places of each word, ordered by the word that follows and then by place."""
        sequence: Int32 = mapped(self._folder / _SEQUENCE, np.int32)
        starts = offsets(counts)
        self._save(_PLACE_STARTS, starts)
        shape, kind = (int(starts[-1]),), _place_type(len(sequence))
        places = open_memmap(self._folder / _PLACES, "w+", kind, shape)
        ends = starts[:-1].copy()
        for block in _blocks(len(sequence)):
            numbers = sequence[block]
            order = np.argsort(numbers, kind="stable")
            order = order[np.searchsorted(numbers[order], _END, side="right") :]
            own, frequencies = np.unique(numbers[order], return_counts=True)
            places[ranges(ends[own], ends[own] + frequencies)] = block.start + order
            ends[own] += frequencies
        for part in _whole_words(starts):
            own_places = places[part].astype(np.int64)
            keys = sequence[own_places].astype(np.int64) << 32 | sequence[own_places + 1]
            places[part] = own_places[np.argsort(keys, kind="stable")]


class WordSequences:
    """The words of all documents: which there are, and which passages hold a phrase.

    Words are numbered in the order of their code points, from 1.
    """

    def __init__(self, folder: Path) -> None:
        """Open what a ``WordSequencesWriter`` wrote.

        Raises:
            OSError: a file cannot be read.
            ValueError: the parts do not fit together.
        """
        self._letters = mapped(folder / _LETTERS, np.uint8).data
        self._word_starts: Int64 = mapped(folder / _WORD_STARTS, np.int64)
        self._sequence: Int32 = mapped(folder / _SEQUENCE, np.int32)
        self._places: NDArray[np.integer] = load(folder / _PLACES, "r")
        self._place_starts: Int64 = mapped(folder / _PLACE_STARTS, np.int64)
        self._segment_starts: Int64 = mapped(folder / _SEGMENT_STARTS, np.int64)
        self._firsts: Int32 = mapped(folder / _FIRSTS, np.int32)
        self._lasts: Int32 = mapped(folder / _LASTS, np.int32)
        if not len(self._segment_starts) == len(self._firsts) == len(self._lasts):
            raise ValueError(f"{folder} does not hold {len(self._firsts)} segments")
        if self._word_starts[-1] != len(self._letters) or len(self._word_starts) != len(self._place_starts):
            raise ValueError(f"{folder} does not hold {len(self._place_starts) - 1} words")
        if self._places.shape != (self._place_starts[-1],):
            raise ValueError(f"{folder / _PLACES} does not hold {self._place_starts[-1]} places")
        # The words that are halves of broken ones stand together.
        self._halves = range(self._rank(BROKEN), self._rank(chr(ord(BROKEN) + 1)))

    @property
    def words(self) -> int:
        """How many different words there are. Their numbers are 1 to this."""
        return len(self._place_starts) - 2

    @property
    def passages(self) -> int:
        """How many passages there are."""
        return int(self._lasts.max(initial=0))

    def word(self, number: int) -> str:
        """Return a word by its number."""
        return self._encoded(number).decode()

    def iterate(self) -> Iterator[str]:
        """Yield all words in the order of their numbers."""
        return map(self.word, range(1, self.words + 1))

    def number(self, word: str) -> int:
        """Return the number of a word, as it is compared; 0 if the documents don't hold it."""
        rank = self._rank(word)
        return rank if word and rank <= self.words and self._encoded(rank) == word.encode() else _END

    def counts(self, numbers: Int64) -> Int64:
        """Return how often each of these words stands in the documents."""
        return self._place_starts[numbers + 1] - self._place_starts[numbers]

    def rows(self, phrase: Sequence[str]) -> Int64:
        """Return the rows of the passages that hold a phrase, ascending.

        A phrase that runs on into the next passage is held by both.

        Args:
            phrase: its words, as they are compared; at least one.
        """
        hits = [ranges(*self._stretches(variant)) for variant in self._variants(phrase)]
        return np.unique(np.concatenate([np.empty(0, np.int64), *hits]))

    def occurrences(self, phrase: Sequence[str], rows: range) -> Int64:
        """Return the row of each place in a document's text at which a phrase begins, ascending.

        What is searched with passages, such as a title, is not looked at.

        Args:
            phrase: its words, as they are compared; at least one.
            rows: the rows of the document's passages, all of them.
        """
        first = int(np.argmax(self._firsts >= rows.start))  # its segments: the texts, then the contexts
        starts = self._segment_starts[first : first + len(rows)]
        following = self._segment_starts[first + len(rows) :][:1]
        begin, end = int(starts[0]), int(following[0]) if len(following) else len(self._sequence)
        words = self._sequence[begin:end]
        places = [_places_of(words, variant) for variant in self._variants(phrase)]
        begins = begin + np.unique(np.concatenate([np.empty(0, np.int64), *places]))
        return rows.start + np.searchsorted(starts, begins, side="right") - 1

    def passing(self, phrases: Phrases, rows: Int64 | None = None) -> Int64:
        """Return which rows, ascending, hold all required phrases and none of the excluded ones.

        Args:
            phrases: the phrases.
            rows: the rows to choose from, ascending; all if None.
        """
        for phrase in phrases.required:
            holders = self.rows(phrase)
            rows = holders if rows is None else np.intersect1d(rows, holders, assume_unique=True)
        if rows is None:
            rows = np.arange(self.passages)
        for phrase in phrases.excluded:
            rows = np.setdiff1d(rows, self.rows(phrase), assume_unique=True)
        return rows

    def _encoded(self, number: int) -> bytes:
        start, end = self._word_starts[number : number + 2].tolist()
        return bytes(self._letters[start:end])

    def _rank(self, word: str) -> int:
        """Return the number of a word, or that which it would have."""
        return bisect_left(range(self.words + 1), word.encode(), key=self._encoded)

    def _variants(self, phrase: Sequence[str]) -> Iterator[list[Int64]]:
        """Yield the ways in which a phrase may be written: for each place, which numbers may stand there."""
        options = [list(self._options(word)) for word in phrase]
        for parts in islice(product(*options), _MOST_VARIANTS):
            yield list(chain.from_iterable(parts))

    def _options(self, word: str) -> Iterator[list[Int64]]:
        """Yield the ways in which a word may be written: as one, or broken in two at a line end."""
        forms = [word, word + BROKEN]
        if self._halves:
            forms += [BROKEN + word, BROKEN + word + BROKEN]
        if len(own := self._numbers_of(forms)):
            yield [own]
        if not self._halves:
            return
        for place in range(1, len(word)):
            rest = self._numbers_of([BROKEN + word[place:], BROKEN + word[place:] + BROKEN])
            if len(rest) and len(start := self._numbers_of([f"{word[:place]}-", f"-{word[:place]}-"])):
                yield [start, rest]

    def _numbers_of(self, words: Iterable[str]) -> Int64:
        numbers = map(self.number, words)
        return np.array([number for number in numbers if number != _END], np.int64)

    def _stretches(self, numbers: Sequence[Int64]) -> tuple[Int64, Int64]:
        """Return the first and the last row, exclusive, of each stretch that holds one of these sequences."""
        begins = self._begins(numbers)
        first = parts_of(self._segment_starts, begins)
        last = parts_of(self._segment_starts, begins + len(numbers) - 1) if len(numbers) > 1 else first
        new = np.flatnonzero((np.diff(first, prepend=-1) != 0) | (np.diff(last, prepend=-1) != 0))
        return self._firsts[first[new]].astype(np.int64), self._lasts[last[new]].astype(np.int64)

    def _begins(self, numbers: Sequence[Int64]) -> Int64:
        """Return where sequences begin that have, at each place, one of its numbers, ascending."""
        if len(numbers) == 1:
            return self._places_in(map(self._range, numbers[0].tolist()))
        pairs = [
            [self._pair(*pair) for pair in product(one.tolist(), other.tolist())]
            for one, other in pairwise(numbers)
        ]
        sizes = [sum(map(len, ways)) for ways in pairs]
        rarest = int(np.argmin(sizes))
        begins = self._places_in(pairs[rarest]) - rarest
        begins = begins[(begins >= 0) & (begins + len(numbers) <= len(self._sequence))]
        others = (place for place in range(len(numbers)) if place not in {rarest, rarest + 1})
        for place in sorted(others, key=lambda place: self.counts(numbers[place]).sum()):
            begins = begins[_is_one_of(self._sequence[begins + place], numbers[place])]
        return begins

    def _places_in(self, parts: Iterable[range]) -> Int64:
        """Return the places that stand in parts of the list, ascending."""
        own = [self._places[part.start : part.stop].astype(np.int64) for part in parts if part]
        return np.sort(np.concatenate([np.empty(0, np.int64), *own]))

    def _range(self, number: int) -> range:
        """Return where in the list the places of a word are."""
        return range(*self._place_starts[number : number + 2].tolist())

    def _pair(self, one: int, other: int) -> range:
        """Return where in the list the places are of a word that another follows."""
        every = self._range(one)
        first, last = (
            every.start
            + bisect_left(every, number, key=lambda place: self._sequence[self._places[place] + 1])
            for number in (other, other + 1)
        )
        return range(first, last)


def _place_type(length: int) -> type[np.uint32 | np.int64]:
    return np.uint32 if length < 2**32 else np.int64


def _blocks(length: int) -> Iterator[slice]:
    for start in range(0, length, _BLOCK):
        yield slice(start, min(start + _BLOCK, length))


def _whole_words(starts: Int64) -> Iterator[slice]:
    """Yield parts of the list of places: whole words, about a block of places at a time."""
    edges = np.searchsorted(starts, np.arange(0, starts[-1] + _BLOCK, _BLOCK))
    edges = np.unique(np.minimum(edges, len(starts) - 1))
    for first, last in pairwise(starts[edges].tolist()):
        yield slice(first, last)


def _places_of(words: Int32, numbers: Sequence[Int64]) -> Int64:
    """Return where sequences begin that have, at each place, one of its numbers, ascending."""
    begins = np.flatnonzero(_is_one_of(words[: len(words) - len(numbers) + 1], numbers[0]))
    for place, own in enumerate(numbers[1:], 1):
        begins = begins[_is_one_of(words[begins + place], own)]
    return begins


def _is_one_of(values: Int32, numbers: Int64) -> NDArray[np.bool_]:
    return np.asarray(values == numbers[0] if len(numbers) == 1 else np.isin(values, numbers))
