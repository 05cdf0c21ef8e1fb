"""Counts are true: over a real index, selecting a value returns exactly as many results."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_encoder import StandIn
from web.fake_search import FakeSearch

from qa.results import listing
from qa.results.facets import year_range
from qa.results.listing import list_results
from qa.retrieval.searcher import Searcher
from qa.types import Filters, Query, Sort

QUESTIONS = ("rice in the port", "a doctor at the temple bridge", "zeppelin harvest")


@pytest.fixture(scope="module")
def searcher(large) -> Searcher:
    return Searcher(large, StandIn())


def choose(filters: Filters, field: str, value: str) -> Filters:
    """Return the filters with only this value of a facet."""
    if field == "year":
        start, end = year_range(value)
        return replace(filters, date_from=start, date_to=end)
    return replace(filters, **{{"type": "media_type", "folder": "path"}.get(field, field): (value,)})


FILTERS = (Filters(), Filters(source=("S1",)), Filters(path=("a",), source=("S0", "S2")))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_a_count_is_the_number_of_results_after_selecting(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch, question: str, filters: Filters
) -> None:
    monkeypatch.setattr(listing, "MAX_RESULTS", 400)

    def left(narrowed: Filters) -> int:
        return len(list_results(searcher, Query(question, filters=narrowed)).hits)

    answer = list_results(searcher, Query(question, filters=filters))
    assert answer.complete
    assert len(answer.hits) == left(filters)
    assert answer.timeline
    for field, counts in answer.counts.items():
        assert {count.value: count.count for count in counts} == {
            count.value: left(choose(filters, field, count.value)) for count in counts
        }
    for bar in answer.timeline.bars:
        assert bar.count == left(replace(filters, date_from=bar.start, date_to=bar.end))


def test_sorted_by_date_the_same_results_start_with_the_latest(searcher: Searcher) -> None:
    best, latest = (list_results(searcher, Query(QUESTIONS[0]), sort) for sort in Sort)
    assert {hit.passage.id for hit in best.hits} == {hit.passage.id for hit in latest.hits}
    dates = [hit.passage.document.metadata.published for hit in latest.hits]
    assert dates == sorted(dates, reverse=True)
    assert [hit.rank for hit in best.hits] == sorted(hit.rank for hit in best.hits)


def test_hits_are_relevant_and_weaker_ones_are_not(searcher: Searcher) -> None:
    answer = list_results(searcher, Query(QUESTIONS[0], k=3, offset=2))
    assert all(hit.relevant for hit in answer.hits)
    assert not any(hit.relevant for hit in answer.weaker)
    assert len(answer.hits) + len(answer.weaker) == listing.MAX_RESULTS


def test_a_listing_with_too_many_results_is_not_complete(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_RESULTS", 2)
    answer = list_results(searcher, Query(QUESTIONS[0]))
    assert len(answer.hits) == 2
    assert not answer.complete


def test_selecting_a_folder_shows_as_many_results_as_it_counts(search: FakeSearch) -> None:
    for path in ("news/2019/a.txt", "news/2019/b.txt", "news/2020/c.txt", "newsletter/d.txt"):
        search.add(path, f"The trade grew, says {path}.")
    seen = set()
    for selected in ((), ("news",), ("news/2019",), ("newsletter", "news/2020"), ("nowhere",)):
        listing = list_results(search, Query("trade grew", filters=Filters(path=selected)))
        for count in listing.counts["folder"]:
            alone = list_results(search, Query("trade grew", filters=Filters(path=(count.value,))))
            assert len(alone.hits) == count.count
            assert count.chosen == (count.value in selected)
            seen.add(count.value)
        assert set(selected) <= {count.value for count in listing.counts["folder"]}
    assert seen == {"news", "news/2019", "news/2020", "newsletter", "nowhere"}
