"""Suggested questions for people who are new to the page, taken from the documents' section headings."""

from __future__ import annotations

from qa.retrieval.search_protocol import Search
from qa.types import Document, Filters

_MAX_SUGGESTIONS = 6
"""Chosen to fit on the start page beside the list of documents."""

_MAX_PASSAGES = 500
"""Passages of a document that is looked through. Chosen so that the start page opens without delay."""

_MIN_LENGTH, _MAX_LENGTH = 12, 80
"""Characters of a heading that can stand for a question. Chosen: shorter ones are vague, longer ones wrap."""


def suggestions(search: Search) -> list[str]:
    """Return one section heading from each of several documents, spread evenly over the list."""
    total = search.info.documents
    offsets = (
        sorted({number * total // _MAX_SUGGESTIONS for number in range(_MAX_SUGGESTIONS)}) if total else []
    )
    headings = [
        _suggestion(search, document) for offset in offsets for document in _documents_at(search, offset)
    ]
    return list(dict.fromkeys(heading for heading in headings if heading))


def _documents_at(search: Search, offset: int) -> tuple[Document, ...]:
    return search.library.documents(Filters(), limit=1, offset=offset).documents


def _suggestion(search: Search, document: Document) -> str | None:
    """Return a heading of a document that is a question, or else the one with the most words."""
    if document.passages > _MAX_PASSAGES:
        return None
    sections = dict.fromkeys(
        (passage.section or "").rpartition(" › ")[2] for passage in search.library.passages_of(document.id)
    )
    candidates = [
        name
        for name in sections
        if _MIN_LENGTH <= len(name) <= _MAX_LENGTH and name != document.metadata.title
    ]
    return max(candidates, key=lambda name: (name.endswith("?"), len(name.split())), default=None)
