"""What the service, the command line and the evaluation need of a searcher over one generation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qa.types import Document, DocumentPage, Filters, Heading, IndexInfo, Passage, Query, SearchResult


class Library(Protocol):
    """The documents and passages of one generation.

    Every method that takes a document's id raises NotFoundError if there is no such document.
    """

    def languages(self) -> tuple[str, ...]:
        """Return the passages' languages, the most frequent first."""
        ...

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """Return the passages of these rows, in this order."""
        ...

    def documents(self, filters: Filters, limit: int, offset: int) -> DocumentPage:
        """List documents by path."""
        ...

    def document(self, document_id: str) -> Document:
        """Return a document."""
        ...

    def text(self, document_id: str) -> str:
        """Return a document's canonical text."""
        ...

    def headings(self, document_id: str) -> tuple[Heading, ...]:
        """Return a document's headings in order."""
        ...

    def page_starts(self, document_id: str) -> tuple[int, ...]:
        """Return where in a document's text each of its pages begins."""
        ...

    def passage_at(self, document_id: str, offset: int) -> Passage | None:
        """Return the passage of a document at an offset of its text, or else the next one."""
        ...

    def passage(self, passage_id: str) -> Passage:
        """Return a passage, or raise GoneError if its document has changed."""
        ...

    def neighbours(self, passage: Passage) -> tuple[Passage | None, Passage | None]:
        """Return the passages before and after one in its document."""
        ...

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """Return a document's passages in order."""
        ...


class Search(Protocol):
    """A searcher over one generation."""

    @property
    def info(self) -> IndexInfo:
        """What the generation holds."""
        ...

    @property
    def library(self) -> Library:
        """The documents and passages that it searches."""
        ...

    def search(self, query: Query) -> SearchResult:
        """Answer one query."""
        ...

    def search_many(self, queries: Sequence[Query]) -> list[SearchResult]:
        """Answer several queries, in order."""
        ...
