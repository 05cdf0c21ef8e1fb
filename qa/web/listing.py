"""The results of a question as a whole: those that bear on it, in order, and what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from qa.protocols import Search
from qa.types import Filters, Hit, Query, SearchResult
from qa.web import facets
from qa.web.facets import Count, Field, Timeline

MOST = 100
"""How many results are looked at. Where so many bear on the question, there may be more."""

_WITHOUT: Mapping[Field, Mapping[str, object]] = {
    "source": {"source": ()},
    "year": {"date_from": None, "date_to": None},
    "language": {"language": ()},
    "type": {"media_type": ()},
}


class Sort(StrEnum):
    """The order of the results."""

    RELEVANCE = "relevance"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Listing:
    """The results of one question.

    Attributes:
        result: the answer, whose hits are the first ``MOST`` whether they bear on the question or not.
        hits: those that bear on it.
        weaker: the others.
        complete: whether ``hits`` are all there are.
        counts: of the hits under each value of each facet. The filter of the facet itself is left out of
            account: what is not chosen can be chosen as well.
        undated: how many hits have no full date.
        timeline: when the hits were published.
    """

    result: SearchResult
    hits: tuple[Hit, ...]
    weaker: tuple[Hit, ...]
    complete: bool
    counts: Mapping[Field, tuple[Count, ...]]
    undated: int
    timeline: Timeline | None


def look(search: Search, query: Query, sort: Sort = Sort.RELEVANCE) -> Listing:
    """Ask for all results of a question; ``k`` and ``offset`` of the query do not count."""
    whole = replace(query, k=MOST, offset=0)
    wanted = facets.chosen(query.filters)
    widened = {field: _without(query.filters, field) for field in wanted}
    others = {field: filters for field, filters in widened.items() if filters != query.filters}
    result, *more = search.search_many(
        [whole, *(replace(whole, filters=filters) for filters in others.values())]
    )
    found = dict(zip(others, more, strict=True))
    hits = _relevant(result)
    return Listing(
        result=result,
        hits=_by_date(hits) if sort is Sort.DATE else hits,
        weaker=tuple(hit for hit in result.hits if not hit.relevant),
        complete=len(hits) < MOST,
        counts={
            field: facets.count(_relevant(found.get(field, result)), field, values)
            for field, values in wanted.items()
        },
        undated=facets.undated(hits),
        timeline=facets.timeline(hits),
    )


def _without(filters: Filters, field: Field) -> Filters:
    return replace(filters, **_WITHOUT[field])  # type: ignore[arg-type]  # each has its own type


def _relevant(result: SearchResult) -> tuple[Hit, ...]:
    return tuple(hit for hit in result.hits if hit.relevant)


def _by_date(hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """Put the latest first, and those without a full date last."""
    return tuple(sorted(hits, key=lambda hit: hit.passage.document.metadata.published or "", reverse=True))
