"""Results by document: the passages of each document together, so that one long document is one result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from qa.retrieval.search_protocol import Search
from qa.types import Document, Hit, Query, SearchResult

_DEPTHS = (100, 400, 1100)
"""How many passages are looked at until there are documents enough. Chosen: the last is as many as one can
reach with ``offset`` and ``k`` in the list of passages; most questions need only the first."""


@dataclass(frozen=True, slots=True)
class DocumentHits:
    """A document in the results.

    Attributes:
        rank: its place among the documents, from 1.
        hits: its passages in the order of the results; never empty.
    """

    rank: int
    hits: tuple[Hit, ...]

    @property
    def document(self) -> Document:
        """The document."""
        return self.hits[0].passage.document


def group_by_document(hits: Iterable[Hit], offset: int = 0) -> tuple[DocumentHits, ...]:
    """Put the passages of each document together. Documents are in the order of their first passages.

    Args:
        hits: the passages.
        offset: how many documents come before these.
    """
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.passage.document.id, []).append(hit)
    return tuple(DocumentHits(rank, tuple(group)) for rank, group in enumerate(groups.values(), offset + 1))


def search_documents(search: Search, query: Query) -> tuple[SearchResult, tuple[DocumentHits, ...]]:
    """Answer a query with documents; ``k`` and ``offset`` of the query count these.

    Returns:
        The answer with all passages that were looked at, and the wanted documents.
    """
    wanted = query.offset + query.k
    for depth in _DEPTHS:
        result = search.search(replace(query, k=depth, offset=0))
        groups = group_by_document(result.hits)
        if len(groups) >= wanted or len(result.hits) < depth:
            break
    return result, groups[query.offset : wanted]
