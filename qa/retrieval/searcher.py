"""The one search path: everything that asks goes through a ``Searcher`` over one generation of the index."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain, pairwise
from math import isnan
from typing import Any

import numpy as np

from qa.config import LOCAL, Settings, cores
from qa.embedding.loading import open_encoder
from qa.embedding.reranker import load_reranker
from qa.errors import CorruptIndexError, ModelError
from qa.index.caching import SizedCache
from qa.retrieval import calibration, ranking
from qa.retrieval.evidence import Evidence, Nearest, Ranked
from qa.stores.protocol import Corpus
from qa.stores.publication import publications
from qa.text.segmentation.passages import context
from qa.types import (
    Answer,
    Document,
    DocumentPage,
    Encoder,
    Filters,
    Heading,
    Hit,
    IndexInfo,
    Int64,
    Mode,
    Passage,
    Query,
    Reranker,
    SearchResult,
)

_MOST_ANSWERS = 3
_NEARLY_AS_GOOD = 0.05
_RERANKED = 30

_FILTERED = 64 * 2**20
"""How many bytes of the passages that filters leave are kept: eight million numbers of passages."""

_WORDS_TAKE_LONG = 20_000
"""From so many passages on, what lies near is looked for while words are, by another thread. With fewer on
this machine, it costs more to hand that over than it saves."""

_CHECKED_FIRST = 2**27
"""Up to so many bytes an index is held against its checksums before it answers: a fraction of a second."""


class Searcher:
    """Answers questions from one generation. Read-only; any number of threads may share it."""

    def __init__(
        self,
        found: Corpus,
        encoder: Encoder,
        reranker: Reranker | None = None,
        calibration: ranking.Calibration = ranking.NOT_CALIBRATED,
    ) -> None:
        self._found = found
        self._encoder = encoder
        self._reranker = reranker
        self._calibration = calibration
        self._languages = found.store.languages()
        self._threads = ThreadPoolExecutor(cores(), "nearest")
        self._allowed = SizedCache(found.allow, _FILTERED)
        self.info: IndexInfo = found.info

    def search(self, query: Query) -> SearchResult:
        """Answer one query."""
        return self.search_many([query])[0]

    def search_many(self, queries: Sequence[Query]) -> list[SearchResult]:
        """Answer several at once, in order."""
        started = time.perf_counter()
        results = []
        for query in queries:
            results.append(self._answer(query, started))
            started = time.perf_counter()
        return results

    def _answer(self, query: Query, started: float) -> SearchResult:
        allowed = self._allowed(query.filters) if query.filters else None
        reranker = None if query.mode is Mode.LEXICAL else self._reranker
        wanted = max(query.offset + query.k, _RERANKED if reranker else 0)
        nearest: Callable[[], Nearest] | None = None
        if query.mode is not Mode.LEXICAL:
            nearest = partial(self._nearest, query.question, wanted, allowed)
            if self.info.store != LOCAL or self.info.passages >= _WORDS_TAKE_LONG:
                nearest = self._threads.submit(nearest).result
        evidence = Evidence.gather(
            self._found,
            query,
            wanted,
            languages=self._languages,
            nearest=nearest,
            allowed=allowed,
            calibration=self._calibration,
        )
        ranked = evidence.rank()
        confidence = ranking.confidence(ranked.signals, evidence.legibility, self._calibration)
        hits: tuple[Hit, ...] = ()
        if confidence >= query.min_confidence:
            if reranker:
                ranked = self._rerank(reranker, query, ranked)
            hits = self._hits(query, evidence, ranked)
        total = self.info.passages if allowed is None else len(allowed)
        took = (time.perf_counter() - started) * 1000
        return SearchResult(query, confidence >= ranking.ANSWERABLE, confidence, total, took, self.info, hits)

    def _nearest(self, question: str, wanted: int, allowed: Sized | None) -> Nearest:
        (vectors,) = self._encoder.encode_queries([question])
        return Nearest.find(self._found, vectors, wanted, allowed)

    def _rerank(self, reranker: Reranker, query: Query, ranked: Ranked) -> Ranked:
        """Let the reranker put the likeliest passages in its order."""
        texts = [
            f"{context(passage.document.metadata, passage.section)}: {passage.text}".removeprefix(": ")
            for passage in self._found.store.passages(ranked.rows[:_RERANKED].tolist())
        ]
        log_odds = reranker.score(query.question, texts)
        order, scores = ranking.rerank(ranked.scores, log_odds)
        unread = np.full(len(ranked.rows) - len(log_odds), np.nan, np.float32)
        signals = {**ranked.signals, "reranker": np.concatenate([log_odds, unread])}
        return replace(replace(ranked, signals=signals).of(order), scores=scores)

    def _hits(self, query: Query, evidence: Evidence, ranked: Ranked) -> tuple[Hit, ...]:
        """Show what was asked for, each passage with those that are near-identical."""
        ranked = ranked.of(np.arange(len(ranked.rows))[query.offset :][: query.k])
        pairs = zip(ranked.rows.tolist(), ranked.copies, strict=True)
        groups = [[row, *copies.tolist()] for row, copies in pairs]
        wanted = list(chain.from_iterable(groups))
        passages = dict(zip(wanted, self._found.store.passages(wanted), strict=True))
        for group in groups:  # the earliest stands for the others
            group.sort(key=lambda row: (passages[row].document.metadata.published or "~", row))
        shown = [group[0] for group in groups]
        answers = self._answers(evidence, np.array(shown, np.int64), [passages[row] for row in shown])
        scores = ranked.scores.tolist()
        relevant = (ranked.fused >= ranking.RELEVANT).tolist()
        signals = {name: values.tolist() for name, values in ranked.signals.items()}
        return tuple(
            Hit(
                query.offset + place + 1,
                passages[group[0]],
                scores[place],
                {name: value for name, values in signals.items() if not isnan(value := values[place])},
                found,
                tuple(passages[row] for row in group[1:]),
                relevant[place],
            )
            for place, (group, found) in enumerate(zip(groups, answers, strict=True))
        )

    def _answers(
        self, evidence: Evidence, rows: Int64, passages: Sequence[Passage]
    ) -> Iterator[tuple[Answer, ...]]:
        """Give the sentences of each passage that answer, best first."""
        signals, bounds = evidence.sentences(rows)
        scores = ranking.fuse_answers(signals, evidence.mode, evidence.legibility).tolist()
        for passage, (first, last) in zip(passages, pairwise(bounds.tolist()), strict=True):
            own = scores[first:last]
            best, *others = sorted(range(len(own)), key=own.__getitem__, reverse=True)[:_MOST_ANSWERS]
            good = [best, *(i for i in others if own[i] >= max(own[best] - _NEARLY_AS_GOOD, 1e-6))]
            yield tuple(Answer(passage.slice(span := passage.sentences[i]), span, own[i]) for i in good)

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

    def page_starts(self, document_id: str) -> tuple[int, ...]:
        """Return where in a document's text each of its pages begins, or raise NotFoundError."""
        return self._found.store.page_starts(document_id)

    def passage_at(self, document_id: str, offset: int) -> Passage | None:
        """Return the passage of a document at an offset of its text, or else the next one."""
        return self._found.store.passage_at(document_id, offset)


