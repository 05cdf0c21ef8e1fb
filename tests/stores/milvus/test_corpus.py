"""The arithmetic over passages' blocks, against that of the local index; without a server."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from index.lexical.samples import CORPORA, QUESTIONS, index_of

from qa.errors import StoreUnavailableError
from qa.index.dense.vectors import narrowed
from qa.index.lexical.inverted_index import LexicalIndex, PassageTerms
from qa.index.lexical.term_matches import hash_terms, look_up_terms
from qa.stores.milvus.corpus import _LocalScores, _SentenceScores, _SparseScores
from qa.stores.milvus.expressions import Allowed
from qa.types import Int64


def _with_impacts(index: LexicalIndex) -> Any:
    """Return a corpus whose passages carry their terms' impacts, as those in Milvus do."""
    bounds, terms, impacts = index.impacts(0, index.passages)
    blocks = [
        SimpleNamespace(weighed=terms[first:last].astype(np.int32), impacts=impacts[first:last])
        for first, last in itertools.pairwise(bounds)
    ]
    return SimpleNamespace(light=lambda rows: [blocks[row] for row in rows.tolist()])


@given(CORPORA, QUESTIONS, st.data())
def test_scores_added_up_from_blocks_are_those_of_the_local_index(
    corpus: list[PassageTerms], question: list[str], data: st.DataObject
) -> None:
    index = index_of(corpus)
    numbers, _ = index.look_up(hash_terms(dict.fromkeys(question)))
    terms = numbers[numbers >= 0]
    factors = np.linspace(0.2, 1, len(terms))
    rows: Int64 = np.array(data.draw(st.lists(st.sampled_from(range(len(corpus))))), np.int64)
    scores = _SparseScores(_with_impacts(index), terms, factors).take(rows)
    assert scores.tolist() == pytest.approx(index.score(terms, factors).take(rows).tolist(), abs=1e-6)


def _with_vectors(vectors: list[np.ndarray], client: Any = None) -> Any:
    blocks = [SimpleNamespace(vectors=narrowed(part)) for part in vectors]
    return SimpleNamespace(
        client=client,
        sentences="sentences",
        layout=SimpleNamespace(dimension=3, search={}, sentences=sum(map(len, vectors))),
        light=lambda rows: [blocks[row] for row in rows.tolist()],
        counts=lambda rows: np.array([len(vectors[row]) for row in rows.tolist()], np.int64),
    )


def test_cosines_are_those_of_each_passages_sentences() -> None:
    axes = np.eye(3, dtype=np.float32)
    scores = _SentenceScores(_with_vectors([axes[:2], axes[2:]]), np.array([0.6, 0.8, 0], np.float32))
    assert scores.take(np.array([1, 0])).tolist() == pytest.approx([0, 0.6, 0.8], abs=1e-4)
    assert scores.best_of_passages(np.array([1, 0])).tolist() == pytest.approx([0, 0.8], abs=1e-4)
    assert scores.best_of_passages(np.empty(0, np.int64)).tolist() == []


def test_a_search_that_misses_sentences_is_refused() -> None:
    axes = np.eye(3, dtype=np.float32)
    client = SimpleNamespace(search=lambda *_, **__: [{"row": 1}], address="127.0.0.1")
    scores = _SentenceScores(_with_vectors([axes[:2], axes[2:]], client), axes[0])
    assert scores.nearest_passages(1).tolist() == [1]
    with pytest.raises(StoreUnavailableError, match="does not hold all sentences"):
        scores.nearest_passages(3)


def test_where_bm25_is_local_the_filters_are_those_of_milvus(tmp_path: Path) -> None:
    index = index_of([PassageTerms((), [["rice", "port"]]), PassageTerms((), [["rice"]])])
    rows = [{"id": 0}]
    corpus: Any = SimpleNamespace(
        client=SimpleNamespace(scan=lambda *_, where, **__: rows if where == "filtered" else []),
        manifest=SimpleNamespace(passages=2),
        passages="passages",
    )
    scores = _LocalScores(corpus, look_up_terms(["rice"], index).scores)
    assert scores.top(5)[0].tolist() == [1, 0]
    assert scores.top(5, Allowed("filtered", 1))[0].tolist() == [0]
    assert scores.top(5, Allowed("none", 1))[0].tolist() == []
