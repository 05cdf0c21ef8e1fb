"""A stand-in for an embedding model: deterministic, and near where words are shared."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from qa.text import sample
from qa.text.terms import words
from qa.types import Float32, PassageInput, PassageVectors, QueryVectors, Span

_TOKEN = re.compile(r"\w+|[^\w\s]")
_SAMPLE = frozenset(sample.lines())


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Count words and signs."""
    return [len(_TOKEN.findall(text)) for text in texts]


@dataclass
class StandIn:
    """Gives each word the direction of its stem, drawn by chance, and a text the sum of its words'.

    ``encoded`` keeps what it was given, but for the sample on which the tokens' projection is made. With
    ``speaks_in_tokens`` false it is like a model whose tokens have no vectors of their own.
    """

    name: str = "stand-in"
    fingerprint: str = "0123456789abcdef"
    dimension: int = 48
    max_tokens: int = 60
    speaks_in_tokens: bool = True
    encoded: list[PassageInput] = field(default_factory=list)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return count_tokens(texts)

    def count_query_tokens(self, questions: Sequence[str]) -> list[int]:
        return self.count_tokens(questions)

    def encode_queries(self, questions: Sequence[str]) -> list[QueryVectors]:
        return [self._query(question) for question in questions]

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        self.encoded += [passage for passage in passages if passage.text not in _SAMPLE]
        return [self._passage(passage) for passage in passages]

    def check(self, sentences: Sequence[str]) -> None:
        """It is what it is."""

    def save(self, folder: Path, *, documents: bool = False) -> None:
        """It needs nothing."""

    def _query(self, question: str) -> QueryVectors:
        spans, tokens = self._tokens(question)
        return QueryVectors(
            self._vector(_stems(question)), tokens, spans, self.count_query_tokens([question])[0]
        )

    def _passage(self, passage: PassageInput) -> PassageVectors:
        sentences = [span.slice(passage.text) for span in passage.sentences]
        segments = [self._tokens(part)[1] for part in (passage.context, *sentences)]
        return PassageVectors(
            self._vector(_stems(f"{passage.context} {passage.text}")),
            np.stack([self._vector(_stems(sentence)) for sentence in sentences]),
            np.concatenate(segments),
            tuple(map(len, segments)),
        )

    def _tokens(self, text: str) -> tuple[tuple[Span, ...], Float32]:
        """Give each word's place and its direction, three times as long as it should be."""
        spoken = list(words(text, ["en", "ru"])) if self.speaks_in_tokens else []
        vectors = [3 * self._vector(stems) for _, stems in spoken]
        return tuple(span for span, _ in spoken), np.reshape(vectors, (-1, self.dimension)).astype(np.float32)

    def _vector(self, stems: Iterable[str]) -> Float32:
        total = sum((_direction(stem, self.dimension) for stem in stems), np.zeros(self.dimension))
        total[0] += 1e-6  # a text without words has a direction too
        return (total / np.linalg.norm(total)).astype(np.float32)


@dataclass
class Anglophone(StandIn):
    """Knows ASCII only: each other letter is a token of its own."""

    def count_query_tokens(self, questions: Sequence[str]) -> list[int]:
        strange = [sum(not letter.isascii() for letter in question) for question in questions]
        return [count + more for count, more in zip(self.count_tokens(questions), strange, strict=True)]


def _stems(text: str) -> list[str]:
    return [stem for _, stems in words(text, ["en", "ru"]) for stem in stems]


@cache
def _direction(word: str, dimension: int) -> Float32:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
    return np.random.default_rng(seed).standard_normal(dimension)
