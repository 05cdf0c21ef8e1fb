"""BM25, against its formula written out and against bm25s."""

from __future__ import annotations

import doctest
import math

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.index.lexical import bm25
from qa.index.lexical.bm25 import K1, B, idf, impacts, saturations


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(bm25).failed == 0


@given(st.integers(1, 1000), st.data())
def test_idf_falls_with_the_frequency_and_is_never_negative(passages: int, data: st.DataObject) -> None:
    frequencies = sorted(data.draw(st.lists(st.integers(0, passages), min_size=1, max_size=9)))
    values = idf(passages, np.array(frequencies))
    expected = [math.log(1 + (passages - n + 0.5) / (n + 0.5)) for n in frequencies]
    assert values.tolist() == pytest.approx(expected)
    assert (values >= 0).all()
    assert (np.diff(values) <= 0).all()


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 40)), min_size=1, max_size=8))
def test_an_impact_is_the_formula_of_one_term_in_one_passage(passages: list[tuple[int, int]]) -> None:
    counts = np.array([count for count, _ in passages], np.int32)
    lengths = np.array([count + more for count, more in passages], np.float64)
    mean = sum(lengths) / len(lengths)
    expected = [
        2 * count / (count + K1 * (1 - B + B * length / mean))
        for count, length in zip(counts.tolist(), lengths.tolist(), strict=True)
    ]
    assert impacts(np.full(len(counts), 2.0), counts, saturations(lengths)).tolist() == pytest.approx(
        expected
    )


def test_an_impact_rises_with_the_count_and_stays_under_the_idf() -> None:
    values = impacts(np.full(50, 3.0), np.arange(1, 51), np.full(50, 1.2))
    assert (np.diff(values) > 0).all()
    assert values[-1] < 3


def test_passages_without_terms_have_a_saturation_too() -> None:
    assert saturations(np.zeros(3)).tolist() == pytest.approx([K1 * (1 - B)] * 3)
    assert len(saturations(np.empty(0))) == 0


def test_scores_are_those_of_bm25s() -> None:
    corpus = [[0, 1, 1, 2], [1], [2, 2, 2, 0, 0]]
    oracle = bm25s.BM25(k1=K1, b=B, method="lucene")
    oracle.index((corpus, {"a": 0, "b": 1, "c": 2}), create_empty_token=False, show_progress=False)
    saturation = saturations(np.array([4.0, 1.0, 5.0]))
    for term, name in enumerate("abc"):
        counts = np.array([passage.count(term) for passage in corpus], np.int32)
        idfs = idf(3, np.array([(counts > 0).sum()])).repeat(3)
        assert impacts(idfs, counts, saturation) == pytest.approx(oracle.get_scores([name]), rel=1e-5)
