"""What the search does, done slowly from the definitions: every signal of every passage, and the order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qa.embedding.model_protocols import Encoder
from qa.index.generation import Generation
from qa.index.lexical.bm25 import K1, B
from qa.index.lexical.inverted_index import PassageTerms
from qa.index.lexical.term_matches import COMMON_SHARE
from qa.index.store import StoredDocument
from qa.indexing import pipeline
from qa.retrieval.fits import fit_for
from qa.text.language import foreign_languages
from qa.text.terms import common_terms, count_words, terms, words
from qa.types import Float32, Mode, Query, QueryVectors

Float64 = NDArray[np.float64]


def stored_documents(generation: Generation) -> Iterator[StoredDocument]:
    """Return every document of a generation in the order of its passages' rows."""
    for path in dict.fromkeys(document.path for document in generation.store.all_documents()):
        yield from generation.store.stored(path)


@dataclass
class Naive:
    """A generation and the model that made it, searched without any shortcut."""

    generation: Generation
    encoder: Encoder

    def __post_init__(self) -> None:
        documents = list(stored_documents(self.generation))
        self.fit = fit_for(self.generation.manifest.model)
        self.ids = [document.document.id for document in documents for _ in document.passages]
        self.languages = [
            passage.language or document.document.metadata.language
            for document in documents
            for passage in document.passages
        ]
        self.texts: list[PassageTerms] = [
            pipeline._terms(document, passage) for document in documents for passage in document.passages
        ]
        self.flat = [
            [*text.context, *(term for sentence in text.sentences for term in sentence)]
            for text in self.texts
        ]
        self.average = sum(map(len, self.flat)) / len(self.flat)
        self.frequencies = Counter(term for text in self.flat for term in set(text))

    def idf(self, term: str) -> float:
        frequency = self.frequencies[term]
        return math.log(1 + (len(self.flat) - frequency + 0.5) / (frequency + 0.5))

    def weight(self, term: str) -> float:
        """Return what a term of a question counts: a common word little."""
        common = term in common_terms(self.generation.store.languages())
        return self.idf(term) * (COMMON_SHARE if common else 1)

    def signals(self, query: Query) -> list[dict[str, float]]:
        """Return the signals of every passage by row, as the table in ``signals`` defines them."""
        order = list(terms(query.question, self.generation.store.languages()))
        weights = {term: self.weight(term) for term in order}
        rows = range(len(self.flat))
        signals: list[dict[str, float]] = [
            {
                "lexical": self._lexical(row, weights),
                "coverage": self._coverage(row, weights),
                "adjacency": self._adjacency(row, order, weights),
            }
            for row in rows
        ]
        if query.mode is not Mode.LEXICAL:
            (vectors,) = self.encoder.encode_queries([query.question])
            shares = self.token_shares(query.question, vectors)
            for row in rows:
                own = self.generation.passages.vectors(np.array([row]))[0]
                best = max(float(s @ vectors.vector) for s in self._sentences(row))
                signals[row]["dense"] = float(own @ vectors.vector)
                signals[row]["sentence"] = best
                signals[row]["interaction"] = self._interaction(row, vectors, shares, best)
        if query.mode is Mode.HYBRID and (others := self.foreign(order, query.question)):
            names = self.names(query.question)
            for row in rows:
                signals[row]["foreign"] = float(self.languages[row] in others)
                if names:
                    signals[row]["shared"] = self._shared(row, names)
        for row in rows:
            near = [r for r in (row - 1, row + 1) if 0 <= r < len(rows) and self.ids[r] == self.ids[row]]
            for name in {"lexical", "sentence"} & signals[row].keys():
                values = [signals[r][name] for r in near] + [0.0] * (2 - len(near))
                signals[row][f"{name}_nearby"] = max(values)
        return signals

    def foreign(self, order: list[str], question: str) -> frozenset[str]:
        """Return the languages in which the question is not, unless the only one holds most of its terms."""
        languages = self.generation.store.languages()
        held = sum(self.frequencies[term] > 0 for term in set(order))
        if self.fit.across is None or (len(languages) == 1 and held > 0.75 * max(1, len(set(order)))):
            return frozenset()
        return foreign_languages(question, languages)

    def names(self, question: str) -> dict[str, float]:
        """Return what names and numbers count that some passage holds, by term."""
        found = list(words(question, self.generation.store.languages()))
        return {
            term: self.weight(term)
            for place, (span, stems) in enumerate(found)
            if (text := span.slice(question))
            and ((place and text[0].isupper()) or any(c.isdecimal() for c in text))
            for term in stems
            if self.frequencies[term]
        }

    def fluency(self, question: str) -> float:
        """Return 1 for as few tokens a word as known languages have, 0 for as many as others do."""
        (count,) = self.encoder.count_query_tokens([question])
        known, unknown = self.fit.fertility
        return min(1, max(0, (unknown - count / max(1, count_words(question))) / (unknown - known)))

    def ranked(self, query: Query) -> list[tuple[float, int]]:
        """Return score and row of every passage that may answer, best first."""
        say = {
            Mode.HYBRID: (self.fluency(query.question), 1.0),
            Mode.DENSE: (1.0, 0.0),
            Mode.LEXICAL: (0.0, 1.0),
        }[query.mode]
        weights = {name: say[0] * weight for name, weight in self.fit.dense.items()}
        weights |= {name: say[1] * weight for name, weight in self.fit.lexical.items()}
        signals = self.signals(query)
        rows = self.generation.store.rows(query.filters).tolist()
        if query.mode is Mode.LEXICAL:
            rows = [row for row in rows if signals[row]["lexical"] > 0]
        return sorted(
            ((self._score(signals[row], weights), row) for row in rows), key=lambda pair: (-pair[0], pair[1])
        )

    def _score(self, signals: Mapping[str, float], weights: Mapping[str, float]) -> float:
        across = self.fit.across
        if across is None or not signals.get("foreign"):
            return fused(signals, weights)
        return across.score.scale * fused(signals, across.weights) + across.score.shift

    def token_shares(self, question: str, vectors: QueryVectors) -> list[float]:
        """Half of a token's weight is the same for each, half goes by how telling its word is."""
        telling = []
        for token in vectors.spans:
            own = [
                max(map(self.weight, stems))
                for word, stems in words(question, self.generation.store.languages())
                if word.start < token.end and token.start < word.end
            ]
            telling.append(own[-1] if own else 0.0)
        total = sum(telling)
        return [((value / total + 1 / len(telling)) / 2 if total else 1 / len(telling)) for value in telling]

    def _lexical(self, row: int, weights: Mapping[str, float]) -> float:
        counts = Counter(self.flat[row])
        length = K1 * (1 - B + B * len(self.flat[row]) / self.average)
        gain = sum(weight * counts[term] / (counts[term] + length) for term, weight in weights.items())
        return gain / (sum(weights.values()) or 1)

    def _coverage(self, row: int, weights: Mapping[str, float]) -> float:
        return max(
            sum(weight for term, weight in weights.items() if term in sentence) / (sum(weights.values()) or 1)
            for sentence in self.texts[row].sentences
        )

    def _shared(self, row: int, names: Mapping[str, float]) -> float:
        return max(
            sum(weight for term, weight in names.items() if term in sentence) / sum(names.values())
            for sentence in self.texts[row].sentences
        )

    def _adjacency(self, row: int, order: list[str], weights: Mapping[str, float]) -> float:
        pairs = {
            (a, b): min(weights[a], weights[b])
            for a, b in pairwise(order)
            if a != b and self.frequencies[a] and self.frequencies[b]
        }
        text = [term for sentence in self.texts[row].sentences for term in sentence]
        met = sum(pairs.get(pair, 0) for pair in set(pairwise(text)))
        return met / (sum(pairs.values()) or 1)

    def _sentences(self, row: int) -> Float32:
        first, last = self.generation.sentence_starts[row : row + 2]
        return self.generation.sentences.vectors(np.arange(first, last))

    def _interaction(self, row: int, vectors: QueryVectors, shares: list[float], sentence: float) -> float:
        if not shares or not self.generation.tokens:
            return sentence**3
        first, last = (int(number) for number in self.generation.sentence_starts[row : row + 2])
        best = np.max([self.best_cosines(i, vectors) for i in range(first + row, last + row + 1)], axis=0)
        return sum(share * cosine**3 for share, cosine in zip(shares, best.tolist(), strict=True))

    def best_cosines(self, segment: int, vectors: QueryVectors) -> Float64:
        """Give, for each of the question's tokens, the best cosine with a token of one segment."""
        tokens, _ = self.generation.tokens.tokens(segment, segment + 1)
        mean, *directions = self.generation.tokens.projection
        wanted = _unit(vectors.tokens) @ np.array(directions) - mean
        return (_unit(tokens) @ _unit(wanted).T).max(axis=0, initial=-1)


def fused(signals: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return the weighted mean of the signals that are there."""
    there = {name: weight for name, weight in weights.items() if name in signals}
    return sum(weight * signals[name] for name, weight in there.items()) / (sum(there.values()) or 1)


def _unit(vectors: Float32) -> Float64:
    values = vectors.astype(float)
    return values / np.linalg.norm(values, axis=1, keepdims=True)
