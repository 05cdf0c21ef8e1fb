"""The two stages of ranking: tiers, near-duplicates, and scores that never rise."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from fake_encoder import StandIn
from hypothesis import given
from hypothesis import strategies as st

from qa.index.generation import Generation
from qa.retrieval import ranking
from qa.retrieval.candidates import find_candidates
from qa.retrieval.ranking import TIER, Ranking, rank, spread_over_pages, tiers_best_first
from qa.retrieval.signals import QuestionSignals
from qa.types import Mode, Query


def _rank(corpus: Generation, query: Query, wanted: int) -> Ranking:
    candidates = find_candidates(
        corpus, StandIn(), query, wanted, languages=["en"], allowed=None, threads=None
    )
    return rank(corpus, QuestionSignals(corpus, candidates))


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(ranking).failed == 0


@given(st.lists(st.floats(0, 1, width=32), max_size=12), st.integers(1, 5))
def test_tiers_are_sorted_by_themselves_and_keep_their_order(scores: list[float], tier: int) -> None:
    values = np.array(scores, np.float32)
    order = tiers_best_first(values, np.arange(len(scores)), tier).tolist()
    for first in range(0, len(scores), tier):
        places = order[first : first + tier]
        assert sorted(places) == list(range(first, min(first + tier, len(scores))))
        assert places == sorted(places, key=lambda place: (-values[place], place))


@pytest.mark.parametrize("mode", Mode)
def test_those_who_want_more_get_the_same_first_tier(large: Generation, mode: Mode) -> None:
    query = Query("a doctor at the temple bridge", mode=mode)
    few, many = (_rank(large, query, wanted) for wanted in (TIER, 3 * TIER))
    assert len(few.rows) == TIER
    assert len(many.rows) > len(few.rows)
    assert many.rows[:TIER].tolist() == few.rows.tolist()
    assert (np.diff(many.scores) <= 0).all()


def test_places_are_taken_from_every_part(large: Generation) -> None:
    whole = _rank(large, Query("rice in the port"), TIER)
    some = whole.take(np.array([3, 0]))
    assert some.rows.tolist() == whole.rows[[3, 0]].tolist()
    assert some.scores.tolist() == whole.scores[[3, 0]].tolist()
    assert some.signals["dense"].tolist() == whole.signals["dense"][[3, 0]].tolist()
    assert [rows.tolist() for rows in some.copies] == [whole.copies[i].tolist() for i in (3, 0)]


def test_one_page_does_not_fill_the_first_places() -> None:
    spread = spread_over_pages(_ranking([0.6, 0.59, 0.58, 0.5, 0.2]), ["a", "a", "a", "b", "c"])
    assert spread.rows.tolist() == [0, 3, 1, 2, 4]
    assert spread.scores.tolist() == pytest.approx([0.6, 0.5, 0.5, 0.5, 0.2])
    assert spread.fused.tolist() == pytest.approx([0.6, 0.5, 0.59, 0.58, 0.2])


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30), st.data())
def test_pages_move_passages_inside_their_tiers_only(scores: list[float], data: st.DataObject) -> None:
    whole = _ranking(sorted(scores, reverse=True))
    pages = data.draw(st.lists(st.sampled_from([None, 1, 2]), min_size=len(scores), max_size=len(scores)))
    spread = spread_over_pages(whole, pages)
    assert spread.rows[0] == whole.rows[0]
    assert (spread.rows // TIER == whole.rows // TIER).all()
    assert (np.diff(spread.scores) <= 0).all()
    for page in (1, 2):
        kept = [row for row in spread.rows.tolist() if pages[row] == page]
        assert kept == sorted(kept)


def test_without_pages_nothing_moves() -> None:
    whole = _ranking([0.6, 0.59, 0.1])
    assert spread_over_pages(whole, [None] * 3).rows.tolist() == [0, 1, 2]


def _ranking(scores: list[float]) -> Ranking:
    values = np.array(scores, np.float32)
    none = np.empty(0, np.int64)
    return Ranking(np.arange(len(scores)), values, values, {}, [none] * len(scores))
