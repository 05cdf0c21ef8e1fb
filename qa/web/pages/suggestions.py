"""What one may ask, for people who see the page for the first time: drawn from the documents themselves."""

from __future__ import annotations

from qa.protocols import Search
from qa.types import Document, Filters

_MOST = 6
_MOST_PASSAGES = 500
_SHORTEST, _LONGEST = 12, 80


def examples(search: Search) -> list[str]:
    """Give a section's name from each of some documents, from all over the list; a question goes first."""
    total = search.info.documents
    places = sorted({number * total // _MOST for number in range(_MOST)}) if total else []
    found = [_example(search, document) for place in places for document in _documents(search, place)]
    return list(dict.fromkeys(name for name in found if name))


def _documents(search: Search, place: int) -> tuple[Document, ...]:
    return search.library.documents(Filters(), limit=1, offset=place).documents


def _example(search: Search, document: Document) -> str | None:
    """Give the most telling of a document's sections: one that asks, else the one of the most words."""
    if document.passages > _MOST_PASSAGES:
        return None
    sections = dict.fromkeys(
        (passage.section or "").rpartition(" › ")[2] for passage in search.library.passages_of(document.id)
    )
    fitting = [
        name for name in sections if _SHORTEST <= len(name) <= _LONGEST and name != document.metadata.title
    ]
    return max(fitting, key=lambda name: (name.endswith("?"), len(name.split())), default=None)
