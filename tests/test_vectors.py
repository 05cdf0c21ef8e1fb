"""FAISS, against numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.contracts import CorruptIndexError, Float32
from qa.vectors import VectorIndex


def _unit(rows: int, seed: int = 0, dimension: int = 16) -> Float32:
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 5), st.floats(0, 1))
def test_search_is_numpys(rows: int, k: int, seed: int, selectivity: float) -> None:
    vectors, queries = _unit(rows, seed), _unit(3, seed + 100)
    chance = np.random.default_rng(seed).random(rows)
    for allowed in (None, np.flatnonzero(chance < selectivity)):
        found, cosines = VectorIndex.build(vectors).search(queries, k, allowed)
        candidates = np.arange(rows) if allowed is None else allowed
        expected = queries @ vectors[candidates].T
        order = np.argsort(-expected, axis=1, kind="stable")[:, :k]
        assert found.shape == cosines.shape == (3, min(k, len(candidates)))
        np.testing.assert_array_equal(found, candidates[order])
        np.testing.assert_allclose(cosines, np.take_along_axis(expected, order, 1), atol=1e-6)


def test_a_saved_index_is_mapped_and_gives_the_same(tmp_path: Path) -> None:
    vectors = _unit(1000)
    VectorIndex.build(vectors).save(tmp_path / "v.faiss")
    loaded = VectorIndex.load(tmp_path / "v.faiss")
    assert (len(loaded), loaded.dimension) == vectors.shape
    np.testing.assert_array_equal(loaded.vectors(np.arange(1000)), vectors)
    allowed = np.arange(0, 1000, 7)
    for one, other in zip(
        loaded.search(vectors[:5], 20, allowed), VectorIndex.build(vectors).search(vectors[:5], 20, allowed),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(one, other)


def test_vectors_come_back_in_the_order_asked_for() -> None:
    vectors = _unit(10)
    rows = np.array([7, 0, 7, 3])
    np.testing.assert_array_equal(VectorIndex.build(vectors).vectors(rows), vectors[rows])


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    VectorIndex.build(np.empty((0, 16), np.float32)).save(tmp_path / "v.faiss")
    index = VectorIndex.load(tmp_path / "v.faiss")
    found, cosines = index.search(_unit(2), 5)
    assert len(index) == 0
    assert found.shape == cosines.shape == (2, 0)
    assert index.vectors(np.empty(0, np.int64)).shape == (0, 16)


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-1], lambda data: b"\0" * len(data)])
def test_a_damaged_file_is_refused(tmp_path: Path, damage) -> None:
    path = tmp_path / "v.faiss"
    VectorIndex.build(_unit(50)).save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CorruptIndexError, match=r"v\.faiss"):
        VectorIndex.load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptIndexError, match=r"v\.faiss"):
        VectorIndex.load(tmp_path / "v.faiss")
