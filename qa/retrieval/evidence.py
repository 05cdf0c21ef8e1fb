"""What a generation holds for and against each passage as the answer to one question."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from math import ceil
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from qa.arrays import Affine, cubed, max_in_parts
from qa.index.dense.late_interaction import TokenMatches
from qa.index.lexical import inverted_index
from qa.retrieval.ranking import (
    ALIKE,
    CARRIED,
    NOT_CALIBRATED,
    TITLED,
    Calibration,
    Signals,
    fuse,
    group_alike,
)
from qa.stores.protocol import Corpus, Nearness
from qa.text import language, terms
from qa.types import Float32, Int64, Mode, Query, QueryVectors, Span

_POOL = 100
"""How many passages the words bring in, and how many sentences the vectors, at the least."""

_DEPTH = 2
"""How many passages each brings in for one that is wanted, at the least: some are near-identical."""

_LIKELY, _EXAMINED = 60, 20
"""Among how many of them, at the least, near-identical ones are sought; and how many of those that are left
are looked at closely at a time."""

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Passages that may answer, best first.

    Attributes:
        rows: the passages'.
        scores: theirs, which never rise.
        fused: theirs as their signals alone make them.
        signals: theirs, by name.
        copies: the rows of those that are near-identical with each, and are not among ``rows``.
    """

    rows: Int64
    scores: Float32
    fused: Float32
    signals: Signals
    copies: list[Int64]

    def of(self, order: Int64) -> Ranked:
        """Give the passages at these places, in this order."""
        signals = {name: values[order] for name, values in self.signals.items()}
        copies = [self.copies[i] for i in order.tolist()]
        return Ranked(self.rows[order], self.scores[order], self.fused[order], signals, copies)


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """What lies near a question.

    Attributes:
        vectors: what the model makes of the question.
        cosines: its with the sentences.
        rows: the passages of the nearest sentences, ascending.
    """

    vectors: QueryVectors
    cosines: Nearness
    rows: Int64

    @classmethod
    def find(cls, found: Corpus, vectors: QueryVectors, wanted: int, allowed: Sized | None) -> Nearest:
        """Find as many sentences as it takes for enough passages, if there are.

        Args:
            found: the generation, wherever it is.
            vectors: what the model makes of the question.
            wanted: how many passages are wanted of what comes of it.
            allowed: which may answer, as the generation allowed them; all where None.
        """
        cosines, count = found.ask(vectors.vector), _POOL
        while True:
            sentences = cosines.nearest(count, allowed)
            rows = np.unique(sentences)
            if len(rows) >= _DEPTH * wanted or len(sentences) < count:
                return cls(vectors, cosines, rows)
            count *= 2


class _Selectable(Protocol):
    def of(self, places: Int64) -> Self: ...


_Found = TypeVar("_Found", bound=_Selectable)


class _Kept(Generic[_Found]):
    """Finds something for rows; for some of those that were asked for last it is only looked up."""

    def __init__(self, find: Callable[[Int64], _Found]) -> None:
        self._find = find
        self._places: dict[int, int] = {}
        self._found: _Found | None = None

    def __call__(self, rows: Int64) -> _Found:
        wanted = rows.tolist()
        if self._found is None or not self._places.keys() >= set(wanted):
            self._places = {row: place for place, row in enumerate(wanted)}
            self._found = self._find(rows)
            return self._found
        return self._found.of(np.array([self._places[row] for row in wanted], np.int64))


