"""The passages that may answer a question: what the lexical and the dense index each bring in."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain

import numpy as np

from qa.embedding.model_protocols import Encoder
from qa.index.lexical.term_matches import QuestionTerms, look_up_terms
from qa.retrieval.fits import Fit, fit_for
from qa.stores.protocol import Corpus, SentenceScores
from qa.text import language, terms
from qa.text.language import Fertility
from qa.types import Float32, Int64, Mode, Query, QueryVectors, Span

_POOL = 100
"""At least so many passages come from the lexical index, and so many sentences from the dense one. Measured:
pools that always held the right passage gained nothing (``benchmarks/README.md``)."""

_DEPTH = 2
"""Each index brings in at least so many passages for each one wanted. Chosen: some are near-identical."""

_MOSTLY_KNOWN = 0.75
"""Where all passages are in one language, a question of which they hold more than this share of the words is
in it. Measured on XQuAD: of English questions .9 have more, of German ones over English articles .03."""

Words = Sequence[tuple[Span, tuple[str, ...]]]
"""The words of a question: where each stands, and its index terms."""


@dataclass(frozen=True, slots=True, eq=False)
class LexicalCandidates:
    """What the lexical index knows of a question.

    Attributes:
        words: the question's words.
        terms: their index terms, with the passages' BM25 scores.
        rows: the passages with the best scores; none in dense mode.
        foreign: the languages of the generation in which the question surely is not.
        fertility: of the generation's model.
        languages: the generation's languages.
    """

    words: Words
    terms: QuestionTerms
    rows: Int64
    foreign: frozenset[str]
    fertility: Fertility
    languages: Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class DenseCandidates:
    """What the dense index knows of a question.

    Attributes:
        vectors: the question's vectors.
        sentences: its cosines with the sentences.
        rows: the passages of the nearest sentences, ascending.
    """

    vectors: QueryVectors
    sentences: SentenceScores
    rows: Int64


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The passages that may answer, and what is known of the question.

    Attributes:
        query: the query.
        wanted: how many passages are wanted.
        rows: the candidates of either index, ascending.
        terms: the question's terms.
        dense: what the dense index knows of the question; None in lexical mode.
        token_weights: how much each of the question's tokens counts, adding up to 1; none in lexical mode.
        fluency: how well the model knows the question's language, in [0, 1]; 0 in lexical mode.
        words: the question's words.
        foreign: the languages of the generation in which the question surely is not.
        languages: the generation's languages.
    """

    query: Query
    wanted: int
    rows: Int64
    terms: QuestionTerms
    dense: DenseCandidates | None
    token_weights: Float32
    fluency: float
    words: Words = ()
    foreign: frozenset[str] = frozenset()
    languages: Sequence[str] = ()


def find_candidates(
    corpus: Corpus,
    encoder: Encoder,
    query: Query,
    wanted: int,
    *,
    languages: Sequence[str],
    allowed: Sized | None,
    threads: Executor | None,
) -> Candidates:
    """Find the passages that may answer a query.

    Args:
        corpus: the generation.
        encoder: the model that it was built with; not used in lexical mode.
        query: the query.
        wanted: how many passages are wanted.
        languages: the generation's languages.
        allowed: the passages that may answer, as the corpus returned them; all if None.
        threads: look in the dense index on one of these while looking in the lexical one. If None, look in
            one after the other.
    """

    def find_dense() -> DenseCandidates:
        (vectors,) = encoder.encode_queries([query.question])
        return dense_candidates(corpus, vectors, wanted, allowed)

    if query.mode is Mode.LEXICAL:
        return merge(query, wanted, lexical_candidates(corpus, query, wanted, languages, allowed), None)
    under_way = threads.submit(find_dense) if threads else None
    lexical = lexical_candidates(corpus, query, wanted, languages, allowed)
    return merge(query, wanted, lexical, under_way.result() if under_way else find_dense())


def lexical_candidates(
    corpus: Corpus, query: Query, wanted: int, languages: Sequence[str], allowed: Sized | None
) -> LexicalCandidates:
    """Look up a question's terms and, unless in dense mode, find the passages with the best BM25 scores."""
    words = list(terms.words(query.question, languages))
    question_terms = look_up_terms(chain.from_iterable(stems for _, stems in words), corpus.lexical)
    rows = np.empty(0, np.int64)
    if query.mode is not Mode.DENSE:
        rows, _ = question_terms.scores.top(max(_POOL, _DEPTH * wanted), allowed)
    fit = fit_for(corpus.manifest.model)
    foreign = _foreign(fit, query, languages, question_terms)
    return LexicalCandidates(words, question_terms, rows, foreign, fit.fertility, languages)


def _foreign(
    fit: Fit, query: Query, languages: Sequence[str], question_terms: QuestionTerms
) -> frozenset[str]:
    """Return the languages of the passages in which the question is not, if that may be and matters."""
    if query.mode is not Mode.HYBRID or fit.across is None:
        return frozenset()
    known = len(question_terms.known) / max(len(question_terms.weights), 1)
    if len(languages) == 1 and known > _MOSTLY_KNOWN:
        return frozenset()  # most questions end here: to identify a language takes a while
    return language.foreign_languages(query.question, languages)


def dense_candidates(
    corpus: Corpus, vectors: QueryVectors, wanted: int, allowed: Sized | None
) -> DenseCandidates:
    """Find the passages of the nearest sentences: as many sentences as it takes for enough passages."""
    sentences, count = corpus.score_sentences(vectors.vector), _POOL
    while True:
        passages = sentences.nearest_passages(count, allowed)
        rows = np.unique(passages)
        if len(rows) >= _DEPTH * wanted or len(passages) < count:
            return DenseCandidates(vectors, sentences, rows)
        count *= 2


def merge(query: Query, wanted: int, lexical: LexicalCandidates, dense: DenseCandidates | None) -> Candidates:
    """Merge what both indexes bring in."""
    weights, fluency, rows = np.empty(0, np.float32), 0.0, lexical.rows
    if dense is not None:
        rows = np.concatenate([lexical.rows, dense.rows])
        weights = _token_weights(lexical.words, lexical.terms, dense.vectors.spans)
        word_count = terms.count_words(query.question)
        fluency = language.fluency(dense.vectors.token_count, word_count, lexical.fertility)
    return Candidates(
        query,
        wanted,
        np.unique(rows),
        lexical.terms,
        dense,
        weights,
        fluency,
        lexical.words,
        lexical.foreign,
        lexical.languages,
    )


def _token_weights(words: Words, question_terms: QuestionTerms, tokens: Sequence[Span]) -> Float32:
    """Weigh each token: half is the same for all, half is the weight of the token's word."""
    word_weights = [0.0] * len(tokens)
    for (first, last), stems in words:
        weight = max(map(question_terms.weights.__getitem__, stems))
        for i, (start, end) in enumerate(tokens):
            if start < last and end > first:
                word_weights[i] = weight
    by_word = np.array(word_weights)
    shares = by_word / (by_word.sum() or 1) + 1 / max(len(tokens), 1)
    return np.asarray(shares / (shares.sum() or 1), np.float32)
