"""What each index brings in, one after the other or at once, and how tokens are weighed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fake_encoder import StandIn
from naive import Naive

from qa.index.generation import Generation
from qa.retrieval.candidates import (
    Candidates,
    dense_candidates,
    find_candidates,
    lexical_candidates,
    merge,
)
from qa.types import Filters, Int64, Mode, Query

_QUESTION = "a doctor at the temple bridge"


def _find(
    corpus: Generation, query: Query, wanted: int = 20, threads: ThreadPoolExecutor | None = None
) -> Candidates:
    languages = corpus.store.languages()
    allowed = corpus.allow(query.filters) if query.filters else None
    return find_candidates(
        corpus, StandIn(), query, wanted, languages=languages, allowed=allowed, threads=threads
    )


@pytest.mark.parametrize("mode", Mode)
def test_threads_change_nothing(large: Generation, mode: Mode) -> None:
    query = Query(_QUESTION, mode=mode, filters=Filters(path=("a",)))
    with ThreadPoolExecutor(1) as threads:
        one, other = _find(large, query), _find(large, query, threads=threads)
    assert one.rows.tolist() == other.rows.tolist()
    assert one.token_weights.tolist() == other.token_weights.tolist()
    assert one.fluency == other.fluency


def test_hybrid_candidates_are_those_of_both_indexes(large: Generation) -> None:
    lexical, dense, hybrid = (
        set(_find(large, Query(_QUESTION, mode=mode)).rows.tolist())
        for mode in (Mode.LEXICAL, Mode.DENSE, Mode.HYBRID)
    )
    assert lexical
    assert dense
    assert hybrid == lexical | dense


def test_lexical_candidates_have_the_best_scores(large: Generation) -> None:
    candidates = _find(large, Query(_QUESTION, mode=Mode.LEXICAL))
    scores = candidates.terms.scores.take(np.arange(len(large.passages)))
    others = np.delete(scores, candidates.rows)
    assert scores[candidates.rows].min() >= others.max(initial=0)


def test_dense_candidates_are_twice_as_many_as_are_wanted(large: Generation) -> None:
    (vectors,) = StandIn().encode_queries([_QUESTION])
    for wanted in (1, 60, 120):
        rows = dense_candidates(large, vectors, wanted, None).rows
        assert len(rows) >= min(2 * wanted, len(large.passages))
        assert rows.tolist() == sorted(set(rows.tolist()))


def test_only_allowed_passages_are_candidates(large: Generation) -> None:
    allowed: Int64 = large.store.rows(Filters(path=("b/0[135].md",)))
    for mode in Mode:
        rows = _find(large, Query(_QUESTION, mode=mode, filters=Filters(path=("b/0[135].md",)))).rows
        assert len(rows)
        assert np.isin(rows, allowed).all()


def test_token_weights_are_those_of_the_definition(large: Generation) -> None:
    for question in (_QUESTION, "zeppelin harvest", "?!"):
        (vectors,) = StandIn().encode_queries([question])
        expected = Naive(large, StandIn()).token_shares(question, vectors)
        assert _find(large, Query(question)).token_weights.tolist() == pytest.approx(expected, abs=1e-6)


def test_without_a_dense_index_there_are_no_token_weights(large: Generation) -> None:
    query = Query(_QUESTION, mode=Mode.LEXICAL)
    candidates = merge(query, 5, lexical_candidates(large, query, 5, ["en"], None), None)
    assert (candidates.dense, candidates.fluency, len(candidates.token_weights)) == (None, 0.0, 0)
