"""Results as a person asks for them: in an order, as passages or documents, and counted if wanted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from qa.results.by_document import DocumentHits, group_by_document, search_documents
from qa.results.listing import Listing, list_results
from qa.retrieval.search_protocol import Search
from qa.types import Grouping, Hit, Query, SearchResult, Sort


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How results are listed and counted.

    Attributes:
        sort: their order. By date, only results that bear on the question are listed.
        group: what a result is; ``k`` and ``offset`` of the query count these.
        facets: count the relevant results by publisher, year, language, type and folder.
        count: count the relevant results.
        relevant_only: list only results that bear on the question, as the search page does.
    """

    sort: Sort = Sort.RELEVANCE
    group: Grouping = Grouping.PASSAGE
    facets: bool = False
    count: bool = False
    relevant_only: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the best passages are all that is needed."""
        return not self.needs_listing and self.group is Grouping.PASSAGE

    @property
    def needs_listing(self) -> bool:
        """Whether all relevant results must be looked at."""
        return self.lists_relevant or self.facets or self.count

    @property
    def lists_relevant(self) -> bool:
        """Whether only results that bear on the question are listed."""
        return self.relevant_only or self.sort is Sort.DATE

    def choose(self, listing: Listing, query: Query) -> SearchResult:
        """Return the part of a listing that a query asks for."""
        wanted = slice(query.offset, query.offset + query.k)
        if self.group is Grouping.DOCUMENT:
            hits = _flattened(group_by_document(listing.hits)[wanted])
        else:
            hits = listing.hits[wanted]
        return replace(listing.result, query=query, hits=hits)

    def rank(self, result: SearchResult) -> tuple[Hit, ...]:
        """Return the hits with their places in the list as ranks; those of one document share its place."""
        offset = result.query.offset
        if self.group is Grouping.DOCUMENT:
            groups = group_by_document(result.hits, offset)
            return tuple(replace(hit, rank=group.rank) for group in groups for hit in group.hits)
        return tuple(replace(hit, rank=rank) for rank, hit in enumerate(result.hits, offset + 1))


PLAIN = Arrangement()


def arrange(
    search: Search, query: Query, arrangement: Arrangement = PLAIN
) -> tuple[SearchResult, Listing | None]:
    """Answer a query with its results as they are asked for.

    Returns:
        The answer with the hits that are listed, in their order (of documents, with all their passages), and
        the listing of all relevant results, if the arrangement needs it.
    """
    listing = list_results(search, query, arrangement.sort) if arrangement.needs_listing else None
    if listing and arrangement.lists_relevant:
        return arrangement.choose(listing, query), listing
    if arrangement.group is Grouping.DOCUMENT:
        result, groups = search_documents(search, query)
        return replace(result, query=query, hits=_flattened(groups)), listing
    return search.search(query), listing


def _flattened(groups: Iterable[DocumentHits]) -> tuple[Hit, ...]:
    return tuple(hit for group in groups for hit in group.hits)
