"""The one search path: every question is answered by a ``Searcher`` over one generation of the index."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, pairwise
from math import ceil, isnan

import numpy as np

from qa.config import LOCAL
from qa.embedding.model_protocols import Encoder, Reader, Reranker
from qa.hardware import cores
from qa.index.caching import SizedCache
from qa.retrieval import reading
from qa.retrieval.calibration import Calibration, not_calibrated
from qa.retrieval.candidates import Candidates, find_candidates
from qa.retrieval.confidence import ANSWERABLE, confidence
from qa.retrieval.facts import FactMatches, asks_nothing
from qa.retrieval.fits import fit_for
from qa.retrieval.fusion import fuse_answers, rerank
from qa.retrieval.more_like import candidates_like
from qa.retrieval.near_duplicates import earliest_first
from qa.retrieval.query import Condition, Question, parse
from qa.retrieval.ranking import TIER, Ranking, rank, spread_over_pages
from qa.retrieval.signals import QuestionSignals
from qa.retrieval.spelling import Speller
from qa.stores.protocol import Corpus, Library
from qa.text import language
from qa.text.segmentation.passages import context
from qa.text.word_comparison import phrase_words
from qa.types import (
    Answer,
    Filters,
    Hit,
    IndexInfo,
    Int64,
    LanguageSupport,
    Mode,
    Passage,
    Phrases,
    Query,
    SearchResult,
    ShortAnswer,
)

_MOST_ANSWERS = 3
_NEARLY_AS_GOOD = 0.05
"""A passage has at most three answers: its best sentence, and others whose scores are this close to it.
Chosen."""

_RERANKED = 30
"""How many passages a reranker reads. Chosen: three pages of results; the time it takes grows with the
number."""

_FILTERED = 64 * 2**20
"""How many bytes are kept of the passages that filters leave: eight million row numbers."""

_CONCURRENT_FROM = 20_000
"""With at least so many passages, another thread looks in the dense index meanwhile. In a smaller index on
this machine, handing the work over takes longer than it saves (measured, ``benchmarks/README.md``)."""


@dataclass(frozen=True, slots=True)
class _Answered:
    """What a search finds out: fields of a ``SearchResult``."""

    confidence: float = 0.0
    hits: tuple[Hit, ...] = ()
    language_support: LanguageSupport | None = None
    short_answer: ShortAnswer | None = None


class Searcher:
    """Answers questions from one generation. Read-only; any number of threads may share it."""

    def __init__(
        self,
        corpus: Corpus,
        encoder: Encoder,
        reranker: Reranker | None = None,
        calibration: Calibration | None = None,
        reader: Reader | None = None,
    ) -> None:
        self._corpus = corpus
        self._encoder = encoder
        self._reranker = reranker
        self._reader = reader
        self._fit = fit_for(corpus.manifest.model)
        self._calibration = calibration or not_calibrated(self._fit)
        self._languages = corpus.store.languages()
        self._speller = Speller(corpus, encoder, self._languages)
        self._threads = ThreadPoolExecutor(cores(), "dense")
        # Without a reference to this searcher, which would keep a generation open until garbage is collected.
        self._allowed = SizedCache(partial(_allow, corpus), _FILTERED)
        self.library: Library = corpus.store
        self.info: IndexInfo = corpus.info

    def search_many(self, queries: Sequence[Query]) -> list[SearchResult]:
        """Answer several queries, in order."""
        return [self.search(query) for query in queries]

    def search(self, query: Query) -> SearchResult:
        """Answer one query, without its slips of the keyboard unless it is to be taken as it stands."""
        if query.like is not None:
            return self._like(query, query.like)
        started = time.perf_counter()
        question, corrected = parse(query.question), None
        if not query.verbatim and (corrected := self._speller.correct(question)):
            question = parse(corrected)
        question = question.with_words_of(self._absent(question))
        key = query.filters, question.phrases
        allowed = self._allowed(key) if any(key) else None
        total = self.info.passages if allowed is None else len(allowed)
        answered = self._answer(query, question, allowed)
        missing = self._speller.missing(question.text)
        took_ms = (time.perf_counter() - started) * 1000
        return SearchResult(
            query,
            answered.confidence >= ANSWERABLE,
            answered.confidence,
            total,
            took_ms,
            self.info,
            answered.hits,
            answered.language_support,
            question.required,
            question.excluded,
            corrected,
            missing,
            question.absent,
            answered.short_answer,
        )

    def _absent(self, question: Question) -> tuple[Condition, ...]:
        """Return the quotations that stand nowhere, in a question that has other words, too.

        A title or a saying in a question may be worded otherwise in the documents, or be in another language:
        its words then find more than nothing. What a sign requires stays required.
        """
        if question.has_only_phrases:
            return ()
        signed = {condition.phrase for condition in question.conditions if condition.signed}
        return tuple(
            condition
            for condition in question.conditions
            if condition.phrase not in signed and not self._stands_somewhere(condition.phrase)
        )

    def _stands_somewhere(self, phrase: str) -> bool:
        return len(self._allowed((Filters(), Phrases(required=(phrase_words(phrase),))))) > 0

    def occurrences(self, document_id: str, phrase: str) -> Int64:
        """Return the row of the passage at each place at which words stand in a document, in order.

        Words before a passage count as its own, and those after the last one as the last one's. What is
        searched with passages, such as a title, is not looked at.
        """
        words, rows = phrase_words(phrase), self._rows_of(document_id)
        if not words or not rows:
            return np.empty(0, np.int64)
        return self._corpus.occurrences(words, rows)

    def _rows_of(self, document_id: str) -> range:
        """Return the rows of a document's passages."""
        allowed = self._allowed((Filters(document=(document_id,)), Phrases()))
        rows = self._corpus.allowed_rows(allowed, 0, 1).tolist()
        return range(rows[0], rows[0] + len(allowed)) if rows else range(0)

    def _like(self, query: Query, passage_id: str) -> SearchResult:
        """Return the passages that are most like one, which itself is not among them."""
        started = time.perf_counter()
        passage = self.library.passage(passage_id)
        rows = self._rows_of(passage.document.id)
        row = rows[bisect_left(rows, passage.span, key=lambda row: self.library.passages([row])[0].span)]
        allowed = self._allowed((query.filters, Phrases())) if query.filters else None
        candidates = candidates_like(
            self._corpus,
            self._encoder,
            replace(query, question=passage.text),
            row,
            languages=self._languages,
            allowed=allowed,
        )
        signals = QuestionSignals(self._corpus, candidates, self._calibration)
        hits = self._hits(signals, self._spread(query, rank(self._corpus, signals)))
        own = tuple(replace(hit, matched_terms=(), unmatched_terms=()) for hit in hits)
        total = self.info.passages if allowed is None else len(allowed)
        took_ms = (time.perf_counter() - started) * 1000
        return SearchResult(
            query, answerable=False, confidence=0.0, total=total, took_ms=took_ms, index=self.info, hits=own
        )

    def _answer(self, query: Query, question: Question, allowed: Sized | None) -> _Answered:
        if allowed is not None and question.conditions:
            if not len(allowed):
                return _Answered()
            if not phrase_words(question.text):
                return _Answered(hits=self._in_order(query, allowed))
        return self._ranked(replace(query, question=question.text), allowed, question)

    def _in_order(self, query: Query, allowed: Sized) -> tuple[Hit, ...]:
        """Return passages in the order of the documents: nothing is asked of them."""
        if query.min_confidence > 0:
            return ()
        rows = self._corpus.allowed_rows(allowed, query.offset, query.offset + query.k)
        passages = self.library.passages(rows.tolist())
        return tuple(
            Hit(rank, passage, 0.0, {}, (), relevant=False)
            for rank, passage in enumerate(passages, query.offset + 1)
        )

    def _ranked(self, query: Query, allowed: Sized | None, question: Question) -> _Answered:
        """Rank the passages that are allowed. That phrases stand there is all that only phrases ask."""
        reranker = None if query.mode is Mode.LEXICAL else self._reranker
        candidates = find_candidates(
            self._corpus,
            self._encoder,
            query,
            max(query.offset + query.k, _RERANKED if reranker else 0),
            languages=self._languages,
            allowed=allowed,
            threads=self._threads if self._is_concurrent else None,
        )
        signals = QuestionSignals(self._corpus, candidates, self._calibration)
        ranking = rank(self._corpus, signals)
        probability = self._confidence(question, candidates, ranking)
        hits: tuple[Hit, ...] = ()
        answer = None
        if self._reader or probability >= query.min_confidence:
            ranking = self._rerank(reranker, query, ranking) if reranker else self._spread(query, ranking)
        if self._reader and not question.has_only_phrases:
            probability, answer = self._read(self._reader, query, ranking, probability)
        if probability >= query.min_confidence:
            hits = self._hits(signals, ranking)
        if question.has_only_phrases:
            return _Answered(probability, tuple(replace(hit, relevant=True) for hit in hits))
        return _Answered(probability, hits, _language_support(candidates), answer)

    def _confidence(self, question: Question, candidates: Candidates, ranking: Ranking) -> float:
        """Return the confidence. Whether a phrase stands somewhere is certain."""
        if question.has_only_phrases:
            return 1.0
        if asks_nothing(candidates):
            return 0.0
        return confidence(
            ranking.signals,
            self._fit,
            candidates.fluency,
            self._calibration,
            absent_quotation=bool(question.absent),
        )

    @property
    def _is_concurrent(self) -> bool:
        return self.info.store != LOCAL or self.info.passages >= _CONCURRENT_FROM

    def _rerank(self, reranker: Reranker, query: Query, ranking: Ranking) -> Ranking:
        """Put the first passages in the reranker's order."""
        texts = [
            f"{context(passage.document.metadata, passage.section)}: {passage.text}".removeprefix(": ")
            for passage in self.library.passages(ranking.rows[:_RERANKED].tolist())
        ]
        log_odds = reranker.score(query.question, texts)
        order, scores = rerank(ranking.scores, log_odds)
        unread = np.full(len(ranking.rows) - len(log_odds), np.nan, np.float32)
        signals = {**ranking.signals, "reranker": np.concatenate([log_odds, unread])}
        return replace(replace(ranking, signals=signals).take(order), scores=scores)

    def _read(
        self, reader: Reader, query: Query, ranking: Ranking, probability: float
    ) -> tuple[float, ShortAnswer | None]:
        """Return the confidence with a reader's part in it, and its answer if the question has one."""
        if not len(ranking.rows):
            return probability, None
        first = ranking.take(np.arange(min(len(ranking.rows), reading.READ)))
        groups, known = self._groups(first)
        passages = [known[group[0]] for group in groups]
        answer = reading.read_first(reader, query.question, passages)
        probability = reading.joint_confidence(probability, answer.log_odds)
        found = reading.short_answer(answer, passages) if probability >= ANSWERABLE else None
        return probability, found

    def _spread(self, query: Query, ranking: Ranking) -> Ranking:
        """Keep one page from filling the results that the query wants."""
        shown = TIER * ceil((query.offset + query.k) / TIER)
        ranking = ranking.take(np.arange(min(shown, len(ranking.rows))))
        passages = self.library.passages(ranking.rows.tolist())
        return spread_over_pages(
            ranking, [(passage.document.id, passage.page) if passage.page else None for passage in passages]
        )

    def _groups(self, ranking: Ranking) -> tuple[list[list[int]], dict[int, Passage]]:
        """Return the rows of each result, the one that is shown before its near-duplicates; and passages."""
        pairs = zip(ranking.rows.tolist(), ranking.copies, strict=True)
        groups = [[row, *copies.tolist()] for row, copies in pairs]
        rows = list(chain.from_iterable(groups))
        passages = dict(zip(rows, self.library.passages(rows), strict=True))
        return [earliest_first(group, passages) for group in groups], passages

    def _hits(self, question: QuestionSignals, ranking: Ranking) -> tuple[Hit, ...]:
        """Return the page of hits that the query wants, each with its near-duplicates."""
        query = question.candidates.query
        ranking = ranking.take(np.arange(len(ranking.rows))[query.offset :][: query.k])
        groups, passages = self._groups(ranking)
        shown = [group[0] for group in groups]
        first_copies = np.array(shown, np.int64), [passages[row] for row in shown]
        answers = _answers(question, *first_copies)
        facts = FactMatches(question)
        matched = facts.matched(*first_copies)
        scores = ranking.scores.tolist()
        relevant = (ranking.fused >= self._fit.relevant).tolist()
        signals = {name: values.tolist() for name, values in ranking.signals.items()}
        return tuple(
            Hit(
                query.offset + place + 1,
                passages[group[0]],
                scores[place],
                {name: value for name, values in signals.items() if not isnan(value := values[place])},
                passage_answers,
                tuple(passages[row] for row in group[1:]),
                relevant[place],
                facts.texts(met),
                facts.texts(not own for own in met),
            )
            for place, (group, passage_answers, met) in enumerate(zip(groups, answers, matched, strict=True))
        )


def _allow(corpus: Corpus, key: tuple[Filters, Phrases]) -> Sized:
    return corpus.allow(*key)


def _language_support(candidates: Candidates) -> LanguageSupport | None:
    if candidates.query.mode is Mode.LEXICAL:
        return None
    legible = candidates.fluency >= language.LEGIBLE or language.may_be_names(candidates.query.question)
    return "full" if legible else "words"


def _answers(
    question: QuestionSignals, rows: Int64, passages: Sequence[Passage]
) -> Iterator[tuple[Answer, ...]]:
    """Yield the sentences of each passage that answer the question, best first."""
    candidates = question.candidates
    signals, bounds = question.score_sentences(rows)
    scores = fuse_answers(signals, question.fit, candidates.query.mode, candidates.fluency).tolist()
    for passage, (first, last) in zip(passages, pairwise(bounds.tolist()), strict=True):
        own = scores[first:last]
        best, *others = sorted(range(len(own)), key=own.__getitem__, reverse=True)[:_MOST_ANSWERS]
        good = [best, *(i for i in others if own[i] >= max(own[best] - _NEARLY_AS_GOOD, 1e-6))]
        yield tuple(Answer(passage.slice(span := passage.sentences[i]), span, own[i]) for i in good)
