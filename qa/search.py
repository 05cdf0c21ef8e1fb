"""The one search path: everything that asks goes through a ``Searcher`` over one generation of the index."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from qa import generation, ranking
from qa.config import Settings
from qa.contracts import (
    Answer,
    Document,
    DocumentPage,
    Encoder,
    Filters,
    Float32,
    Heading,
    Hit,
    IndexInfo,
    Int64,
    Mode,
    ModelError,
    Passage,
    Query,
    SearchResult,
)
from qa.embedding import load_encoder
from qa.lexical import coverage, terms

_CANDIDATES = 100
_MOST_ANSWERS = 3
_NEARLY_AS_GOOD = 0.85


class Searcher:
    """Answers questions from one generation. Read-only; any number of threads may share it."""

    def __init__(self, found: generation.Generation, encoder: Encoder) -> None:
        self._found = found
        self._encoder = encoder
        self._languages = found.store.languages()
        self._allowed = lru_cache(maxsize=64)(found.store.rows)
        self.info: IndexInfo = found.info

    def search(self, query: Query) -> SearchResult:
        """Answer one query."""
        return self.search_many([query])[0]

    def search_many(self, queries: Sequence[Query]) -> list[SearchResult]:
        """Answer several at once, in order."""
        started = time.perf_counter()
        dense = [i for i, query in enumerate(queries) if query.mode is not Mode.LEXICAL]
        vectors = np.zeros((len(queries), self._found.passages.dimension), np.float32)
        if dense and self.info.passages:
            vectors[dense] = self._encoder.encode_queries([queries[i].question for i in dense])
        results = []
        for query, vector in zip(queries, vectors, strict=True):
            results.append(self._answer(query, vector, started))
            started = time.perf_counter()
        return results

    def _answer(self, query: Query, vector: Float32, started: float) -> SearchResult:
        allowed = self._allowed(query.filters) if query.filters else None
        weights = self._found.lexical.weights(terms(query.question, self._languages))
        numbers, signals = self._candidates(query, vector, weights, allowed)
        scores = ranking.fuse(signals, query.mode)
        order = np.lexsort((numbers, -scores))
        confidence = ranking.confidence(signals.at(order[:1])) if len(order) else 0.0
        shown = order[query.offset : query.offset + query.k] if confidence >= query.min_confidence else order[:0]
        passages = self._found.store.passages(numbers[shown].tolist())
        hits = tuple(
            Hit(
                rank, passage, float(scores[place]), signals.of(int(place)),
                self._answers(passage, int(numbers[place]), vector, weights, query.mode),
            )
            for rank, (place, passage) in enumerate(zip(shown, passages, strict=True), query.offset + 1)
        )  # fmt: skip
        total = self.info.passages if allowed is None else len(allowed)
        took = (time.perf_counter() - started) * 1000
        return SearchResult(query, confidence >= ranking.ANSWERABLE, confidence, total, took, self.info, hits)

    def _candidates(
        self, query: Query, vector: Float32, weights: Mapping[str, float], allowed: Int64 | None
    ) -> tuple[Int64, ranking.Signals]:
        """Collect what any signal of the mode puts near the top, and give all signals of each."""
        count = max(_CANDIDATES, 2 * (query.offset + query.k))
        rows, lexical = self._found.lexical.match(weights)
        if allowed is not None:
            kept = np.isin(rows, allowed, assume_unique=True)
            rows, lexical = rows[kept], lexical[kept]
        pools = []
        if query.mode is not Mode.DENSE:
            pools.append(rows[_largest(lexical, count)])
        if query.mode is not Mode.LEXICAL:
            pools.append(self._found.passages.search(vector[None], count, allowed)[0][0])
            pools.append(self._nearest_by_sentence(vector, count, allowed))
        numbers = np.unique(np.concatenate(pools))
        sentences, starts = self._sentences_of(numbers)
        signals = ranking.Signals(
            dense=self._found.passages.vectors(numbers) @ vector,
            sentence=np.maximum.reduceat(sentences @ vector, starts) if len(numbers) else np.empty(0, np.float32),
            lexical=_look_up(rows, lexical, numbers),
        )
        return numbers, signals

    def _nearest_by_sentence(self, vector: Float32, count: int, allowed: Int64 | None) -> Int64:
        starts = self._found.sentence_starts
        rows = None if allowed is None else _ranges(starts[allowed], starts[allowed + 1])
        found, _ = self._found.sentences.search(vector[None], count, rows)
        return np.searchsorted(starts, found[0], side="right") - 1

    def _sentences_of(self, numbers: Int64) -> tuple[Float32, Int64]:
        """Give the vectors of the passages' sentences, one after another, and where each passage's begin."""
        starts, ends = self._found.sentence_starts[numbers], self._found.sentence_starts[numbers + 1]
        return self._found.sentences.vectors(_ranges(starts, ends)), np.cumsum(ends - starts) - (ends - starts)

    def _answers(
        self, passage: Passage, number: int, vector: Float32, weights: Mapping[str, float], mode: Mode
    ) -> tuple[Answer, ...]:
        vectors, _ = self._sentences_of(np.array([number]))
        language = [passage.language] if passage.language else []
        texts = [passage.slice(span) for span in passage.sentences]
        held = np.array([coverage(weights, terms(text, language)) for text in texts], np.float32)
        scores = ranking.fuse_sentences(vectors @ vector, held, mode)
        best = [i for i in np.argsort(-scores, kind="stable") if scores[i] >= _NEARLY_AS_GOOD * scores.max()]
        return tuple(Answer(texts[i], passage.sentences[i], float(scores[i])) for i in best[:_MOST_ANSWERS])

    def documents(self, filters: Filters, *, limit: int, offset: int) -> DocumentPage:
        """List documents by path."""
        return self._found.store.documents(filters, limit, offset)

    def document(self, document_id: str) -> Document:
        """Look one document up, or raise NotFoundError."""
        return self._found.store.document(document_id)

    def text(self, document_id: str) -> str:
        """Give a document's canonical text, or raise NotFoundError."""
        return self._found.store.text(document_id)

    def passage(self, passage_id: str) -> Passage:
        """Look one passage up, or raise NotFoundError, or GoneError where its document has changed."""
        return self._found.store.passage(passage_id)

    def neighbours(self, passage: Passage) -> tuple[Passage | None, Passage | None]:
        """Give the passages before and after it in its document."""
        return self._found.store.neighbours(passage)

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """Give a document's passages in order."""
        return self._found.store.passages_of(document_id)

    def outline(self, document_id: str) -> tuple[Heading, ...]:
        """Give a document's headings in order, as the passages were made with them."""
        return self._found.store.headings(document_id)


