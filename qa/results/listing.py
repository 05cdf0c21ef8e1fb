"""All relevant results of a question, in order, with their facets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from qa.results import facets
from qa.results.facets import Count, Field, Timeline
from qa.retrieval.search_protocol import Search
from qa.types import Filters, Hit, Query, SearchResult, Sort

MAX_RESULTS = 100
"""Best results that are considered, as many as ``k`` may be. If all are relevant, there may be more."""

_WITHOUT: Mapping[Field, Mapping[str, object]] = {
    "source": {"source": ()},
    "year": {"date_from": None, "date_to": None},
    "language": {"language": ()},
    "type": {"media_type": ()},
    "folder": {"path": ()},
}


@dataclass(frozen=True, slots=True)
class Listing:
    """The results of one question.

    Attributes:
        result: the answer, with the ``MAX_RESULTS`` best hits, relevant or not.
        hits: the relevant hits.
        weaker: the other hits.
        complete: whether ``hits`` are all relevant hits.
        counts: number of hits for each value of each facet, ignoring the facet's own filter, so that other
            values can be selected as well.
        undated: number of hits without a full date.
        timeline: when the hits were published.
    """

    result: SearchResult
    hits: tuple[Hit, ...]
    weaker: tuple[Hit, ...]
    complete: bool
    counts: Mapping[Field, tuple[Count, ...]]
    undated: int
    timeline: Timeline | None


def list_results(search: Search, query: Query, sort: Sort = Sort.RELEVANCE) -> Listing:
    """Return all relevant results of a question; ``k`` and ``offset`` of the query are ignored."""
    whole = replace(query, k=MAX_RESULTS, offset=0)
    selected = facets.selected_values(query.filters)
    widened = {field: _without(query.filters, field) for field in selected}
    others = {field: filters for field, filters in widened.items() if filters != query.filters}
    result, *more = search.search_many(
        [whole, *(replace(whole, filters=filters) for filters in others.values())]
    )
    widened_results = dict(zip(others, more, strict=True))
    hits = _relevant(result)
    return Listing(
        result=result,
        hits=_by_date(hits) if sort is Sort.DATE else hits,
        weaker=tuple(hit for hit in result.hits if not hit.relevant),
        complete=len(hits) < MAX_RESULTS,
        counts={
            field: _count(_relevant(widened_results.get(field, result)), field, values)
            for field, values in selected.items()
        },
        undated=facets.count_undated(hits),
        timeline=facets.timeline(hits),
    )


def _without(filters: Filters, field: Field) -> Filters:
    return replace(filters, **_WITHOUT[field])  # type: ignore[arg-type]  # each has its own type


def _count(hits: Sequence[Hit], field: Field, selected: Sequence[str]) -> tuple[Count, ...]:
    if field == "folder":
        return facets.count_folders(hits, selected)
    return facets.count_values(hits, field, selected)


def _relevant(result: SearchResult) -> tuple[Hit, ...]:
    return tuple(hit for hit in result.hits if hit.relevant)


def _by_date(hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """Return the latest hits first, and those without a full date last."""
    return tuple(sorted(hits, key=lambda hit: hit.passage.document.metadata.published or "", reverse=True))
