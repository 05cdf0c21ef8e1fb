"""What ranking needs of a passage, packed as text, as fields of text are what every Milvus has.

A light block holds what ranking needs of every candidate, a heavy one what it needs of the few that it
examines closely. They hold the local index's numbers unchanged, so all scores are the same.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.types import Float32, Int8, Int32

WIDTH = 60_000
"""How many bytes of text a field takes: before 2.6 a Milvus takes 65,535 at most."""

_TOP, _CONTINUATION = 0b1100_0000, 0b1000_0000
"""The two top bits of a byte, and what they are in UTF-8 if the byte continues a letter."""

_LANGUAGE = np.dtype("S4")
"""The code of a language, in as many bytes as a number: what follows lies where numbers should."""

Int16 = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """What ranking needs of every candidate.

    Attributes:
        document: the number of the passage's document.
        language: the code of its language, empty if unknown.
        lengths: how many terms each of its sentences has.
        terms: these terms, in order.
        weighed: the different terms of the passage and its context.
        impacts: what each of them adds to the passage's score.
        vectors: the vectors of its sentences, shape (sentences, dimension), 16 bits a number.
    """

    document: int
    language: bytes
    lengths: Int32
    terms: Int32
    weighed: Int32
    impacts: Float32
    vectors: Int16

    def pack(self) -> str:
        """Return the block as text, for ``unpack``."""
        sizes = np.array([self.document, len(self.lengths), len(self.terms), len(self.weighed)], np.int32)
        language = np.array([self.language], _LANGUAGE)
        parts = (sizes, language, self.lengths, self.terms, self.weighed, self.impacts, self.vectors)
        return _packed(parts)

    @classmethod
    def unpack(cls, packed: str, dimension: int) -> Light:
        """Return the block that ``pack`` packed."""
        parts = _Parts(packed)
        document, sentences, terms, weighed = parts.take(np.int32, 4).tolist()
        return cls(
            document,
            bytes(parts.take(_LANGUAGE, 1)[0]),
            parts.take(np.int32, sentences),
            parts.take(np.int32, terms),
            parts.take(np.int32, weighed),
            parts.take(np.float32, weighed),
            parts.take(np.int16, sentences * dimension).reshape(sentences, dimension),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Heavy:
    """What ranking needs of a passage that it examines closely.

    Attributes:
        vector: the passage's vector, shape (dimension,), 16 bits a number.
        counts: how many tokens its context and each of its sentences have.
        tokens: the compressed vectors of these tokens, shape (tokens, width).
    """

    vector: Int16
    counts: Int32
    tokens: Int8

    def pack(self) -> str:
        """Return the block as text, for ``unpack``."""
        sizes = np.array([len(self.counts), self.tokens.shape[1]], np.int32)
        return _packed((sizes, self.vector, self.counts, self.tokens))

    @classmethod
    def unpack(cls, packed: str, dimension: int) -> Heavy:
        """Return the block that ``pack`` packed."""
        parts = _Parts(packed)
        segments, width = parts.take(np.int32, 2).tolist()
        vector, counts = parts.take(np.int16, dimension), parts.take(np.int32, segments)
        tokens = int(counts.sum())
        return cls(vector, counts, parts.take(np.int8, tokens * width).reshape(tokens, width))


def light_size(dimension: int, sentences: int, terms: int, weighed: int) -> int:
    """Return how many characters a light block takes."""
    return _characters(
        4 * 4 + _LANGUAGE.itemsize + 4 * sentences + 4 * terms + 8 * weighed + 2 * dimension * sentences
    )


def heavy_size(dimension: int, segments: int, tokens: int, width: int) -> int:
    """Return how many characters a heavy block takes."""
    return _characters(2 * 4 + 2 * dimension + 4 * segments + tokens * width)


def _characters(size: int) -> int:
    return 4 * -(-size // 3)


class _Parts:
    """Arrays packed one after another."""

    def __init__(self, packed: str) -> None:
        self._bytes = b64decode(packed)
        self._place = 0

    def take(self, dtype: Any, count: int) -> NDArray[Any]:
        array = np.frombuffer(self._bytes, dtype, count, self._place)
        self._place += array.nbytes
        return array


def _packed(parts: tuple[NDArray[Any], ...]) -> str:
    return b64encode(b"".join(part.tobytes() for part in parts)).decode("ascii")


def columns(name: str, count: int) -> list[str]:
    """Return the names of the fields that a long text is spread over."""
    return [f"{name}_{i}" for i in range(count)]


def spread(name: str, text: str, count: int) -> dict[str, str]:
    """Spread a text over fields of at most ``WIDTH`` bytes each; the last ones may be empty."""
    parts = list(chunks(text))
    return dict(zip(columns(name, count), parts + [""] * (count - len(parts)), strict=True))


def joined(name: str, row: Mapping[str, Any], count: int) -> str:
    """Return the text that ``spread`` spread over fields."""
    return "".join(row[column] for column in columns(name, count))


def chunks(text: str) -> Iterator[str]:
    """Cut a text into parts of at most ``WIDTH`` bytes, without cutting a letter."""
    if text.isascii():
        yield from (text[start : start + WIDTH] for start in range(0, len(text), WIDTH))
        return
    utf8, start = text.encode(), 0
    while start < len(utf8):
        end = min(start + WIDTH, len(utf8))
        while end < len(utf8) and utf8[end] & _TOP == _CONTINUATION:
            end -= 1
        yield utf8[start:end].decode()
        start = end
