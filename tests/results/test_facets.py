from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from web.fake_search import passes

from qa.results import facets
from qa.results.facets import MAX_BARS, Count
from qa.text.folding import fold
from qa.types import Document, Filters, Hit, Metadata, Passage, Span


def passage(published: str | None = None, source: str | None = None, language: str | None = None) -> Passage:
    document = Document("d", "a.txt", "text/plain", "", Metadata(source=source, published=published), 4, 1)
    return Passage("d:0-4", document, Span(0, 4), "text", (Span(0, 4),), language=language)


def hit(*passages: Passage) -> Hit:
    return Hit(1, passages[0], 1.0, {}, (), passages[1:])


DATES = st.lists(st.one_of(st.none(), st.dates()), max_size=40)


@given(DATES)
def test_the_timeline_holds_every_dated_result_once(dates: list[date | None]) -> None:
    hits = [hit(passage(day.isoformat() if day else None)) for day in dates]
    dated = [day for day in dates if day]
    timeline = facets.timeline(hits)
    assert (timeline is None) == (len(set(dated)) < 2)
    assert facets.count_undated(hits) == len(dates) - len(dated)
    if timeline is None:
        return
    assert 1 <= len(timeline.bars) <= MAX_BARS
    for bar in timeline.bars:
        assert bar.count == sum(bar.start <= day.isoformat() <= bar.end for day in dated)
    assert sum(bar.count for bar in timeline.bars) == len(dated)
    assert timeline.bars[0].count > 0 < timeline.bars[-1].count
    for before, after in pairwise(timeline.bars):
        assert date.fromisoformat(before.end) + timedelta(days=1) == date.fromisoformat(after.start)
    assert timeline.highest == max(bar.count for bar in timeline.bars)


def test_bars_are_the_finest_that_fit() -> None:
    def divided(first: str, last: str) -> tuple[str, int, str, str]:
        timeline = facets.timeline([hit(passage(first)), hit(passage(last))])
        return timeline.unit, len(timeline.bars), timeline.bars[0].start, timeline.bars[0].end

    assert divided("2019-07-03", "2019-07-05") == ("day", 3, "2019-07-03", "2019-07-03")
    assert divided("2019-07-03", "2019-08-20") == ("day", 8, "2019-07-01", "2019-07-07")
    assert divided("2019-01-31", "2019-12-01") == ("month", 11 + 1, "2019-01-01", "2019-01-31")
    assert divided("2018-02-11", "2020-02-01") == ("month", 9, "2018-01-01", "2018-03-31")
    assert divided("2009-07-03", "2019-07-05") == ("year", 11, "2009-01-01", "2009-12-31")
    assert divided("1950-07-03", "2019-07-05") == ("year", 7, "1950-01-01", "1959-12-31")


def test_a_group_of_duplicates_counts_once_under_each_of_its_values() -> None:
    hits = [hit(passage(source="A"), passage(source="B"), passage(source="A")), hit(passage(source="B"))]
    assert facets.count_values(hits, "source", ()) == (Count("B", 2), Count("A", 1))
    assert facets.count_values(hits, "source", ("b", "C")) == (
        Count("B", 2, chosen=True),
        Count("A", 1),
        Count("C", 0, chosen=True),
    )
    assert facets.count_values([hit(passage())], "source", ()) == ()


def test_spellings_of_a_value_count_as_one_in_the_most_frequent_spelling() -> None:
    hits = [hit(passage(source=source)) for source in ("Alpha", "alpha", "ALPHA", "alpha", "Beta")]
    assert facets.count_values(hits, "source", ()) == (Count("alpha", 4), Count("Beta", 1))
    assert facets.count_values(hits[:2], "source", ("ALPHA", "alpha")) == (Count("Alpha", 2, chosen=True),)
    hits = [hit(passage(source="Le\u0301o"), passage(source="L\u00e9o")), hit(passage(source="L\u00c9O"))]
    [count] = facets.count_values(hits, "source", ())
    assert count.count == 2
    assert facets.count_values([], "source", ("Alpha", "ALPHA")) == (Count("ALPHA", 0, chosen=True),)


SOURCES = st.sampled_from(
    ["Alpha", "alpha", "ALPHA", "Léo", "Le\u0301o", "LÉO", "Straße", "STRASSE", "ТАСС", "тасс"]
)


@given(st.lists(st.lists(SOURCES, min_size=1, max_size=3), max_size=12))
def test_selecting_a_value_returns_as_many_results_as_its_count(groups: list[list[str]]) -> None:
    hits = [hit(*(passage(source=source) for source in group)) for group in groups]
    counts = facets.count_values(hits, "source", ())
    for count in counts:
        filters = Filters(source=(count.value,))
        results = [h for h in hits if any(passes(filters, p) for p in (h.passage, *h.duplicates))]
        assert len(results) == count.count
    assert len({fold(count.value) for count in counts}) == len(counts)
    assert {count.value for count in counts} <= {source for group in groups for source in group}


def test_years_are_listed_from_the_latest() -> None:
    hits = [hit(passage(f"{year}-05-05")) for year in (1999, 2020, 1999)]
    assert [count.value for count in facets.count_values(hits, "year", ())] == ["2020", "1999"]


def test_the_dates_of_a_whole_year_select_it() -> None:
    assert facets.selected_values(Filters(date_from="2019-01-01", date_to="2019-12-31"))["year"] == ("2019",)
    assert facets.selected_values(Filters(date_from="2019-01-01", date_to="2019-12-30"))["year"] == ()
    assert facets.selected_values(Filters())["year"] == ()