def encoder_of(found: Corpus) -> Encoder:
    """Open the model that a generation was built with.

    Raises:
        ModelError: it cannot be loaded, or is not the same any more.
    """
    return _fitting(found, open_encoder(found.manifest.model, found.encoder))


def _fitting(found: Corpus, encoder: Encoder) -> Encoder:
    if encoder.fingerprint != found.manifest.made_with["encoder"]:
        raise ModelError(
            f"the model {found.manifest.model!r} has changed since the index was built: run `qa index`"
        )
    return encoder


class LiveSearcher:
    """Keeps a ``Searcher`` over whatever generation is live, and one encoder for as long as it fits."""

    def __init__(
        self,
        settings: Settings,
        load: Callable[[Corpus], Encoder] = encoder_of,
        *,
        load_reranker: Callable[[str], Reranker] = load_reranker,
    ) -> None:
        self._settings = settings
        self._load = load
        self._load_reranker = load_reranker
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._reranker: Reranker | None = None
        self._published = publications(settings)
        self._found: Corpus | None = None
        self._searcher: Searcher | None = None
        self._opened: tuple[str, bytes | None] | None = None
        self._seen: Any = None
        self._damaged: dict[str, str] = {}

    def current(self) -> Searcher:
        """Give the searcher over the live generation, anew when another or a calibration has been published.

        Raises:
            IndexUnavailableError: there is none, or it or the calibration is damaged, or what keeps it does
                not answer.
            ModelError: its model or the reranker cannot be loaded, or the model is not the one that it was
                built with.
        """
        searcher, seen = self._searcher, self._published.stamps()
        if searcher is not None and seen == self._seen and searcher.info.generation not in self._damaged:
            return searcher
        with self._lock:
            while True:
                seen, live = self._published.stamps(), self._published.live()
                try:
                    if self._searcher is None or live != self._opened:
                        self._searcher, self._opened = self._open(*live), live
                    self._refuse_damaged(live[0])
                except CorruptIndexError:
                    if live == self._published.live():
                        raise
                    continue  # another one was published meanwhile, and this one may have been removed
                self._seen = seen
                return self._searcher

    def _open(self, name: str, stored: bytes | None) -> Searcher:
        found = self._found
        if found is None or found.manifest.generation != name:
            found = self._published.open(name)
            self._check(found)
        encoder = self._fitting_encoder(found)
        fitting = calibration.fitting(stored, self._settings.index, found.manifest)
        self._found = found
        return Searcher(
            found, encoder, self._warm_reranker(), fitting.calibration if fitting else ranking.NOT_CALIBRATED
        )

    def _check(self, found: Corpus) -> None:
        """Hold a generation against its checksums: a small one now, a large one while it answers."""
        if sum(facts["bytes"] for facts in found.manifest.files.values()) <= _CHECKED_FIRST:
            self._note_damage(found)
        else:
            threading.Thread(target=self._note_damage, args=(found,), daemon=True).start()

    def _refuse_damaged(self, name: str) -> None:
        if reason := self._damaged.get(name):
            raise CorruptIndexError(reason)  # a new one each time: one that is kept would gather tracebacks

    def _note_damage(self, found: Corpus) -> None:
        try:
            self._published.check(found.manifest.generation)
        except CorruptIndexError as damage:
            self._damaged[found.manifest.generation] = str(damage)

    def _fitting_encoder(self, found: Corpus) -> Encoder:
        encoder = self._encoder
        if encoder is None or encoder.fingerprint != found.manifest.made_with["encoder"]:
            encoder = _fitting(found, self._load(found))
        if encoder is not self._encoder:
            encoder.encode_queries(["Is it warm?"])  # a model is loaded, and slow, the first time
            self._encoder = encoder
        return encoder

    def _warm_reranker(self) -> Reranker | None:
        if self._settings.reranker and self._reranker is None:
            reranker = self._load_reranker(self._settings.reranker)
            reranker.score("Is it warm?", ["It is."])
            self._reranker = reranker
        return self._reranker