class LiveSearcher:
    """Keeps a ``Searcher`` over whatever generation is live, and one encoder for as long as it fits."""

    def __init__(self, settings: Settings, load: Callable[[str], Encoder] = load_encoder) -> None:
        self._index = settings.index
        self._load = load
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._searcher: Searcher | None = None
        self._folder: Path | None = None

    def current(self) -> Searcher:
        """Give the searcher over the live generation, opened anew when another has been published.

        Raises:
            IndexUnavailableError: there is none, or it is damaged.
            ModelError: its model cannot be loaded, or is not the one that it was built with.
        """
        folder = generation.current(self._index)
        searcher = self._searcher
        if searcher is not None and folder == self._folder:
            return searcher
        with self._lock:
            if self._searcher is None or folder != self._folder:
                found = generation.load(folder)
                self._searcher, self._folder = Searcher(found, self._fitting_encoder(found.manifest)), folder
            return self._searcher

    def _fitting_encoder(self, manifest: generation.Manifest) -> Encoder:
        encoder = self._encoder
        if encoder is None or encoder.fingerprint != manifest.made_with["encoder"]:
            encoder = self._load(manifest.model)
        if encoder.fingerprint != manifest.made_with["encoder"]:
            raise ModelError(f"the model {manifest.model!r} has changed since the index was built: run `qa index`")
        if encoder is not self._encoder:
            encoder.encode_queries(["Is it warm?"])  # a model is loaded, and slow, the first time
            self._encoder = encoder
        return encoder


def _largest(scores: Float32, count: int) -> Int64:
    """Give the places of the ``count`` largest scores, in any order."""
    if len(scores) <= count:
        return np.arange(len(scores))
    return np.argpartition(-scores, count)[:count]


def _look_up(rows: Int64, scores: Float32, wanted: Int64) -> Float32:
    """Give each wanted row's score; 0 where it has none. ``rows`` ascend."""
    found = np.zeros(len(wanted), np.float32)
    places = np.searchsorted(rows, wanted)
    inside = places < len(rows)
    inside[inside] = rows[places[inside]] == wanted[inside]
    found[inside] = scores[places[inside]]
    return found


def _ranges(starts: Int64, ends: Int64) -> Int64:
    """Put the ranges one after another: [2, 5), [9, 11) → 2, 3, 4, 9, 10."""
    lengths = ends - starts
    shifts = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return np.arange(lengths.sum()) + shifts
