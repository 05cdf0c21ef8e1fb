"""Suggested questions for people who are new to the page, taken from the documents' section headings."""

from __future__ import annotations

from collections.abc import Iterator

from qa.retrieval.search_protocol import Search
from qa.types import Document, Filters, Query

_MAX_SUGGESTIONS = 6
"""Chosen to fit on the start page beside the list of documents."""

_MAX_PASSAGES = 500
"""Passages of a document that is looked through. Chosen so that the start page opens without delay."""

_MIN_LENGTH, _MAX_LENGTH = 12, 80
"""Characters of a heading that can stand for a question. Chosen: shorter ones are vague, longer ones wrap."""


def suggestions(search: Search, language: str) -> list[str]:
    """Return headings that the documents answer as questions, from documents spread evenly over the list.

    Args:
        search: the search that answers them.
        language: ISO 639-1 code. If documents are in this language, their headings are taken, else those of
            any documents.
    """
    for filters in (Filters(language=(language,)), Filters()):
        headings = dict.fromkeys(_headings(search, filters))
        answered = [heading for heading in headings if search.search(Query(heading, k=1)).answerable]
        if answered:
            return answered
    return []


def _headings(search: Search, filters: Filters) -> Iterator[str]:
    """Yield a heading of each of several documents, or several of each if there are few."""
    total = search.library.documents(filters, limit=1, offset=0).total
    offsets = sorted(
        {number * total // _MAX_SUGGESTIONS for number in range(_MAX_SUGGESTIONS)} if total else ()
    )
    for offset in offsets:
        for document in search.library.documents(filters, limit=1, offset=offset).documents:
            yield from _headings_of(search, document)[: -(-_MAX_SUGGESTIONS // len(offsets))]


def _headings_of(search: Search, document: Document) -> list[str]:
    """Return a document's headings, first those that are questions, then those with the most words."""
    if document.passages > _MAX_PASSAGES:
        return []
    sections = dict.fromkeys(
        (passage.section or "").rpartition(" › ")[2] for passage in search.library.passages_of(document.id)
    )
    candidates = [
        name
        for name in sections
        if _MIN_LENGTH <= len(name) <= _MAX_LENGTH and name != document.metadata.title
    ]
    return sorted(candidates, key=lambda name: (name.endswith("?"), len(name.split())), reverse=True)
