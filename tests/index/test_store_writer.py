"""What is written comes back as it was."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.stored_documents import stored_document
from qa.errors import BuildError
from qa.index.store import Store, StoredDocument
from qa.index.store_writer import writing
from qa.text.recognised import pack, unpack
from qa.types import (
    Document,
    Heading,
    Metadata,
    PassageSpan,
    ReadFailure,
    RecognisedPage,
    SourceFile,
    Span,
    WordBox,
)

TEXT = "One\r\nline, 😀 and\0nul.\r\n\r\n柬埔寨 e\u0301 🛰️ done \U0010ffff."


def test_a_document_comes_back_as_it_was_added(stored_in) -> None:
    metadata = Metadata(
        "Заголовок", "ТАСС", "A. B.", "2019-07-03", "HANOI", "en", "https://a.example", {"title": "text"}
    )
    document = Document(
        "0" * 16,
        "a/б.txt",
        "text/plain",
        "f" * 64,
        metadata,
        len(TEXT),
        2,
        3,
        "row",
        ("a note",),
        certainty=0.75,
        recognised_pages=2,
    )
    passages = (
        PassageSpan(Span(5, 21), (Span(5, 10), Span(11, 21)), (Span(0, 3),), "A › B", 1, "en", Span(0, 3)),
        PassageSpan(Span(25, len(TEXT)), (Span(25, len(TEXT)),)),
    )
    pages = (
        RecognisedPage(1, Span(5, 15), 0.5, unpack(pack([WordBox(5, 10, 0.1, 0.25, 1, 0.3)]))),
        RecognisedPage(3, Span(15, 21), 1.0),
    )
    given_ = StoredDocument(
        document, TEXT, (Heading(Span(0, 3), 2),), passages, ("k1", "k2"), (0, 25, 25), pages
    )
    store = stored_in(given_)
    assert list(store.stored("a/б.txt")) == [given_]
    assert store.document("0" * 16) == document
    assert store.text("0" * 16) == TEXT
    assert store.headings("0" * 16) == (Heading(Span(0, 3), 2),)
    assert store.page_starts("0" * 16) == (0, 25, 25)
    assert store.recognised("0" * 16) == pages
    assert [store.recognised_page("0" * 16, page) for page in (1, 2, 3, 10**20)] == [
        pages[0],
        None,
        pages[1],
        None,
    ]
    assert [passage.certainty for passage in store.passages_of("0" * 16)] == [0.6875, None]
    assert store.vector_keys() == ["k1", "k2"]
    assert store.counts() == (1, 2)
    for found, passage in zip(store.passages_of("0" * 16), passages, strict=True):
        assert found.text == passage.span.slice(TEXT)
        assert found.id == f"{'0' * 16}:{passage.span.start}-{passage.span.end}"
        assert store.passage(found.id) == found
        assert (found.sentences, found.section, found.page, found.language) == (
            passage.sentences, passage.section, passage.page, passage.language,
        )  # fmt: skip


@given(st.text(min_size=1, max_size=60), st.data())
def test_any_texts_passages_are_its_slices(tmp_path_factory, text: str, data: st.DataObject) -> None:
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=6)))
    stored = stored_document("a.txt", text, *itertools.pairwise(edges))
    path = tmp_path_factory.mktemp("any") / "store.sqlite"
    with writing(path) as writer:
        writer.add(stored)
    store = Store(path)
    assert store.text(stored.document.id) == text
    passages = store.passages_of(stored.document.id)
    assert [passage.text for passage in passages] == [
        text[start:end] for start, end in itertools.pairwise(edges)
    ]
    for offset in range(len(text) + 1):
        following = (passage for passage in passages if passage.span.end > offset)
        assert store.passage_at(stored.document.id, offset) == next(following, None)
    store.close()


def test_files_and_failures_come_back(stored_in) -> None:
    files = [SourceFile("a.txt", "1" * 64), SourceFile("b.txt", "2" * 64, "3" * 64)]
    failures = [ReadFailure("a.txt", "is damaged"), ReadFailure("c.csv", "has no text", "7")]
    store = stored_in(files=files, failures=failures)
    assert store.files() == {file.path: file for file in files}
    assert store.failures() == tuple(failures)
    assert store.failures("c.csv") == (failures[1],)
    assert store.failures(limit=1) == (failures[0],)
    assert store.unopened() == {failures[1]}


def test_a_failing_disk_is_a_build_error(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="cannot be written"), writing(tmp_path / "nowhere" / "store.sqlite"):
        pass


def test_what_sqlite_refuses_is_an_error_of_the_build(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    document = stored_document("a.txt", TEXT, (0, 5))
    with pytest.raises(BuildError, match="UNIQUE"), writing(path) as writer:
        any(map(writer.add, (document, document)))


def test_passages_are_numbered_through_all_documents(stored_in) -> None:
    documents = [stored_document(f"{n}.txt", TEXT, *[(i, i + 1) for i in range(n)]) for n in (2, 0, 3)]
    store = stored_in(*documents)
    assert store.vector_keys() == [key for stored in documents for key in stored.keys]
    assert [passage.document.path for passage in store.passages(range(5))] == ["2.txt"] * 2 + ["3.txt"] * 3
