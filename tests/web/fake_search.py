"""A small searcher in memory."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask

from qa.errors import GoneError, IndexUnavailableError, NotFoundError
from qa.index import catalogue
from qa.retrieval.search_protocol import Search
from qa.stores.protocol import Library
from qa.text.folding import fold
from qa.text.recognised import certainty
from qa.text.word_comparison import phrase_spans, phrase_words
from qa.types import (
    Answer,
    Document,
    DocumentCounts,
    DocumentPage,
    DocumentQuery,
    Filters,
    Heading,
    Hit,
    IndexInfo,
    Int64,
    Metadata,
    Passage,
    Query,
    ReadFailure,
    RecognisedPage,
    SearchResult,
    Span,
)

EVIL = "<script>alert('x')</script>\" onload=\"<img src=x onerror=alert(1)> {{ 7 * 7 }} Angkor"


RELEVANT = 0.2


def passes(filters: Filters, passage: Passage) -> bool:
    """Whether a passage matches the filters. Paths have no patterns, and dates must be complete."""
    document, meta = passage.document, passage.document.metadata
    return (
        (not filters.source or fold(meta.source or "") in set(map(fold, filters.source)))
        and (not filters.language or (passage.language or "") in filters.language)
        and (not filters.media_type or document.media_type in filters.media_type)
        and (not filters.path or any(f"{document.path}/".startswith(f"{path}/") for path in filters.path))
        and (not filters.document or document.id in filters.document)
        and (not filters.date_from or (meta.published or "") >= filters.date_from)
        and (not filters.date_to or "" < (meta.published or "") <= filters.date_to)
    )


@dataclass
class FakeSearch:
    """Searches by shared words; equal texts are one hit. ``queries`` records every query.

    ``changes`` are fields of every result that a test sets.
    """

    texts: dict[str, str] = field(default_factory=dict)
    held: dict[str, Document] = field(default_factory=dict)
    recognised: dict[str, tuple[RecognisedPage, ...]] = field(default_factory=dict)
    outlines: dict[str, tuple[Heading, ...]] = field(default_factory=dict)
    queries: list[Query] = field(default_factory=list)
    listed: list[tuple[Filters, int, int]] = field(default_factory=list)
    failures: tuple[ReadFailure, ...] = (ReadFailure("broken <b>.pdf", "it is encrypted"),)
    failure_count: int = 0
    changes: dict[str, Any] = field(default_factory=dict)

    def add(
        self, path: str, text: str, metadata: Metadata | None = None, data: bytes | None = None, **more
    ) -> str:
        document_id = hashlib.sha256(path.encode()).hexdigest()[:16]
        self.texts[document_id] = text
        self.recognised[document_id] = pages = more.pop("recognised", ())
        self.held[document_id] = Document(
            id=document_id,
            path=path,
            media_type=more.pop("media_type", "text/plain"),
            sha256=hashlib.sha256(text.encode() if data is None else data).hexdigest(),
            metadata=metadata or Metadata(),
            characters=len(text),
            passages=0,
            certainty=certainty(pages, Span(0, len(text))),
            recognised_pages=len(pages),
            **more,
        )
        matches = re.finditer(r"^# .*$", text, re.MULTILINE)
        self.outlines[document_id] = tuple(Heading(Span(match.start(), match.end()), 1) for match in matches)
        count = len(self.passages_of(document_id))
        self.held[document_id] = replace(self.held[document_id], passages=count)
        return document_id

    @property
    def library(self) -> Library:
        return self

    @property
    def info(self) -> IndexInfo:
        passages = sum(document.passages for document in self.held.values())
        return IndexInfo(
            "20240102-abc",
            "all-MiniLM-L6-v2",
            len(self.held),
            passages,
            3 * passages,
            "2024-01-02T03:04:05+00:00",
            self.failures,
            len({document.path for document in self.held.values()} | {f.path for f in self.failures}),
            failure_count=self.failure_count or sum(failure.count for failure in self.failures),
            unread_files=len({failure.path for failure in self.failures}),
        )

    def occurrences(self, document_id: str, phrase: str) -> Int64:
        first = sum(
            len(self.passages_of(other)) for other in list(self.held)[: list(self.held).index(document_id)]
        )
        text, passages = self.texts[document_id], self.passages_of(document_id)
        ends = [*(passage.span.end for passage in passages[:-1]), len(text)]
        places = phrase_spans(text, [phrase_words(phrase)])
        return np.array([first + bisect_right(ends, place.start) for place in places], np.int64)

    def search(self, query: Query) -> SearchResult:
        self.queries.append(query)
        if query.like is not None:
            passage = self.passage(query.like)
            others = self.search(replace(query, question=passage.text, like=None))
            hits = tuple(hit for hit in others.hits if hit.passage.text != passage.text)
            return replace(others, query=query, answerable=False, confidence=0.0, hits=hits)
        words = set(re.findall(r"\w+", query.question.lower()))
        passages = [
            p for document_id in self.held for p in self.passages_of(document_id) if passes(query.filters, p)
        ]
        ranked: dict[str, list[Passage]] = {}
        for passage in sorted(passages, key=lambda p: -self._shared(words, p.text)):
            ranked.setdefault(passage.text, []).append(passage)
        best = self._shared(words, next(iter(ranked))) if ranked else 0.0
        chosen = list(ranked.values())[query.offset : query.offset + query.k]
        hits = tuple(
            self._hit(query.offset + n, words, first, tuple(others))
            for n, (first, *others) in enumerate(chosen, 1)
        )
        result = SearchResult(query, best > 0.3, best, len(passages), 2.9412, self.info, hits, "full")
        return replace(result, **self.changes)

    def _shared(self, words: set[str], text: str) -> float:
        return len(words & set(re.findall(r"\w+", text.lower()))) / max(1, len(words))

    def _hit(self, rank: int, words: set[str], passage: Passage, others: tuple[Passage, ...]) -> Hit:
        text = passage.text
        answers = sorted(
            (
                Answer(
                    s.slice(self.texts[passage.document.id]),
                    s,
                    self._shared(words, s.slice(self.texts[passage.document.id])),
                )
                for s in passage.sentences
            ),
            key=lambda a: -a.score,
        )
        score = self._shared(words, text) + 0.123456
        scores = {"dense": score / 3, "lexical": score}
        return Hit(rank, passage, score, scores, tuple(answers), others, relevant=score > RELEVANT)

    def languages(self) -> tuple[str, ...]:
        return tuple(sorted({document.metadata.language or "" for document in self.held.values()} - {""}))

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        passages = [passage for document_id in self.held for passage in self.passages_of(document_id)]
        return [passages[number] for number in numbers]

    def search_many(self, queries: Sequence[Query]) -> list[SearchResult]:
        return [self.search(query) for query in queries]

    def documents(self, filters: Filters, limit: int, offset: int) -> DocumentPage:
        self.listed.append((filters, limit, offset))
        spoken = [
            d for d in self.held.values() if not filters.language or d.metadata.language in filters.language
        ]
        documents = sorted(spoken, key=lambda d: d.path)
        return DocumentPage(len(documents), tuple(documents[offset : offset + limit]))

    def list_documents(
        self, query: DocumentQuery, limit: int, offset: int, ledger: Path | None = None
    ) -> DocumentPage:
        with closing(catalogue.in_memory(enumerate(self.held.values()))) as db:
            named = catalogue.Names().find(db, query.text)
            total, numbers = catalogue.page(db, query, limit, offset, named=named, ledger=ledger)
        return DocumentPage(total, tuple(list(self.held.values())[number] for number in numbers))

    def count_documents(self, query: DocumentQuery, folder: str = "") -> DocumentCounts:
        with closing(catalogue.in_memory(enumerate(self.held.values()))) as db:
            named = catalogue.Names().find(db, query.text)
            return catalogue.count_values(db, query.filters, folder, named=named)

    def document(self, document_id: str) -> Document:
        if document_id not in self.held:
            raise NotFoundError(f"There is no document {document_id}.")
        return self.held[document_id]

    def text(self, document_id: str) -> str:
        self.document(document_id)
        return self.texts[document_id]

    def passage(self, passage_id: str) -> Passage:
        for passage in self.passages_of(passage_id.partition(":")[0]):
            if passage.id == passage_id:
                return passage
        raise GoneError("That document has changed since.")

    def neighbours(self, passage: Passage) -> tuple[Passage | None, Passage | None]:
        passages = self.passages_of(passage.document.id)
        at = passages.index(passage)
        return (passages[at - 1] if at else None, passages[at + 1] if at + 1 < len(passages) else None)

    def passages_of(self, document_id: str) -> tuple[Passage, ...]:
        document, text = self.document(document_id), self.texts[document_id]
        passages: list[Passage] = []
        section = None
        for match in re.finditer(r"[^\r\n][^\r\n]*", text):
            span = Span(match.start(), match.end())
            if match.group().startswith("# "):
                section = match.group()[2:]
                continue
            sentences = tuple(
                Span(span.start + s.start(), span.start + s.end())
                for s in re.finditer(r"[^\s.!?][^.!?]*[.!?]*", match.group())
            )
            page = 1 + span.start * document.pages // len(text) if document.pages else None
            passage_id = f"{document_id}:{span.start}-{span.end}"
            language = document.metadata.language
            certain = certainty(self.recognised[document_id], span)
            named = (section, page, language, certain)
            passages.append(Passage(passage_id, document, span, span.slice(text), sentences, *named))
        return tuple(passages)

    def page_starts(self, document_id: str) -> tuple[int, ...]:
        starts = {passage.page: passage.span.start for passage in reversed(self.passages_of(document_id))}
        return tuple(start for page, start in sorted(starts.items()) if page)

    def recognised_page(self, document_id: str, page: int) -> RecognisedPage | None:
        return next((found for found in self.recognised[document_id] if found.page == page), None)

    def passage_at(self, document_id: str, offset: int) -> Passage | None:
        return next((p for p in self.passages_of(document_id) if p.span.end > offset), None)

    def headings(self, document_id: str) -> tuple[Heading, ...]:
        return self.outlines[document_id]


NEWS = """Russia and Cambodia fight terrorism together.

# Economic cooperation

HANOI. The trade grew by 60% in 2019. Ministers met in Phnom Penh 😀 in May.

Tourists came in great numbers."""

MakeApp = Callable[[Callable[[], Search]], Flask]


def no_index() -> Search:
    raise IndexUnavailableError("There is no index in index.")
