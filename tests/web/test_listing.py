"""Counts are true: they are held against what choosing a value gives, over a real index."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_encoder import StandIn

from qa.retrieval.searcher import Searcher
from qa.types import Filters, Query
from qa.web import listing
from qa.web.facets import year_range
from qa.web.listing import Sort, look

QUESTIONS = ("rice in the port", "a doctor at the temple bridge", "zeppelin harvest")


@pytest.fixture(scope="module")
def searcher(large) -> Searcher:
    return Searcher(large, StandIn())


def choose(filters: Filters, field: str, value: str) -> Filters:
    """Let a facet have this value alone."""
    if field == "year":
        start, end = year_range(value)
        return replace(filters, date_from=start, date_to=end)
    return replace(filters, **{{"type": "media_type"}.get(field, field): (value,)})


FILTERS = (Filters(), Filters(source=("S1",)), Filters(path=("a",), source=("S0", "S2")))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_a_count_is_what_choosing_gives(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch, question: str, filters: Filters
) -> None:
    monkeypatch.setattr(listing, "MOST", 400)

    def left(narrowed: Filters) -> int:
        return len(look(searcher, Query(question, filters=narrowed)).hits)

    found = look(searcher, Query(question, filters=filters))
    assert found.complete
    assert len(found.hits) == left(filters)
    assert found.timeline
    for field, counts in found.counts.items():
        assert {one.value: one.count for one in counts} == {
            one.value: left(choose(filters, field, one.value)) for one in counts
        }
    for bar in found.timeline.bars:
        assert bar.count == left(replace(filters, date_from=bar.start, date_to=bar.end))


def test_by_date_the_latest_come_first_and_all_are_there(searcher: Searcher) -> None:
    best, latest = (look(searcher, Query(QUESTIONS[0]), sort) for sort in Sort)
    assert {hit.passage.id for hit in best.hits} == {hit.passage.id for hit in latest.hits}
    dates = [hit.passage.document.metadata.published for hit in latest.hits]
    assert dates == sorted(dates, reverse=True)
    assert [hit.rank for hit in best.hits] == sorted(hit.rank for hit in best.hits)


def test_hits_bear_on_the_question_and_the_others_do_not(searcher: Searcher) -> None:
    found = look(searcher, Query(QUESTIONS[0], k=3, offset=2))
    assert all(hit.relevant for hit in found.hits)
    assert not any(hit.relevant for hit in found.weaker)
    assert len(found.hits) + len(found.weaker) == listing.MOST


def test_where_there_may_be_more_it_is_said(searcher: Searcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST", 2)
    found = look(searcher, Query(QUESTIONS[0]))
    assert len(found.hits) == 2
    assert not found.complete
