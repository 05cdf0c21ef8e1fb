"""Vectors on disk and in FAISS, against numpy."""

from __future__ import annotations

import doctest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.index.dense import vectors as vectors_module
from qa.index.dense.vectors import VectorIndex, Vectors, VectorWriter, invert
from qa.types import Float32


def _unit(rows: int, seed: int = 0, dimension: int = 16) -> Float32:
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _near_each_other(rows: int, seed: int = 0, dimension: int = 64) -> Float32:
    """Draw vectors around a hundred centres, as sentences' vectors are around their subjects."""
    near = _unit(rows, seed + 7, dimension)
    middles = _unit(100, 5, dimension)[np.random.default_rng(seed).integers(100, size=rows)]
    vectors = near + middles
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _write(path: Path, vectors: Float32) -> Path:
    writer = VectorWriter(path)
    for part in np.array_split(vectors, 3):
        writer.add(part)
    assert writer.count == len(vectors)
    return path


def _inverted(folder: Path, vectors: Float32, memory: int = 2**30) -> tuple[VectorIndex, dict]:
    path = _write(folder / "v.int16", vectors)
    facts = invert(Vectors(path, vectors.shape[1]), folder / "v.faiss", memory, few=0)
    return VectorIndex(path, vectors.shape[1], folder / "v.faiss"), facts


def test_vectors_are_read_nearly_as_written_in_the_order_of_the_rows(tmp_path: Path) -> None:
    vectors = _unit(100)
    kept = Vectors(_write(tmp_path / "v", vectors), 16)
    assert len(kept) == 100
    rows = np.array([7, 0, 7, 3])
    half_a_step = 0.5 / 32767 + 1e-7
    np.testing.assert_allclose(kept.vectors(rows), vectors[rows], rtol=0, atol=half_a_step)
    blocks = np.vstack([block for _, block in kept.blocks()])
    np.testing.assert_allclose(blocks, vectors, rtol=0, atol=half_a_step)


def test_vectors_that_were_read_are_written_unchanged(tmp_path: Path) -> None:
    once = Vectors(_write(tmp_path / "1", _unit(50)), 16).vectors(np.arange(50))
    twice = Vectors(_write(tmp_path / "2", once), 16).vectors(np.arange(50))
    np.testing.assert_array_equal(once, twice)


@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 5), st.floats(0, 1))
def test_few_vectors_are_compared_with_all(rows: int, k: int, seed: int, selectivity: float) -> None:
    query = _unit(1, seed + 100)[0]
    chance = np.random.default_rng(seed).random(rows)
    with TemporaryDirectory() as folder:
        index = VectorIndex(_write(Path(folder) / "v", _unit(rows, seed)), 16)
        kept, scores = index.vectors(np.arange(rows)), index.score(query)
        for allowed in (None, np.flatnonzero(chance < selectivity)):
            candidates = np.arange(rows) if allowed is None else allowed
            cosines = kept[candidates] @ query
            expected = candidates[np.argsort(-cosines, kind="stable")[:k]]
            np.testing.assert_array_equal(scores.nearest(k, allowed), expected)
            np.testing.assert_allclose(scores.take(candidates), cosines, atol=1e-6)


def test_equal_cosines_come_by_row(tmp_path: Path) -> None:
    vectors = np.repeat(_unit(1), 50, axis=0)
    index = VectorIndex(_write(tmp_path / "v", vectors), 16)
    np.testing.assert_array_equal(index.score(vectors[0]).nearest(7), np.arange(7))


@pytest.mark.parametrize(("memory", "kind"), [(2**30, "IVF,RaBitQ2"), (1000, "IVF,RaBitQ")])
def test_nearly_all_of_the_nearest_of_many_vectors_are_found(tmp_path: Path, memory: int, kind: str) -> None:
    vectors = _near_each_other(6000)
    index, facts = _inverted(tmp_path, vectors, memory)
    assert facts["kind"] == kind
    assert facts["recall@10"] >= 0.9
    kept = index.vectors(np.arange(6000))
    shares = []
    for query in _near_each_other(50, 1):
        scores = index.score(query)
        nearest = scores.nearest(100)
        cosines = kept @ query
        np.testing.assert_allclose(scores.take(nearest), cosines[nearest], atol=1e-6)
        assert (np.diff(cosines[nearest]) <= 0).all()
        shares.append(np.isin(np.argsort(-cosines)[:10], nearest).mean())
    assert np.mean(shares) >= 0.85


@pytest.mark.parametrize("share", [0.001, 0.3, 0.99])
def test_a_filter_leaves_enough_rows_at_any_selectivity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr("qa.index.dense.vectors._FEW_ALLOWED", 100)
    vectors = _near_each_other(6000)
    index, _ = _inverted(tmp_path, vectors)
    allowed = np.flatnonzero(np.random.default_rng(0).random(6000) < share)
    shares = []
    for query in _near_each_other(20, 1):
        nearest = index.score(query).nearest(100, allowed)
        assert np.isin(nearest, allowed).all()
        assert len(nearest) == min(100, len(allowed))
        best = allowed[np.argsort(-(index.vectors(allowed) @ query))[:10]]
        shares.append(np.isin(best, nearest).mean())
    assert np.mean(shares) >= (1 if len(allowed) <= 100 else 0.85)


def test_few_vectors_need_no_inverted_file(tmp_path: Path) -> None:
    vectors = Vectors(_write(tmp_path / "v", _unit(50)), 16)
    assert invert(vectors, tmp_path / "v.faiss", 2**30) == {"kind": "exact"}
    assert not (tmp_path / "v.faiss").exists()


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    index = VectorIndex(_write(tmp_path / "v", np.empty((0, 16), np.float32)), 16)
    assert len(index) == 0
    assert index.vectors(np.empty(0, np.int64)).shape == (0, 16)
    assert index.score(_unit(1)[0]).nearest(5).shape == (0,)


def test_files_that_are_not_what_they_should_be_are_refused(tmp_path: Path) -> None:
    _inverted(tmp_path, _unit(1000))
    path = _write(tmp_path / "other", _unit(999))
    with pytest.raises(ValueError, match="is not of the vectors"):
        VectorIndex(path, 16, tmp_path / "v.faiss")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="does not hold whole rows of 16"):
        VectorIndex(path, 16)
    (tmp_path / "v.faiss").write_bytes(b"not an index")
    with pytest.raises(RuntimeError):
        VectorIndex(tmp_path / "v.int16", 16, tmp_path / "v.faiss")


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(vectors_module).failed == 0
