"""The signals of candidates: how well each passage answers one question, in several ways.

One number a passage each:

=================  ===================================================================================
dense              the cosine of the question's vector and the passage's
sentence           the best cosine of the question's vector and one of the passage's sentences'
sentence_nearby    the same of the better of the two neighbouring passages
interaction        the mean, over the question's tokens, of the cube of the best cosine with the passage's
lexical            BM25 as a share of the most that the question's terms could contribute
lexical_nearby     the same of the better of the two neighbouring passages
coverage           the share of the question's terms, by weight, in the sentence that holds most of it
adjacency          the share of the question's neighbouring terms that are neighbours there too
foreign            1 if the passage is in another language than the question, else 0
shared             the share of the names and numbers of the question in the sentence that holds most of them
=================  ===================================================================================

The last two are there only if some passages are in another language than the question. A question without
names and numbers that any passage holds has no ``shared``. ``facts`` adds what the first passage alone has.

The cosines are on the default model's scale, onto which a ``Calibration`` brings those of another model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from qa.arrays import Affine, cubed, max_in_parts
from qa.index.dense.late_interaction import TokenMatches
from qa.index.lexical.bm25 import Float64
from qa.index.lexical.term_matches import TermMatches
from qa.retrieval.calibration import Calibration, not_calibrated
from qa.retrieval.candidates import Candidates
from qa.retrieval.fits import fit_for
from qa.stores.protocol import Corpus, SentenceScores
from qa.types import Float32, Int64

Signals = Mapping[str, Float32]
"""Signals by name, each with a number for each passage or sentence."""

PREVIOUS_SENTENCE_DISCOUNT = 0.86
"""How much a match counts for a sentence if it is in the sentence before: "There he was welcomed". Measured
in right passages of XQuAD: .865 of the first answers are right, without it .847
(``benchmarks/README.md``)."""

CONTEXT_DISCOUNT = 0.9
"""How much a match counts for a sentence if it is in its passage's title or section. Chosen with the one
above."""


FOREIGN, SHARED = "foreign", "shared"


class _Takeable(Protocol):
    def take(self, places: Int64) -> Self: ...


_Matches = TypeVar("_Matches", bound=_Takeable)


class _LatestRows(Generic[_Matches]):
    """Computes matches for rows. If they are among the rows computed last, it only looks them up."""

    def __init__(self, compute: Callable[[Int64], _Matches]) -> None:
        self._compute = compute
        self._places: dict[int, int] = {}
        self._matches: _Matches | None = None

    def take(self, rows: Int64) -> _Matches:
        """Return the matches of rows, in their order."""
        wanted = rows.tolist()
        if self._matches is None or not self._places.keys() >= set(wanted):
            self._places = {row: place for place, row in enumerate(wanted)}
            self._matches = self._compute(rows)
            return self._matches
        return self._matches.take(np.array([self._places[row] for row in wanted], np.int64))


class QuestionSignals:
    """Computes the signals of passages for one question."""

    def __init__(
        self, corpus: Corpus, candidates: Candidates, calibration: Calibration | None = None
    ) -> None:
        """Prepare to compute signals.

        Args:
            corpus: the generation.
            candidates: what is known of the question.
            calibration: brings cosines onto the common scale; that of the model's fit if None.
        """
        self._corpus = corpus
        self.fit = fit_for(corpus.manifest.model)
        calibration = calibration or not_calibrated(self.fit)
        self.candidates = candidates
        self._dense = candidates.dense
        self._calibration = calibration
        self._term_matches = _LatestRows[TermMatches](partial(corpus.match_terms, candidates.terms))
        if self._dense:
            tokens, scale = self._dense.vectors.tokens, calibration.interaction
            self._token_matches = _LatestRows[TokenMatches](partial(_match_tokens, corpus, tokens, scale))

    def first_stage(self, rows: Int64) -> Signals:
        """Return the signals that are cheap enough for every candidate: lexical and sentence."""
        return {**self._scores(rows), **self._foreign(rows)}

    def second_stage(self, rows: Int64) -> Signals:
        """Return the signals that the likeliest passages have besides those of the first stage."""
        return {**self._nearby(rows), **self.closer(rows)}

    def closer(self, rows: Int64) -> Signals:
        """Return the signals that come from the passages' own terms, vectors and tokens."""
        matches = self._term_matches.take(rows)
        signals = {
            "coverage": max_in_parts(matches.coverage(), matches.bounds, 0),
            "adjacency": matches.adjacency(),
        }
        if self._dense:
            cosines = self._corpus.vectors(rows) @ self._dense.vectors.vector
            signals["dense"] = self._calibration.sentence(cosines)
            signals["interaction"] = self.interaction(rows, sharpened=True)
        for name, values in self._shared(matches).items():
            signals[name] = max_in_parts(values, matches.bounds, 0)
        return signals

    def score_sentences(self, rows: Int64) -> tuple[Signals, Int64]:
        """Return the signals of the passages' sentences, one after another.

        Returns:
            The signals, and where each passage's sentences begin and the last one's end.
        """
        matches = self._term_matches.take(rows)
        discounts = np.full(matches.bounds[-1], PREVIOUS_SENTENCE_DISCOUNT, np.float32)
        discounts[matches.bounds[:-1]] = 0  # there is no sentence before the first
        signals = {"coverage": matches.coverage(discounts)}
        for name, values in self._foreign(rows).items():
            signals[name] = values.repeat(np.diff(matches.bounds))
        signals.update(self._shared(matches))
        if self._dense:
            cosines = self._sentences.take(rows)
            signals["sentence"] = self._calibration.sentence(cosines)
            if self._has_tokens:
                signals["interaction"] = self._token_matches.take(rows).score_sentences(
                    self.candidates.token_weights,
                    previous_discount=PREVIOUS_SENTENCE_DISCOUNT,
                    context_discount=CONTEXT_DISCOUNT,
                )
            else:
                signals["interaction"] = self._calibration.interaction(cosines)
        return signals, matches.bounds

    def term_matches(self, rows: Int64) -> TermMatches:
        """Return what the passages hold of the question's terms."""
        return self._term_matches.take(rows)

    def token_matches(self, rows: Int64) -> TokenMatches | None:
        """Return how well the passages match the question's tokens; None if tokens have no vectors."""
        return self._token_matches.take(rows) if self._has_tokens else None

    def interaction(self, rows: Int64, *, sharpened: bool = False) -> Float32:
        """Return the passages' late interaction, or their sentences' cosines if tokens have no vectors.

        Args:
            rows: the passages' rows.
            sharpened: cube the cosines.
        """
        if self._has_tokens:
            matches = self._token_matches.take(rows)
            return matches.score_passages(self.candidates.token_weights, sharpened=sharpened)
        cosines = self._calibration.interaction(self._sentences.best_of_passages(rows))
        return cubed(cosines) if sharpened else cosines

    def _scores(self, rows: Int64) -> Signals:
        signals = {"lexical": self.candidates.terms.scores.take(rows)}
        if self._dense:
            signals["sentence"] = self._calibration.sentence(self._sentences.best_of_passages(rows))
        return signals

    def _foreign(self, rows: Int64) -> Signals:
        """Return which passages are in another language than the question, if any may be."""
        if not self.candidates.foreign:
            return {}
        foreign = np.array([code.encode() for code in self.candidates.foreign])
        return {FOREIGN: np.isin(self._corpus.passage_languages(rows), foreign).astype(np.float32)}

    def _shared(self, matches: TermMatches) -> Signals:
        """Return the share of names and numbers in each sentence, if it matters and the question has any."""
        if not self.candidates.foreign or not self._shared_weights.any():
            return {}
        return {SHARED: matches.weighted_share(self._shared_weights)}

    @cached_property
    def _shared_weights(self) -> Float64:
        """The weights of the known terms that may be the same in any language: names and numbers."""
        terms, words = self.candidates.terms, self.candidates.words
        question = self.candidates.query.question
        shared: set[str] = set()
        for place, (span, stems) in enumerate(words):
            word = span.slice(question)
            if (place > 0 and word[0].isupper()) or any(map(str.isdecimal, word)):
                shared.update(stems)
        return terms.known_weights * np.array([term in shared for term in terms.known_terms], np.float64)

    @property
    def _sentences(self) -> SentenceScores:
        assert self._dense is not None  # noqa: S101 -- the caller has checked the mode
        return self._dense.sentences

    @property
    def _has_tokens(self) -> bool:
        return self._dense is not None and len(self._dense.vectors.tokens) > 0 and self._corpus.has_tokens

    def _nearby(self, rows: Int64) -> Signals:
        """Return the signals of the better of each passage's neighbours in its document; 0 if it has none."""
        last = self._corpus.manifest.passages - 1
        beside = np.concatenate([np.maximum(rows - 1, 0), np.minimum(rows + 1, last), rows]).reshape(3, -1)
        documents = self._corpus.document_numbers(beside.ravel()).reshape(3, -1)
        exists = (beside[:2] != rows) & (documents[:2] == documents[2])
        signals = {}
        for name, values in self._scores(beside[:2][exists]).items():
            of_both = np.zeros(exists.shape, np.float32)
            of_both[exists] = values
            signals[f"{name}_nearby"] = of_both.max(axis=0)
        return signals


def _match_tokens(corpus: Corpus, tokens: Float32, scale: Affine, rows: Int64) -> TokenMatches:
    return corpus.match_tokens(tokens, rows).rescaled(scale)
