"""The data that the rooms hand each other.

Offsets are half-open, ``[start, end)``, in code points of a document's canonical text. Pages count from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

LanguageSupport = Literal["full", "words"]
"""What of a question can be matched: its words and its meaning or, as the model can't read it, its words."""

MOST_FAILURES = 1000
"""A summary of the index names at most so many unread files. Chosen: each process keeps them."""

How = Literal["file", "text", "sidecar", "filename"]
"""Where a value was found: in the file's metadata or front matter, its text, its sidecar or its name."""


class Span(NamedTuple):
    """A half-open range of code points of a document's text."""

    start: int
    end: int

    def slice(self, text: str) -> str:
        """Slice ``text``."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a document says about itself. Nothing is guessed: what the document does not say is None.

    ``published`` is an ISO date (``2019-07-03``). If the year is missing it stays None, and ``dateline`` has
    the date as the text has it. ``found`` says, by field name, how a value was found.
    """

    title: str | None = None
    source: str | None = None
    author: str | None = None
    published: str | None = None
    dateline: str | None = None
    language: str | None = None
    url: str | None = None
    found: Mapping[str, How] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in a document's text. Level 1 is the highest.

    Level 0 is neither a heading nor prose, such as front matter: it is searched with the passage that follows
    but names no section.
    """

    span: Span
    level: int


@dataclass(frozen=True, slots=True)
class Table:
    r"""A table in a document's text: a line for each row, its cells separated by ``" | "``.

    Every row has a cell for every column: the places of empty cells and those that a merged cell covers are
    empty. A ``|`` of a cell's own stands as ``\|``.

    Attributes:
        header: the lines that name the columns; None if none do.
        rows: the lines below them, in order.
    """

    header: Span | None
    rows: tuple[Span, ...]


class WordBox(NamedTuple):
    """A recognised word: its place in the document's text, and on the page's picture.

    The box is in fractions of the page's width and height, from its upper left corner.
    """

    start: int
    end: int
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class RecognisedPage:
    """Text that was recognised from the picture of a page.

    Attributes:
        page: its number, from 1.
        span: the recognised text's.
        certainty: the mean certainty of its words, in [0, 1].
        words: in the order of the text.
    """

    page: int
    span: Span
    certainty: float
    words: tuple[WordBox, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One document as a reader returns it.

    Attributes:
        text: the canonical text, to which every offset refers.
        media_type: the file's, such as ``text/plain``.
        metadata: what the file or its text says about itself.
        headings: in order; None or none if they are not marked and must be sought in the text.
        pages: the span of each page, in order; empty if the format has no pages. They do not overlap.
        tables: in order. They do not overlap.
        key: the row's key, if the file is a table and each row a document.
        member: the path inside the file, if the file holds files, such as attachments; its bytes are then the
            document's.
        member_sha256: of the member's bytes, in hex.
        recognised: the pages whose text was recognised from a picture, in order.
        notes: what a person should know, such as "page 3 has no text".
    """

    text: str
    media_type: str
    metadata: Metadata = field(default_factory=Metadata)
    headings: tuple[Heading, ...] | None = None
    pages: tuple[Span, ...] = ()
    tables: tuple[Table, ...] = ()
    key: str | None = None
    member: str | None = None
    member_sha256: str | None = None
    recognised: tuple[RecognisedPage, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadFailure:
    """A file, or one row of a table file, that could not be read, and why.

    Only the first rows of a table are named. One last failure, without a row, stands for the ``count``
    others. ``path`` is the file's; ``member`` is the path of a file inside it that could not be read.
    """

    path: str
    reason: str
    row: str | None = None
    count: int = 1
    member: str | None = None

    @property
    def full_path(self) -> str:
        """The path of the file, or of the member, that could not be read."""
        return self.path if self.member is None else f"{self.path}/{self.member}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the documents folder, by content. ``sidecar_sha256`` is None if it has no sidecar."""

    path: str
    sha256: str
    sidecar_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class PassageSpan:
    """Where a passage is, before it has a document.

    Attributes:
        span: the passage.
        sentences: its sentences, in order, inside ``span``.
        lead: headings and other matter since the passage before, and a table's header with each passage of
            its rows; searched with this passage.
        section: the headings above it, outermost first, joined by " › "; None at the top.
        page: the page on which it begins, or None.
        language: ISO 639-1 code, or None if unknown.
        header: the lines of ``lead`` that name the columns, if the sentences are rows of a table.
    """

    span: Span
    sentences: tuple[Span, ...]
    lead: tuple[Span, ...] = ()
    section: str | None = None
    page: int | None = None
    language: str | None = None
    header: Span | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the index.

    ``id``: 16 hex digits of the SHA-256 of its path (and row key). ``path`` is the file's or, if the document
    is a file inside another, such as ``letter.eml/report.pdf``, that of both; ``member`` is then the part
    inside. ``sha256`` and ``media_type`` are the member's. The text of ``recognised_pages`` pages was
    recognised from pictures, with a mean ``certainty`` in [0, 1].
    """

    id: str
    path: str
    media_type: str
    sha256: str
    metadata: Metadata
    characters: int
    passages: int
    pages: int | None = None
    row: str | None = None
    notes: tuple[str, ...] = ()
    member: str | None = None
    certainty: float | None = None
    recognised_pages: int = 0

    @property
    def file(self) -> str:
        """The path of the file in the documents folder that holds the document."""
        return self.path if self.member is None else self.path.removesuffix(f"/{self.member}")


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of the index. ``id`` is ``DOCUMENT:START-END``.

    ``certainty`` is the mean of what was recognised from a picture in it, in [0, 1]; None if nothing was.
    ``header`` is the text of the lines that name the columns, if the passage is rows of a table below them.
    """

    id: str
    document: Document
    span: Span
    text: str
    sentences: tuple[Span, ...]
    section: str | None = None
    page: int | None = None
    language: str | None = None
    certainty: float | None = None
    header: str | None = None

    def slice(self, span: Span) -> str:
        """Return the document's text at a span inside the passage."""
        return self.text[span.start - self.span.start : span.end - self.span.start]


@dataclass(frozen=True, slots=True)
class Answer:
    """A sentence that answers the question; ``text`` is the document's text at ``span``."""

    text: str
    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """The words that answer the question; ``text`` is the document's text at ``span``."""

    text: str
    span: Span
    passage_id: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage in the results.

    ``scores`` are its signals by name; ``answers`` come best first; ``duplicates`` are the near-identical
    passages that it stands for. ``relevant`` says whether it is relevant to the question at all. That
    depends on the two alone, not on other passages or filters. ``matched_terms`` are the content words of the
    question that the passage meets, ``unmatched_terms`` those that it does not, as they stand there.
    """

    rank: int
    passage: Passage
    score: float
    scores: Mapping[str, float]
    answers: tuple[Answer, ...]
    duplicates: tuple[Passage, ...] = ()
    relevant: bool = True
    matched_terms: tuple[str, ...] = ()
    unmatched_terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PassageInput:
    """A passage as the encoder takes it.

    Attributes:
        context: title, section and a table's header, which the model reads before the text; may be empty.
        text: the passage.
        sentences: their spans in ``text``.
    """

    context: str
    text: str
    sentences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class PassageVectors:
    """The vectors of a passage.

    Attributes:
        passage: its own unit vector, shape (dimension,).
        sentences: its sentences' unit vectors, shape (sentences, dimension).
        tokens: its tokens' vectors, shape (tokens, dimension): first the context's, then each sentence's;
            no rows if the model has no token vectors that can be compared.
        token_counts: how many tokens the context and each sentence have, sentences + 1 numbers.
    """

    passage: Float32
    sentences: Float32
    tokens: Float32
    token_counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """The vectors of a question.

    Attributes:
        vector: its unit vector, shape (dimension,).
        tokens: its tokens' vectors, shape (tokens, dimension); no rows as in ``PassageVectors``.
        spans: where each of those tokens stands in the question.
        token_count: how many tokens the question takes, with vectors or without; text for which the model has
            no tokens counts as several.
    """

    vector: Float32
    tokens: Float32
    spans: tuple[Span, ...]
    token_count: int


class Mode(StrEnum):
    """Which signals rank the passages."""

    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


class Sort(StrEnum):
    """The order of the results."""

    RELEVANCE = "relevance"
    DATE = "date"


class Grouping(StrEnum):
    """What a result is."""

    PASSAGE = "passage"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents may answer. They must pass every field, with one of its values.

    ``path`` is a folder or file relative to the documents folder, or a pattern with ``*``, ``?`` and
    ``[...]`` as in a shell (``*`` also matches ``/``). Dates are ISO and inclusive; a document without a
    date is outside every range. ``media_type`` is the file's, such as ``text/plain``; ``document`` is an id.
    """

    source: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    date_from: str | None = None
    date_to: str | None = None
    media_type: tuple[str, ...] = ()
    document: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != _NO_FILTERS


_NO_FILTERS = Filters()


class DocumentOrder(StrEnum):
    """The order of a list of documents. The latest and the largest come first; unknown dates come last.

    ``size`` is the length of the text. ``indexed`` is when the file came into the index.
    """

    PATH = "path"
    TITLE = "title"
    DATE = "date"
    SIZE = "size"
    INDEXED = "indexed"


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """Which documents to list, and in which order.

    Attributes:
        filters: what they must have.
        text: words, or parts of words, that must all stand in the title or path; case doesn't matter.
        order: the order.
        reverse: turn the order around.
    """

    filters: Filters = _NO_FILTERS
    text: str = ""
    order: DocumentOrder = DocumentOrder.PATH
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Phrases:
    """What must stand in a passage, and what must not: phrases as their words, as they are compared."""

    required: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.required or self.excluded)


