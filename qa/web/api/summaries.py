"""The API's JSON of what goes beyond single results: facets, listings and the state of the index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import islice

from qa.indexing.ledger import Summary
from qa.results.answers import JSON, search_answer
from qa.types import IndexInfo, SearchResult
from qa.web.by_document import DocumentHits
from qa.web.listing import Listing


def listing_answer(listing: Listing) -> JSON:
    """Return all relevant results of one question, in the order of the listing."""
    answer = search_answer(replace(listing.result, hits=listing.hits))
    return answer | {"facets": facets_answer(listing)}


def documents_found_answer(result: SearchResult, groups: Sequence[DocumentHits]) -> JSON:
    """Return the answer to one question with documents as its results."""
    hits = tuple(hit for group in groups for hit in group.hits)
    answer = search_answer(replace(result, hits=hits))
    passages = iter(answer["results"])
    return answer | {"results": [_document_result(group, passages) for group in groups]}


def _document_result(group: DocumentHits, passages: Iterator[JSON]) -> JSON:
    own = list(islice(passages, len(group.hits)))
    return own[0] | {"rank": group.rank, "passages": own}


def facets_answer(listing: Listing) -> JSON:
    """Return the facets of the results."""
    return {
        "results": len(listing.hits),
        "complete": listing.complete,
        **{field: [asdict(count) for count in counts] for field, counts in listing.counts.items()},
        "undated": listing.undated,
        "timeline": [
            {"from": bar.start, "to": bar.end, "count": bar.count}
            for bar in (listing.timeline.bars if listing.timeline else ())
        ],
    }


def status_answer(info: IndexInfo, folder: Summary | None) -> JSON:
    """Return the contents of the index, and the state of the documents folder if it is known."""
    return {
        "generation": info.generation,
        "model": info.model,
        "created": info.created,
        "documents": info.documents,
        "passages": info.passages,
        "sentences": info.sentences,
        "store": info.store,
        "failures": [
            {"path": failure.full_path, "row": failure.row, "reason": failure.reason}
            for failure in info.failures
        ],
        "failure_count": info.failure_count,
        "unread_files": info.unread_files,
        "files": asdict(folder) if folder else None,
    }
