"""The JSON of results that are arranged, grouped or counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import islice

from qa.results.answers import JSON, search_answer
from qa.results.arrangement import Arrangement
from qa.results.by_document import DocumentHits, group_by_document
from qa.results.listing import Listing
from qa.types import Grouping, SearchResult


def arranged_answer(result: SearchResult, arrangement: Arrangement, listing: Listing | None) -> JSON:
    """Return the answer to one question as ``arrange`` returned it."""
    by_document = arrangement.group is Grouping.DOCUMENT
    answer = _documents_answer(result) if by_document else search_answer(result)
    if listing is None:
        return answer
    facets = {"facets": facets_answer(listing)} if arrangement.facets else {}
    return answer | facets | {"hits": len(listing.hits)}


def listing_answer(listing: Listing) -> JSON:
    """Return all relevant results of one question, in the order of the listing."""
    answer = search_answer(replace(listing.result, hits=listing.hits))
    return answer | {"facets": facets_answer(listing)}


def _documents_answer(result: SearchResult) -> JSON:
    """Return an answer whose results are documents, each with its passages."""
    groups = group_by_document(result.hits, result.query.offset)
    hits = tuple(hit for group in groups for hit in group.hits)
    answer = search_answer(replace(result, hits=hits))
    passages = iter(answer["results"])
    return answer | {"results": [_document_result(group, passages) for group in groups]}


def _document_result(group: DocumentHits, passages: Iterator[JSON]) -> JSON:
    own = list(islice(passages, len(group.hits)))
    return own[0] | {"rank": group.rank, "passages": own}


def facets_answer(listing: Listing) -> JSON:
    """Return the facets of the results."""
    counted = {field: [asdict(count) for count in counts] for field, counts in listing.counts.items()}
    return {
        "results": len(listing.hits),
        "complete": listing.complete,
        **{field: counts for field, counts in counted.items() if field != "folder"},
        "undated": listing.undated,
        "timeline": [
            {"from": bar.start, "to": bar.end, "count": bar.count}
            for bar in (listing.timeline.bars if listing.timeline else ())
        ],
        "folder": counted["folder"],
    }
