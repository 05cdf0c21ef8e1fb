"""Documents and passages come back from the texts that a Milvus stores."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa.index.generation import Generation
from qa.stores.milvus.records import DocumentRecord, RecognisedPlace, read_passage, write_passage
from qa.types import Document, Heading, Metadata, Passage, Span

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_MAYBE = st.none() | _TEXT


@given(_TEXT, _MAYBE, _MAYBE, st.none() | st.integers(1, 99), st.lists(_TEXT, max_size=2))
def test_a_document_record_survives(
    path: str, title: str | None, row: str | None, pages: int | None, notes: list[str]
) -> None:
    metadata = Metadata(title=title, found={"title": "text"} if title else {})
    document = Document("0" * 16, path, "text/plain", "f" * 64, metadata, 80, 3, pages, row, tuple(notes))
    record = DocumentRecord(
        document, (Heading(Span(0, 4), 2),), 17, 5, 2, (0, 40), (RecognisedPlace(2, 40, 80, 0.9, 1),)
    )
    assert DocumentRecord.read(record.write()) == record


@given(_TEXT, _MAYBE, st.none() | st.integers(1, 9), st.integers(0, 10**6))
def test_a_passage_survives(text: str, section: str | None, page: int | None, start: int) -> None:
    document = Document("0" * 16, "a.txt", "text/plain", "f" * 64, Metadata(), 80, 1)
    span = Span(start, start + len(text))
    identity = f"{document.id}:{span.start}-{span.end}"
    passage = Passage(identity, document, span, text, (span,), section, page, "en", 0.875, section)
    assert read_passage(write_passage(passage), document) == passage


def test_every_passage_of_an_index_survives(large: Generation) -> None:
    for document in large.store.all_documents():
        for passage in large.store.passages_of(document.id):
            assert read_passage(write_passage(passage), document) == passage
