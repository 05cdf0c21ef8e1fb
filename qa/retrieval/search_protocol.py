"""What the service, the command line and the evaluation need of a searcher over one generation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from qa.stores.protocol import Library
from qa.types import IndexInfo, Int64, Query, SearchResult


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

    def occurrences(self, document_id: str, phrase: str) -> Int64:
        """Return the number of the passage at each place at which words stand in a document, in order."""
        ...

    def search_many(self, queries: Sequence[Query]) -> list[SearchResult]:
        """Answer several queries, in order."""
        ...
