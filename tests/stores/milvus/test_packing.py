"""Blocks and texts survive packing, and take the characters that were reckoned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.stores.milvus import packing
from qa.stores.milvus.packing import Heavy, Light, chunks, heavy_size, joined, light_size, spread


def _light(sentences: int, terms: int, weighed: int, dimension: int, language: bytes = b"") -> Light:
    random = np.random.default_rng(sentences + terms + weighed)
    return Light(
        document=7,
        language=language,
        lengths=random.integers(0, 9, sentences, np.int32),
        terms=random.integers(0, 99, terms, np.int32),
        weighed=random.integers(0, 99, weighed, np.int32),
        impacts=random.random(weighed, np.float32),
        vectors=random.integers(-9, 9, (sentences, dimension), np.int16),
    )


@given(
    st.integers(0, 5),
    st.integers(0, 20),
    st.integers(0, 9),
    st.integers(1, 8),
    st.from_regex(rb"([a-z]{2,3})?", fullmatch=True),
)
def test_a_light_block_survives(
    sentences: int, terms: int, weighed: int, dimension: int, language: bytes
) -> None:
    block = _light(sentences, terms, weighed, dimension, language)
    packed = block.pack()
    unpacked = Light.unpack(packed, dimension)
    assert (unpacked.document, unpacked.language) == (block.document, block.language)
    for name in ("lengths", "terms", "weighed", "impacts", "vectors"):
        np.testing.assert_array_equal(getattr(unpacked, name), getattr(block, name))
    assert len(packed) == light_size(dimension, sentences, terms, weighed)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.integers(1, 8), st.integers(1, 4))
def test_a_heavy_block_survives(counts: list[int], dimension: int, width: int) -> None:
    random = np.random.default_rng(dimension)
    block = Heavy(
        vector=random.integers(-9, 9, dimension, np.int16),
        counts=np.array(counts, np.int32),
        tokens=random.integers(-128, 127, (sum(counts), width), np.int8),
    )
    packed = block.pack()
    unpacked = Heavy.unpack(packed, dimension)
    for name in ("vector", "counts", "tokens"):
        np.testing.assert_array_equal(getattr(unpacked, name), getattr(block, name))
    assert len(packed) == heavy_size(dimension, len(counts), sum(counts), width)


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fields take few bytes, for which short texts are enough."""
    monkeypatch.setattr(packing, "WIDTH", 5)


@given(st.text(max_size=40))
def test_chunks_are_the_text_and_fit_a_field(text: str) -> None:
    parts = list(chunks(text))
    assert "".join(parts) == text
    assert all(0 < len(part.encode()) <= 5 for part in parts)


@given(st.text(max_size=20))
def test_a_text_that_was_spread_is_joined(text: str) -> None:
    count = len(list(chunks(text))) + 2
    row = spread("record", text, count)
    assert list(row) == packing.columns("record", count)
    assert joined("record", row, count) == text
