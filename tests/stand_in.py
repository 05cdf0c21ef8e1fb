"""A stand-in for an embedding model: deterministic, and near where words are shared."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from qa.contracts import Float32, PassageInput, PassageVectors
from qa.lexical import terms

_TOKEN = re.compile(r"\w+|[^\w\s]")


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Count words and signs."""
    return [len(_TOKEN.findall(text)) for text in texts]


@dataclass
class StandIn:
    """Sums a random direction for each stem of a text. ``encoded`` keeps what it was given."""

    name: str = "stand-in"
    fingerprint: str = "0123456789abcdef"
    dimension: int = 48
    max_tokens: int = 60
    encoded: list[PassageInput] = field(default_factory=list)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return count_tokens(texts)

    def encode_queries(self, questions: Sequence[str]) -> Float32:
        return np.stack([self._vector(terms(question, ["en", "ru"])) for question in questions])

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        self.encoded += passages
        return [
            PassageVectors(
                self._vector(terms(f"{passage.context} {passage.text}", ["en", "ru"])),
                np.stack(
                    [self._vector(terms(span.of(passage.text), ["en", "ru"])) for span in passage.sentences]
                ),
            )
            for passage in passages
        ]

    def _vector(self, words: Iterable[str]) -> Float32:
        total = sum((_direction(word, self.dimension) for word in words), np.zeros(self.dimension))
        total[0] += 1e-6  # a text without words has a direction too
        return (total / np.linalg.norm(total)).astype(np.float32)


@cache
def _direction(word: str, dimension: int) -> Float32:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
    return np.random.default_rng(seed).standard_normal(dimension)
