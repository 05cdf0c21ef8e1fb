"""What a search needs of one generation of the index, wherever it is kept: on this machine or in Milvus.

``Library`` alone is what a document, a passage or a list of documents is answered from.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qa.index.dense.late_interaction import TokenMatches
from qa.index.lexical.known_words import KnownWords
from qa.index.lexical.term_matches import QuestionTerms, TermMatches, Vocabulary
from qa.index.manifest import Manifest
from qa.types import (
    Document,
    DocumentCounts,
    DocumentPage,
    DocumentQuery,
    Filters,
    Float32,
    Heading,
    IndexInfo,
    Int64,
    Passage,
    Phrases,
    RecognisedPage,
)


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

    def list_documents(
        self, query: DocumentQuery, limit: int, offset: int, ledger: Path | None = None
    ) -> DocumentPage:
        """List documents in an order; ``catalogue.page`` describes ``ledger``."""
        ...

    def count_documents(self, query: DocumentQuery, folder: str = "") -> DocumentCounts:
        """Count documents by the values of each facet, as ``catalogue.count_values`` does."""
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

    def recognised_page(self, document_id: str, page: int) -> RecognisedPage | None:
        """Return a page of a document if its text was recognised."""
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


class SentenceScores(Protocol):
    """One question's cosines with the sentences, by passage."""

    def take(self, rows: Int64) -> Float32:
        """Return the cosines with all sentences of these passages, one after another."""
        ...

    def best_of_passages(self, rows: Int64) -> Float32:
        """Return the best cosine with a sentence of each passage."""
        ...

    def nearest_passages(self, count: int, allowed: Sized | None = None) -> Int64:
        """Return the passage of each of the nearest sentences, best first.

        Args:
            count: the largest number of sentences.
            allowed: the passages that may be returned, as the corpus returned them; all if None.
        """
        ...


class Corpus(Protocol):
    """One generation. A passage has a row, which never changes; those of a document follow one another.

    Results for several rows come in the order of the rows.
    """

    @property
    def manifest(self) -> Manifest:
        """The generation's manifest."""
        ...

    @property
    def info(self) -> IndexInfo:
        """A summary of what the generation holds."""
        ...

    @property
    def store(self) -> Library:
        """The documents and passages."""
        ...

    @property
    def encoder(self) -> Path:
        """The folder of the encoder, if one is kept."""
        ...

    @property
    def has_tokens(self) -> bool:
        """Whether passages have token vectors."""
        ...

    @property
    def lexical(self) -> Vocabulary:
        """The terms of the passages."""
        ...

    @property
    def spelling(self) -> KnownWords:
        """The words of the documents and of their languages."""
        ...

    def allow(self, filters: Filters, phrases: Phrases) -> Sized:
        """Return the passages that pass the filters and hold the phrases, in a form of the corpus's own."""
        ...

    def allowed_rows(self, allowed: Any, start: int, stop: int) -> Int64:
        """Return some of the rows that ``allow`` returned: those from one place to another, in order."""
        ...

    def occurrences(self, phrase: Sequence[str], rows: range) -> Int64:
        """Return where a phrase stands in a document, as ``WordSequences.occurrences`` does."""
        ...

    def score_sentences(self, vector: Float32) -> SentenceScores:
        """Compare the sentences with a unit vector, shape (dimension,)."""
        ...

    def document_numbers(self, rows: Int64) -> Int64:
        """Return the numbers of the passages' documents."""
        ...

    def passage_languages(self, rows: Int64) -> NDArray[np.bytes_]:
        """Return the ISO 639 codes of passages' languages, empty where unknown."""
        ...

    def near_duplicates(self, rows: Int64, threshold: float) -> NDArray[np.bool_]:
        """Compare passages with each other, as ``shingles.near_duplicates`` does."""
        ...

    def match_terms(self, question: QuestionTerms, rows: Int64) -> TermMatches:
        """Match passages with a question's terms."""
        ...

    def vectors(self, rows: Int64) -> Float32:
        """Return passages' vectors, shape (rows, dimension)."""
        ...

    def match_tokens(self, query: Float32, rows: Int64) -> TokenMatches:
        """Match a question's token vectors, shape (tokens, dimension), with the passages'."""
        ...
