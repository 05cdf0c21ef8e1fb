"""What a question needs of a generation of the index, wherever it is kept: on this machine or in a Milvus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa.index.dense.late_interaction import TokenMatches
from qa.index.lexical.inverted_index import Matches, Question
from qa.index.manifest import Manifest
from qa.types import Document, DocumentPage, Filters, Float32, Heading, IndexInfo, Int64, Passage


class Library(Protocol):
    """The documents and passages. What each gives and raises, ``Store`` tells."""

    def languages(self) -> tuple[str, ...]:
        """Give the passages' languages, the most frequent first."""
        ...

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """Give the passages of these rows, in this order."""
        ...

    def documents(self, filters: Filters, limit: int, offset: int) -> DocumentPage:
        """List documents by path."""
        ...

    def document(self, document_id: str) -> Document:
        """Look a document up, or raise NotFoundError."""
        ...

    def text(self, document_id: str) -> str:
        """Give a document's canonical text, or raise NotFoundError."""
        ...

    def headings(self, document_id: str) -> tuple[Heading, ...]:
        """Give a document's headings in order, or raise NotFoundError."""
        ...

    def page_starts(self, document_id: str) -> tuple[int, ...]:
        """Return where in a document's text each of its pages begins, or raise NotFoundError."""
        ...

    def passage_at(self, document_id: str, offset: int) -> Passage | None:
        """Return the passage of a document at an offset of its text, or else the next one."""
        ...

    def passage(self, passage_id: str) -> Passage:
        """Look a passage up, or raise NotFoundError, or GoneError where its document has changed."""
        ...

    def neighbours(self, passage: Passage) -> tuple[Passage | None, Passage | None]:
        """Give the passages before and after one in its document."""
        ...

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        """Give a document's passages in order."""
        ...


class Nearness(Protocol):
    """One question's cosines with the sentences, by passage."""

    def of(self, rows: Int64) -> Float32:
        """Give the cosines of all sentences of these passages, one after another."""
        ...

    def best(self, rows: Int64) -> Float32:
        """Give the best cosine of each passage's sentences."""
        ...

    def nearest(self, count: int, allowed: Sized | None = None) -> Int64:
        """Give the passage of each of the nearest sentences, the best first.

        Args:
            count: how many sentences, at the most.
            allowed: the passages that may be found, as the corpus allowed them; all where None.
        """
        ...


class Corpus(Protocol):
    """One generation. Passages have rows, which never change; those of a document follow one another.

    All that is asked for several rows is given in their order.
    """

    @property
    def manifest(self) -> Manifest:
        """What the generation says of itself."""
        ...

    @property
    def info(self) -> IndexInfo:
        """The same, summed up."""
        ...

    @property
    def store(self) -> Library:
        """Its documents and passages."""
        ...

    @property
    def encoder(self) -> Path:
        """The folder of its encoder, if it keeps one."""
        ...

    @property
    def has_tokens(self) -> bool:
        """Tell whether passages have token vectors."""
        ...

    def allow(self, filters: Filters) -> Sized:
        """Find the passages whose documents pass the filters; how they are told is the corpus's business."""
        ...

    def question(self, terms: Iterable[str]) -> Question:
        """Look a question's terms up, given in their order."""
        ...

    def ask(self, vector: Float32) -> Nearness:
        """Compare the sentences with a unit vector, shape (dimension,)."""
        ...

    def documents_of(self, rows: Int64) -> Int64:
        """Give the numbers of passages' documents."""
        ...

    def alike(self, rows: Int64, least: float) -> NDArray[np.bool_]:
        """Tell which passages are alike, as ``shingles.alike`` does."""
        ...

    def matches(self, question: Question, rows: Int64) -> Matches:
        """Find what passages hold of a question's terms."""
        ...

    def vectors(self, rows: Int64) -> Float32:
        """Give passages' vectors, shape (rows, dimension)."""
        ...

    def token_matches(self, query: Float32, rows: Int64) -> TokenMatches:
        """Compare a question's token vectors, shape (tokens, dimension), with those of passages."""
        ...