@dataclass(frozen=True, slots=True)
class Query:
    """A question and how to answer it. If ``verbatim``, slips of the keyboard are not corrected.

    ``like`` is the id of a passage whose words and vector are asked with in place of a question.
    """

    question: str
    k: int = 10
    offset: int = 0
    mode: Mode = Mode.HYBRID
    filters: Filters = field(default_factory=Filters)
    min_confidence: float = 0.0
    verbatim: bool = False
    like: str | None = None


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What a generation of the index holds.

    ``created`` is an ISO time in UTC. ``failures`` are the first of ``failure_count`` files and rows that
    could not be read, in ``unread_files`` files. ``scanned`` counts all files seen, read or not. ``store``
    says what keeps the generation.
    """

    generation: str
    model: str
    documents: int
    passages: int
    sentences: int
    created: str
    failures: tuple[ReadFailure, ...] = ()
    scanned: int = 0
    store: str = "local"
    failure_count: int = 0
    unread_files: int = 0

    @property
    def unnamed_failures(self) -> int:
        """How many unread files and rows are not among ``failures``."""
        return self.failure_count - sum(failure.count for failure in self.failures)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to a query.

    Attributes:
        query: the query.
        answerable: whether the documents seem to answer it.
        confidence: how likely the first hits answer it, in [0, 1]. If the model can't read it, this says how
            well the words match, and is no probability: see ``claimed_confidence``.
        total: how many passages pass the filters.
        took_ms: duration of the search, in milliseconds.
        index: the generation that answered.
        hits: the passages, best first.
        language_support: whether the model can read the question; None in lexical mode, which doesn't ask it.
        required: the phrases of the question that must stand in a passage, as they were written.
        excluded: those that must not.
        corrected_query: what was searched in place of the question, if that has slips of the keyboard.
        missing_terms: the words of the question that was searched which stand nowhere in the documents.
        missing_phrases: its quotations that stand nowhere, so that their words were searched instead.
        short_answer: the words that answer it, as a reader found them; None without a reader, or if it found
            none.
    """

    query: Query
    answerable: bool
    confidence: float
    total: int
    took_ms: float
    index: IndexInfo
    hits: tuple[Hit, ...]
    language_support: LanguageSupport | None = None
    required: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    corrected_query: str | None = None
    missing_terms: tuple[str, ...] = ()
    missing_phrases: tuple[str, ...] = ()
    short_answer: ShortAnswer | None = None

    @property
    def claimed_confidence(self) -> float | None:
        """The probability that the first hits answer the query; None if the model can't read it.

        Where a passage takes the place of the question, nothing is asked, and none is claimed.
        """
        return None if self.language_support == "words" or self.query.like else self.confidence


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """A part of the list of documents, and the number of all."""

    total: int
    documents: tuple[Document, ...]


Facet = Literal["folder", "source", "year", "language", "type"]
"""What documents are counted by."""

DocumentCounts = Mapping[Facet, Mapping[str, int]]
"""The number of documents with each value of each facet."""


@dataclass(frozen=True, slots=True)
class ReaderAnswer:
    """What a reader makes of a question and some passages.

    Attributes:
        log_odds: that one of the passages answers the question.
        passage: which of them has the likeliest answer; None if there is nothing to read.
        span: where that answer stands in the passage's text, or None.
    """

    log_odds: float
    passage: int | None = None
    span: Span | None = None
