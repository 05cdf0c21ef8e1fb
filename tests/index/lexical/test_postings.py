"""Postings against bm25s, and the best of them against all scores, whatever way they are found."""

from __future__ import annotations

import doctest
import tempfile
from collections.abc import Iterable
from itertools import chain, pairwise
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.index.lexical import postings
from qa.index.lexical.bm25 import K1, B, Float64
from qa.index.lexical.postings import Postings, PostingsWriter
from qa.types import Int64

Corpus = list[list[int]]


def _write(folder: Path, blocks: Iterable[Corpus]) -> None:
    writer = PostingsWriter(folder)
    for block in blocks:
        terms = np.array(list(chain.from_iterable(block)), np.int64)
        writer.add(terms, np.array([len(passage) for passage in block], np.int64))
    writer.close()


def _postings(corpus: Corpus, cuts: Iterable[int] = ()) -> Postings:
    bounds = [0, *sorted({*cuts}), len(corpus)]
    with tempfile.TemporaryDirectory() as folder:  # what is mapped stays there for as long as it is
        _write(Path(folder), (corpus[a:b] for a, b in pairwise(bounds)))
        return Postings(Path(folder), len(corpus))


# Every number up to the greatest is a term of some passage: terms get their numbers as they come.
def _whole(corpus: Corpus) -> Corpus:
    numbers: dict[int, int] = {}
    return [[numbers.setdefault(term, len(numbers)) for term in passage] for passage in corpus]


_CORPORA = st.lists(st.lists(st.integers(0, 6), max_size=8), max_size=12).map(_whole)


def _zipf(seed: int, passages: int, vocabulary: int) -> Corpus:
    """Draw passages from a vocabulary whose words are as frequent as real ones."""
    chance = np.random.default_rng(seed)
    shares = 1 / np.arange(1, vocabulary + 1)
    lengths = chance.integers(0, 60, passages)
    return _whole([chance.choice(vocabulary, n, p=shares / shares.sum()).tolist() for n in lengths])


@given(_CORPORA, st.sets(st.integers(0, 11)))
def test_impacts_are_those_of_bm25s(corpus: Corpus, cuts: set[int]) -> None:
    index = _postings(corpus, {cut for cut in cuts if cut < len(corpus)})
    vocabulary = {str(term): term for passage in corpus for term in passage}
    assert index.terms == len(vocabulary)
    if not vocabulary:
        return
    oracle = bm25s.BM25(k1=K1, b=B, method="lucene")
    oracle.index((corpus, vocabulary), create_empty_token=False, show_progress=False)
    for term in range(index.terms):
        one, rows = np.array([term]), np.arange(len(corpus))
        expected = oracle.get_scores([str(term)])
        np.testing.assert_allclose(index.score(one, np.ones(1)).take(rows), expected, rtol=1e-5)
        assert index.frequencies(one).tolist() == [(expected > 0).sum()]


_WAYS = {"all": (2**16, 32), "accumulate": (0, 10**9), "look up": (0, 0), "both": (0, 2), "as set": (64, 32)}


def _assert_best(index: Postings, terms: Int64, factors: Float64, count: int, allowed: Int64 | None) -> None:
    scores = index.score(terms, factors).take(np.arange(index.passages))
    rows = np.arange(index.passages) if allowed is None else allowed
    wanted = sorted(rows[scores[rows] > 0].tolist(), key=lambda row: (-scores[row], row))[:count]
    best, given_scores = index.score(terms, factors).top(count, allowed)
    assert best.tolist() == wanted
    assert given_scores.tolist() == scores[wanted].tolist()


@pytest.mark.parametrize("way", _WAYS)
@given(_CORPORA, st.data())
def test_the_top_rows_are_the_first_of_all(way: str, corpus: Corpus, data: st.DataObject) -> None:
    index = _postings(corpus)
    terms = np.array(sorted(data.draw(st.sets(st.integers(0, max(index.terms - 1, 0))))), np.int64)
    terms = terms[terms < index.terms]
    weights = st.lists(st.sampled_from([0.01, 0.2, 0.2, 1.0]), min_size=len(terms), max_size=len(terms))
    factors = np.array(data.draw(weights), np.float64)
    allowed = data.draw(st.none() | st.sets(st.integers(0, 11)))
    rows = None if allowed is None else np.array([row for row in sorted(allowed) if row < len(corpus)], int)
    whole = index.score(terms, factors).take(np.arange(len(corpus)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "_ALL_SCORED", _WAYS[way][0])
        patch.setattr(postings, "_LOOK_UP", _WAYS[way][1])
        assert index.score(terms, factors).take(np.arange(len(corpus))).tolist() == whole.tolist()
        _assert_best(index, terms, factors, data.draw(st.integers(1, 13)), rows)


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("share", [None, 1.0, 0.98, 0.5, 0.02, 0.0])
def test_the_top_rows_of_many_passages_are_the_first_of_all(
    monkeypatch: pytest.MonkeyPatch, way: str, share: float | None
) -> None:
    monkeypatch.setattr(postings, "_ALL_SCORED", _WAYS[way][0])
    monkeypatch.setattr(postings, "_LOOK_UP", _WAYS[way][1])
    for seed in range(4):
        index = _postings(_zipf(seed, passages=1500, vocabulary=4000), cuts=[100, 700])
        chance = np.random.default_rng(seed)
        allowed = None if share is None else np.flatnonzero(chance.random(1500) < share)
        for size in (1, 2, 5, 12, 60):
            terms = chance.choice(index.terms, size, replace=False)
            terms = np.unique(np.append(terms, chance.choice(50, size // 2)))  # common ones as well
            factors = np.where(terms < 20, 0.2, 1.0)
            for count in (1, 10, 100, 1000):
                _assert_best(index, terms, factors, count, allowed)


def test_equal_scores_come_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "_ALL_SCORED", 0)
    index = _postings([[0, 1, 2 + i] for i in range(500)])
    terms = np.array([0, 1])
    assert index.score(terms, np.ones(2)).top(20)[0].tolist() == list(range(20))
    assert index.score(terms, np.ones(2)).top(20, np.arange(7, 500))[0].tolist() == list(range(7, 27))


def test_the_long_list_of_a_common_term_is_not_accumulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rare term in a hundred passages, the long list of a term in every passage is not accumulated."""
    monkeypatch.setattr(postings, "_ALL_SCORED", 0)
    walked = []
    walk = Postings.accumulate
    monkeypatch.setattr(
        Postings,
        "accumulate",
        lambda self, scores, term, *more: (walked.append(term), walk(self, scores, term, *more))[1],
    )
    index = _postings([[0, 1] if i % 50 == 0 else [0, 2 + i] for i in range(5000)])
    _assert_best(index, np.array([0, 1]), np.ones(2), 10, None)
    assert walked == [1]


def test_the_draft_is_removed(tmp_path: Path) -> None:
    _write(tmp_path, [[[0, 1]], [[1]]])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "posting_gains.npy", "posting_most.npy", "posting_rows.npy", "posting_starts.npy",
    ]  # fmt: skip


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(postings).failed == 0