@dataclass(slots=True)
class Evidence:
    """One question against one generation.

    Attributes:
        found: the generation, wherever it is.
        mode: which signals count.
        wanted: how many passages are wanted.
        rows: those that may answer: what any signal of the mode puts near the top.
        vectors: what the model makes of the question; None in lexical mode.
        cosines: the question's with the sentences; None in lexical mode.
        token_weights: what each of the question's tokens counts, adding up to 1.
        words: its terms.
        legibility: how well the model knows its language, in [0, 1].
        calibration: what brings the cosines onto the scale that ``ranking`` knows.
    """

    found: Corpus
    mode: Mode
    wanted: int
    rows: Int64
    vectors: QueryVectors | None
    cosines: Nearness | None
    token_weights: Float32
    words: inverted_index.Question
    legibility: float
    calibration: Calibration
    _words_in: _Kept[inverted_index.Matches] = field(init=False, repr=False)
    _tokens_in: _Kept[TokenMatches] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make what keeps what has been compared."""
        self._words_in = _Kept(partial(self.found.matches, self.words))
        if self.vectors:
            scale = self.calibration.interaction
            self._tokens_in = _Kept(partial(_compare, self.found, self.vectors.tokens, scale))

    @classmethod
    def gather(
        cls,
        found: Corpus,
        query: Query,
        wanted: int,
        *,
        languages: Sequence[str],
        nearest: Callable[[], Nearest] | None,
        allowed: Sized | None,
        calibration: Calibration = NOT_CALIBRATED,
    ) -> Evidence:
        """Collect the passages that may answer.

        Args:
            found: the generation, wherever it is.
            query: the query.
            wanted: how many passages are wanted.
            languages: those of the generation.
            nearest: gives what lies near; it is asked last, for it may be under way. None in lexical mode.
            allowed: which passages may answer, as the generation allowed them; all where None.
            calibration: what brings the cosines onto the scale that ``ranking`` knows.
        """
        question = query.question
        spoken = list(terms.words(question, languages))
        words = found.question(chain.from_iterable(each for _, each in spoken))
        pools = []
        if query.mode is not Mode.DENSE:
            pools.append(words.scores.best(max(_POOL, _DEPTH * wanted), allowed)[0])
        vectors, cosines, weights, legibility = None, None, np.empty(0, np.float32), 0.0
        if nearest:
            near = nearest()
            vectors, cosines = near.vectors, near.cosines
            pools.append(near.rows)
            weights = _token_weights(spoken, words, vectors.spans)
            legibility = language.legibility(vectors.token_count, terms.count_words(question))
        rows = np.unique(np.concatenate(pools))
        return cls(found, query.mode, wanted, rows, vectors, cosines, weights, words, legibility, calibration)

    def rank(self) -> Ranked:
        """Put the passages that may answer in order: at least as many as are wanted, if there are.

        Near-identical ones are taken for one. The likeliest twenty are looked at closely and put in order,
        then, if more are wanted, the next twenty, and so on: whoever asks for more gets the same ones first.
        """
        rows = self.rows
        signals: Signals = {"lexical": self.words.scores.of(rows)}
        if self.vectors:
            signals = {**signals, "sentence": self.calibration.sentence(self._cosines.best(rows))}
        scores = fuse(signals, self.mode, self.legibility)
        likely = _best_first(scores, rows)[: max(_LIKELY, _DEPTH * self.wanted)]
        alike = self.found.alike(rows[likely], ALIKE)
        examined = _EXAMINED * ceil(self.wanted / _EXAMINED)
        groups = group_alike(alike, examined)
        firsts = likely[[group[0] for group in groups]]
        signals = {name: values[firsts] for name, values in signals.items()}
        signals = {**signals, **self._nearby(rows[firsts]), **self._examined(rows[firsts])}
        scores = fuse(signals, self.mode, self.legibility)
        copies = [rows[likely[group[1:]]] if len(group) > 1 else _NONE for group in groups]
        ranked = Ranked(rows[firsts], scores, scores, signals, copies)
        ranked = ranked.of(np.lexsort((ranked.rows, -scores, np.arange(len(firsts)) // _EXAMINED)))
        return replace(ranked, scores=np.minimum.accumulate(ranked.scores))

    def sentences(self, rows: Int64) -> tuple[Signals, Int64]:
        """Give the signals of the passages' sentences, one after another, and where each one's begin."""
        matches = self._words_in(rows)
        carried = np.full(matches.bounds[-1], CARRIED, np.float32)
        carried[matches.bounds[:-1]] = 0  # before the first sentence there is none
        signals = {"coverage": matches.coverage(carried)}
        if self.vectors:
            cosines = self._cosines.of(rows)
            signals["sentence"] = self.calibration.sentence(cosines)
            if self._has_tokens:
                signals["interaction"] = self._tokens_in(rows).sentences(
                    self.token_weights, carried=CARRIED, titled=TITLED
                )
            else:
                signals["interaction"] = self.calibration.interaction(cosines)
        return signals, matches.bounds

    def interaction(self, rows: Int64, *, sharpened: bool = False) -> Float32:
        """Give the passages' late interaction; their sentences' cosines where tokens have no vectors."""
        if self._has_tokens:
            return self._tokens_in(rows).passages(self.token_weights, sharpened=sharpened)
        cosines = self.calibration.interaction(self._cosines.best(rows))
        return cubed(cosines) if sharpened else cosines

    @property
    def _cosines(self) -> Nearness:
        assert self.cosines is not None  # noqa: S101 -- the caller has looked at the mode
        return self.cosines

    @property
    def _has_tokens(self) -> bool:
        return self.vectors is not None and len(self.vectors.tokens) > 0 and self.found.has_tokens

    def _examined(self, rows: Int64) -> Signals:
        matches = self._words_in(rows)
        signals = {
            "coverage": max_in_parts(matches.coverage(), matches.bounds, 0),
            "adjacency": matches.adjacency(),
        }
        if self.vectors:
            cosines = self.found.vectors(rows) @ self.vectors.vector
            signals["dense"] = self.calibration.sentence(cosines)
            signals["interaction"] = self.interaction(rows, sharpened=True)
        return signals

    def _nearby(self, rows: Int64) -> Signals:
        """Give the signals of the better of each passage's neighbours in its document; none gives 0."""
        last = self.found.manifest.passages - 1
        beside = np.concatenate([np.maximum(rows - 1, 0), np.minimum(rows + 1, last), rows]).reshape(3, -1)
        documents = self.found.documents_of(beside.ravel()).reshape(3, -1)
        there = (beside[:2] != rows) & (documents[:2] == documents[2])
        near = beside[:2][there]
        values = {"lexical_nearby": self.words.scores.of(near)}
        if self.vectors:
            values["sentence_nearby"] = self.calibration.sentence(self._cosines.best(near))
        signals = {}
        for name, value in values.items():
            of_both = np.zeros(there.shape, np.float32)
            of_both[there] = value
            signals[name] = of_both.max(axis=0)
        return signals


def _compare(found: Corpus, tokens: Float32, scale: Affine, rows: Int64) -> TokenMatches:
    return found.token_matches(tokens, rows).rescaled(scale)


def _token_weights(
    spoken: Sequence[tuple[Span, tuple[str, ...]]], words: inverted_index.Question, tokens: Sequence[Span]
) -> Float32:
    """Let each token count half by itself and half by how telling the word is to which it belongs."""
    telling = [0.0] * len(tokens)
    for (first, last), its_terms in spoken:
        weight = max(map(words.weights.__getitem__, its_terms))
        for i, (start, end) in enumerate(tokens):
            if start < last and end > first:
                telling[i] = weight
    of_words = np.array(telling)
    shares = of_words / (of_words.sum() or 1) + 1 / max(len(tokens), 1)
    return np.asarray(shares / (shares.sum() or 1), np.float32)


def _best_first(scores: Float32, rows: Int64) -> Int64:
    """Order by score; equals by row, so that the same question always gets the same answer."""
    return np.lexsort((rows, -scores))
