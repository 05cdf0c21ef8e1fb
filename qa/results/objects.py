"""What the Python API returns: the engine's results, with their citations, permalinks and JSON.

Each class is the engine's own of the same name, with names for what the JSON holds, and a way back to the
index for the text of documents.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from qa import types
from qa.errors import GoneError, QueryError
from qa.results.answers import JSON, document_answer, hit_answer, passage_answer
from qa.results.arrangement import PLAIN, Arrangement
from qa.results.citations import STYLES, Quotation, quote_passage
from qa.results.listed_answers import arranged_answer
from qa.results.listing import Listing
from qa.stores.protocol import Library
from qa.types import Span

Style = Literal["text", "markdown", "bibtex", "ris", "csl-json"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where results come from.

    Attributes:
        library: returns the documents of the live generation.
        base_url: the address of the service that shows the documents, for permalinks.
    """

    library: Callable[[], Library]
    base_url: str


def _own(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass and their values, as they are."""
    return {each.name: getattr(value, each.name) for each in fields(value)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(types.Document):
    """A document of the index. What the document doesn't say of itself is None."""

    origin: Origin = field(repr=False, compare=False)

    @classmethod
    def of(cls, document: types.Document, origin: Origin) -> Self:
        """Return the engine's document with its origin."""
        return cls(**_own(document), origin=origin)

    @property
    def title(self) -> str | None:
        """Its title."""
        return self.metadata.title

    @property
    def source(self) -> str | None:
        """Who published it."""
        return self.metadata.source

    @property
    def author(self) -> str | None:
        """Who wrote it."""
        return self.metadata.author

    @property
    def published(self) -> str | None:
        """The ISO date of its publication."""
        return self.metadata.published

    @property
    def dateline(self) -> str | None:
        """The place and date as printed, if the date has no year."""
        return self.metadata.dateline

    @property
    def language(self) -> str | None:
        """The ISO 639-1 code of its language."""
        return self.metadata.language

    @property
    def url(self) -> str | None:
        """Where it was published on the web."""
        return self.metadata.url

    def text(self, start: int = 0, end: int | None = None) -> str:
        """Return the characters from ``start`` to ``end`` of its text, which all offsets refer to.

        Raises:
            QueryError: the range is none.
            GoneError: the document has changed since this result.
            NotFoundError: the document is no longer in the index.
            IndexUnavailableError: the index is closed, or can't be read.
        """
        if start < 0 or (end is not None and end < start):
            raise QueryError(f"{start} to {end} is no range: 0 ≤ start ≤ end is needed")
        library = self.origin.library()
        if library.document(self.id).sha256 != self.sha256:
            raise GoneError(f"the document {self.path} has changed since this result: ask again")
        return library.text(self.id)[start:end]

    def to_dict(self) -> JSON:
        """Return the JSON of ``GET /api/v1/documents/ID``."""
        return document_answer(self)


class _Quotable(ABC):
    """What can be cited."""

    __slots__ = ()

    @property
    @abstractmethod
    def _quotation(self) -> Quotation:
        """What is quoted of it."""

    @property
    def permalink(self) -> str:
        """The address of what is quoted, by which it can be checked later."""
        return self._quotation.permalink

    def citation(self, style: Style = "text") -> str:
        """Return what is quoted with its source: of a hit the best answer, or else the passage.

        Raises:
            QueryError: there is no such style.
        """
        if style not in STYLES:
            raise QueryError(f"a citation's style is one of {', '.join(STYLES)}, not {style!r}")
        return STYLES[style](self._quotation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit(types.Hit, _Quotable):
    """A passage in the results."""

    origin: Origin = field(repr=False, compare=False)

    @classmethod
    def of(cls, hit: types.Hit, origin: Origin) -> Self:
        """Return the engine's hit with its origin."""
        return cls(**_own(hit), origin=origin)

    @property
    def id(self) -> str:
        """The passage's id: ``DOCUMENT:START-END``."""
        return self.passage.id

    @property
    def text(self) -> str:
        """The passage."""
        return self.passage.text

    @property
    def span(self) -> Span:
        """Where the passage stands in its document, in code points: ``span.start`` and ``span.end``."""
        return self.passage.span

    @property
    def page(self) -> int | None:
        """The page on which it begins."""
        return self.passage.page

    @property
    def section(self) -> str | None:
        """The headings above it, joined by " › "."""
        return self.passage.section

    @property
    def document(self) -> Document:
        """The document that it stands in."""
        return Document.of(self.passage.document, self.origin)

    @property
    def _quotation(self) -> Quotation:
        best = self.answers[0].span if self.answers else self.passage.span
        return quote_passage(self.passage, best, self.origin.base_url)

    def to_dict(self) -> JSON:
        """Return its JSON, as in ``results`` of ``GET /api/v1/search``."""
        return hit_answer(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(types.SearchResult):
    """The answer to a question: its hits, best first, and what is known about them.

    Attributes:
        arrangement: how the hits are listed.
        listing: all hits that bear on the question, with their counts, if these were asked for.
    """

    hits: tuple[Hit, ...]
    arrangement: Arrangement = PLAIN
    listing: Listing | None = None

    @classmethod
    def of(
        cls,
        result: types.SearchResult,
        origin: Origin,
        arrangement: Arrangement = PLAIN,
        listing: Listing | None = None,
    ) -> Self:
        """Return the engine's result, its hits with their origin."""
        hits = tuple(Hit.of(hit, origin) for hit in result.hits)
        return cls(**_own(result) | {"hits": hits, "arrangement": arrangement, "listing": listing})

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def __getitem__(self, rank: int) -> Hit:
        return self.hits[rank]

    def to_dict(self) -> JSON:
        """Return the JSON of ``GET /api/v1/search``."""
        return arranged_answer(self, self.arrangement, self.listing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage(types.Passage, _Quotable):
    """A passage by its id, with its neighbours.

    Attributes:
        previous: the passage before it in its document.
        following: the one after it.
    """

    origin: Origin = field(repr=False, compare=False)
    document: Document
    previous: types.Passage | None
    following: types.Passage | None

    @property
    def _quotation(self) -> Quotation:
        return quote_passage(self, self.span, self.origin.base_url)

    @classmethod
    def of(cls, passage: types.Passage, library: Library, origin: Origin) -> Self:
        """Return the engine's passage with its neighbours and origin."""
        previous, following = library.neighbours(passage)
        document = Document.of(passage.document, origin)
        own = _own(passage) | {"document": document}
        return cls(**own, origin=origin, previous=previous, following=following)

    def to_dict(self) -> JSON:
        """Return the JSON of ``GET /api/v1/passages/ID``."""
        return passage_answer(self, self.previous, self.following)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentList(types.DocumentPage):
    """Documents that pass the filters; ``total`` counts those, whatever the limit."""

    documents: tuple[Document, ...]

    @classmethod
    def of(cls, page: types.DocumentPage, origin: Origin) -> Self:
        """Return the engine's page, its documents with their origin."""
        documents = tuple(Document.of(document, origin) for document in page.documents)
        return cls(total=page.total, documents=documents)

    def __iter__(self) -> Iterator[Document]:
        return iter(self.documents)

    def __len__(self) -> int:
        return len(self.documents)

    def __getitem__(self, place: int) -> Document:
        return self.documents[place]
