"""What goes into the store comes out, and the filters keep what a plain loop keeps."""

from __future__ import annotations

import contextlib
import fnmatch
import gc
import itertools
import re
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import BuildError, CorruptIndexError, GoneError, NotFoundError
from qa.index.store import Store, StoredDocument
from qa.index.store_writer import writing
from qa.text.folding import fold, same_form
from qa.types import Document, Filters, Heading, Metadata, PassageSpan, ReadFailure, SourceFile, Span


def _stored(
    path: str,
    text: str,
    *spans: tuple[int, int],
    metadata: Metadata | None = None,
    language: str | None = None,
) -> StoredDocument:
    passages = tuple(
        PassageSpan(Span(*span), (Span(*span),), section=f"§ {i}", page=i + 1, language=language)
        for i, span in enumerate(spans)
    )
    document = Document(
        f"{abs(hash(path)):016x}"[:16],
        path,
        "text/plain",
        "5" * 64,
        metadata or Metadata(),
        len(text),
        len(spans),
    )
    return StoredDocument(document, text, (), passages, tuple(f"{path}{i}" for i in range(len(spans))))


@pytest.fixture
def stored_in(tmp_path: Path) -> Callable[..., Store]:
    def write(*documents: StoredDocument, files=(), failures=()) -> Store:
        with writing(tmp_path / "store.sqlite") as writer:
            for file in files:
                writer.add_file(file)
            for failure in failures:
                writer.add_failure(failure)
            for document in documents:
                writer.add(document)
        return Store(tmp_path / "store.sqlite")

    return write


TEXT = "One\r\nline, 😀 and\0nul.\r\n\r\n柬埔寨 e\u0301 🛰️ done \U0010ffff."


def test_a_document_comes_back_as_it_was_added(stored_in) -> None:
    metadata = Metadata(
        "Заголовок", "ТАСС", "A. B.", "2019-07-03", "HANOI", "en", "https://a.example", {"title": "text"}
    )
    document = Document(
        "0" * 16, "a/б.txt", "text/plain", "f" * 64, metadata, len(TEXT), 2, 3, "row", ("a note",)
    )
    passages = (
        PassageSpan(Span(5, 21), (Span(5, 10), Span(11, 21)), (Span(0, 3),), "A › B", 1, "en"),
        PassageSpan(Span(25, len(TEXT)), (Span(25, len(TEXT)),)),
    )
    given_ = StoredDocument(document, TEXT, (Heading(Span(0, 3), 2),), passages, ("k1", "k2"), (0, 25))
    store = stored_in(given_)
    assert list(store.stored("a/б.txt")) == [given_]
    assert store.document("0" * 16) == document
    assert store.text("0" * 16) == TEXT
    assert store.headings("0" * 16) == (Heading(Span(0, 3), 2),)
    assert store.page_starts("0" * 16) == (0, 25)
    assert store.vector_keys() == ["k1", "k2"]
    assert store.counts() == (1, 2)
    for found, passage in zip(store.passages_of("0" * 16), passages, strict=True):
        assert found.text == passage.span.of(TEXT)
        assert found.id == f"{'0' * 16}:{passage.span.start}-{passage.span.end}"
        assert store.passage(found.id) == found
        assert (found.sentences, found.section, found.page, found.language) == (
            passage.sentences, passage.section, passage.page, passage.language,
        )  # fmt: skip


@given(st.text(min_size=1, max_size=60), st.data())
def test_any_texts_passages_are_its_slices(tmp_path_factory, text: str, data: st.DataObject) -> None:
    edges = sorted(data.draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=6)))
    stored = _stored("a.txt", text, *itertools.pairwise(edges))
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


def test_passages_come_in_the_order_asked_for(stored_in) -> None:
    store = stored_in(_stored("a", "abcdef", (0, 2), (2, 4), (4, 6)))
    assert [passage.text for passage in store.passages([2, 0, 2])] == ["ef", "ab", "ef"]
    assert store.passages([]) == []


def test_passages_of_many_documents_come_right_however_few_are_kept(
    stored_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.index.caching._MOST_ROW_BYTES", 3000)
    store = stored_in(*(_stored(f"{i}.txt", f"я{i}z", (0, 2), (2, 3)) for i in range(9)))
    for first in (0, 4, 2, 7, 0):
        found = store.passages([2 * first + 2, 2 * first + 1, 2 * first])
        assert [(passage.document.path, passage.text) for passage in found] == [
            (f"{first + 1}.txt", f"я{first + 1}"),
            (f"{first}.txt", "z"),
            (f"{first}.txt", f"я{first}"),
        ]
        assert store._known_documents.size <= 3000
        assert store._known_passages.size <= 3000
        assert len(store._known_passages) <= 5  # of 600 bytes at least


def test_a_text_that_is_not_there_is_damage(stored_in, tmp_path: Path) -> None:
    store = stored_in(_stored("a", "abcdef", (0, 2)))
    with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite")) as db:
        db.execute("DELETE FROM texts")
        db.commit()
    with pytest.raises(CorruptIndexError, match=r"store\.sqlite"):
        Store(tmp_path / "store.sqlite").passages([0])
    store.close()


def test_neighbours_are_of_the_same_document(stored_in) -> None:
    first, second = _stored("a", "abcdef", (0, 2), (2, 4), (4, 6)), _stored("b", "xy", (0, 2))
    store = stored_in(first, second)
    one, two, three, other = store.passages([0, 1, 2, 3])
    assert store.neighbours(one) == (None, two)
    assert store.neighbours(two) == (one, three)
    assert store.neighbours(three) == (two, None)
    assert store.neighbours(other) == (None, None)


@pytest.mark.parametrize(
    "wrong", ["", "x", ":", "{}:", "{}:1", "{}:a-b", "{}:-1-2", "{}:0-2-3", "{}:¹-²", "x:0-2"]
)
def test_what_is_no_passage_id_is_not_found(stored_in, wrong: str) -> None:
    stored = _stored("a", "abcdef", (0, 2))
    with pytest.raises(NotFoundError) as caught:
        stored_in(stored).passage(wrong.format(stored.document.id))
    assert not isinstance(caught.value, GoneError)


@pytest.mark.parametrize("place", ["0-3", "1-2", "2-0", f"{'9' * 400}-{'9' * 400}"])
def test_a_place_without_a_passage_is_gone(stored_in, place: str) -> None:
    stored = _stored("a", "abcdef", (0, 2))
    with pytest.raises(GoneError, match="has changed"):
        stored_in(stored).passage(f"{stored.document.id}:{place}")


def test_an_unknown_document_is_not_found(stored_in) -> None:
    store = stored_in(_stored("a", "ab", (0, 2)))
    for look_up in (store.document, store.text, store.headings):
        with pytest.raises(NotFoundError, match="nobody"):
            look_up("nobody")


DOCUMENTS = [
    _stored(
        path, "abcd", (0, 2), (2, 4), language=own,
        metadata=Metadata(source=source, language=language, published=published),
    )
    for path, source, language, published, own in [
        ("a.txt", "TASS", "en", "2019-07-03", None),
        ("news/a.txt", "tass", "ru", "2019-07-04", "en"),
        ("news/old/b.txt", "Reuters", "en", None, "ru"),
        ("newsletter/c.md", None, None, "2021-01-01", None),
        ("news/[x]*.md", "R'); --", "en", "2020-12-31", "en"),
        ("ru/Новости_1.txt", "ТАСС", "ru", "2018-01-01", "ru"),
        ("de.txt", "Straße", "de", None, None),
        ("fr/caf\u00e9/un.txt", "L'\u00c9cho", "fr", None, None),
        ("fr/cafe\u0301/deux.txt", "l'e\u0301cho", "fr", None, None),
    ]
]  # fmt: skip


def _passes(stored: StoredDocument, passage: PassageSpan | None, filters: Filters) -> bool:
    """Keep what the filters' own description says, by a plain loop."""
    document, meta = stored.document, stored.document.metadata
    language = (passage.language if passage else None) or meta.language
    path_ = same_form(document.path)
    return (
        (not filters.source or fold(meta.source or "") in map(fold, filters.source))
        and (not filters.language or language in filters.language)
        and (
            not filters.path
            or any(
                path_ == path or path_.startswith(path.rstrip("/") + "/") or fnmatch.fnmatchcase(path_, path)
                for path in map(same_form, filters.path)
            )
        )
        and (not filters.date_from or (meta.published is not None and meta.published >= filters.date_from))
        and (not filters.date_to or (meta.published is not None and meta.published <= filters.date_to))
    )


_CHOICES = (
    [(), ("TASS",), ("reuters", "Tass"), ("R'); --",), ("nobody",), ("тасс",), ("Тасс", "TASS"),
     ("STRASSE",), ("L'\u00e9CHO",), ("L'E\u0301cho", "tass")],
    [(), ("en",), ("ru", "de")],
    [(), ("news",), ("news/",), ("*.txt",),
     ("news/[x]*.md", "a.txt"), ("[!n]*", "news/?.txt"), ("ru/Н*",), ("%",),
     ("fr/caf\u00e9",), ("fr/cafe\u0301/",), ("fr/caf?/*", "*e\u0301*")],
    [None, "2019-07-04"],
    [None, "2019-07-04", "2020-12-31"],
)  # fmt: skip


def test_filters_keep_what_a_plain_loop_keeps(stored_in) -> None:
    store = stored_in(*DOCUMENTS)
    sizes = set()
    for source, language, path, start, end in itertools.product(*_CHOICES):
        filters = Filters(source, language, path, start, end)
        listed = [stored.document for stored in DOCUMENTS if _passes(stored, None, filters)]
        page = store.documents(filters, limit=100, offset=0)
        assert (page.total, sorted(d.path for d in page.documents)) == (
            len(listed),
            sorted(d.path for d in listed),
        )
        pairs = [(stored, passage) for stored in DOCUMENTS for passage in stored.passages]
        expected = [i for i, (stored, passage) in enumerate(pairs) if _passes(stored, passage, filters)]
        assert store.rows(filters).tolist() == expected, filters
        sizes.add(len(expected))
    assert len(sizes) > 5


def test_a_type_and_a_document_are_filtered_for(stored_in) -> None:
    store = stored_in(*DOCUMENTS, replace(DOCUMENTS[0], document=_of_type(DOCUMENTS[0].document)))
    ids = [stored.document.id for stored in DOCUMENTS[1:3]]
    found = store.documents(Filters(document=tuple(ids)), limit=9, offset=0)
    assert {document.id for document in found.documents} == set(ids)
    assert store.rows(Filters(document=("no such",))).tolist() == []
    [pdf] = store.documents(Filters(media_type=("application/pdf",)), limit=9, offset=0).documents
    assert pdf.path == "other.pdf"
    every = Filters(media_type=("application/pdf", DOCUMENTS[0].document.media_type))
    assert len(store.rows(every)) == store.counts()[1]


def _of_type(document: Document) -> Document:
    return replace(document, id="f" * 16, path="other.pdf", media_type="application/pdf")


def test_files_are_counted_read_or_not(stored_in) -> None:
    files = (SourceFile("a.txt", "1"), SourceFile("b.csv", "2"))
    failures = (
        ReadFailure("b.csv", "no text", "3"),
        ReadFailure("b.csv", "no text", "4"),
        ReadFailure("c.pdf", "x"),
    )
    assert stored_in(files=files, failures=failures).count_files() == 3


@pytest.mark.parametrize(
    "path", ["fr/caf\u00e9", "fr/cafe\u0301/", "fr/caf\u00e9/*", "fr/caf[\u00e9x]/*.txt"]
)
def test_the_form_of_unicode_does_not_matter_in_a_path(stored_in, path: str) -> None:
    page = stored_in(*DOCUMENTS).documents(Filters(path=(path,)), limit=9, offset=0)
    assert len(page.documents) == 2


def test_capitals_do_not_matter_in_a_type(stored_in) -> None:
    store = stored_in(*DOCUMENTS)
    assert len(store.rows(Filters(media_type=("Text/PLAIN",)))) == store.counts()[1]


def test_failures_that_stand_for_others_count_as_these(stored_in) -> None:
    more = ReadFailure("b.csv", "998 more rows cannot be read", None, 998)
    store = stored_in(failures=(ReadFailure("b.csv", "no text", "3"), more, ReadFailure("c.pdf", "x")))
    assert store.count_failures() == (1000, 2)
    assert store.failures("b.csv")[-1] == more


@pytest.mark.parametrize("source", ["тасс", "ТАСС", "Тасс"])
def test_case_does_not_matter_in_a_source_of_any_script(stored_in, source: str) -> None:
    page = stored_in(*DOCUMENTS).documents(Filters(source=(source,)), limit=9, offset=0)
    assert [document.path for document in page.documents] == ["ru/Новости_1.txt"]


def test_connections_are_closed_once_nobody_holds_the_store(stored_in) -> None:
    store = stored_in(*DOCUMENTS)
    thread = threading.Thread(target=store.counts)
    thread.start()
    thread.join()
    connections = list(store._connections)
    assert len(connections) == 2
    in_flight = store.stored("news/a.txt")
    del store
    gc.collect()
    assert [stored.document.path for stored in in_flight] == ["news/a.txt"]
    del in_flight
    gc.collect()
    for connection in connections:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_documents_are_listed_by_path_in_parts(stored_in) -> None:
    store = stored_in(*DOCUMENTS)
    paths = sorted(stored.document.path for stored in DOCUMENTS)
    parts = [store.documents(Filters(), limit=2, offset=offset) for offset in (0, 2, 4, 6, 8)]
    assert [document.path for part in parts for document in part.documents] == paths
    assert {part.total for part in parts} == {len(paths)}


def test_languages_come_the_most_frequent_first(stored_in) -> None:
    assert stored_in(*DOCUMENTS).languages() == ("en", "ru")


def test_threads_share_a_store(stored_in) -> None:
    store = stored_in(*DOCUMENTS)
    expected = store.passages(range(14))
    found = []

    def read() -> None:
        found.extend(store.passages(range(14)) == expected for _ in range(20))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 80
    store.close()


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:600], lambda data: b"no" + data[2:]])
def test_a_damaged_file_is_refused(stored_in, tmp_path: Path, damage) -> None:
    stored_in(*DOCUMENTS).close()
    path = tmp_path / "store.sqlite"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CorruptIndexError, match=r"store\.sqlite"):
        Store(path).check()


def test_a_disk_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="cannot be written"), writing(tmp_path / "nowhere" / "store.sqlite"):
        pass


_PATHS = st.text("ab/0.é", min_size=1, max_size=5)


@given(
    st.sets(_PATHS, min_size=1, max_size=8), st.lists(st.text("ab/0.é*?", min_size=1, max_size=5), min_size=1)
)
def test_a_path_is_a_file_a_folder_or_a_pattern(tmp_path_factory, paths: set[str], wanted: list[str]) -> None:
    path = tmp_path_factory.mktemp("paths") / "store.sqlite"
    with writing(path) as writer:
        for name in paths:
            writer.add(_stored(name, "Text.", (0, 5)))
    store = Store(path)
    listed = store.documents(Filters(path=tuple(wanted)), 100, 0).documents
    assert {document.path for document in listed} == {
        name
        for name in paths
        if any(
            name == one
            or (name.startswith(one.rstrip("/") + "/") and name != one.rstrip("/") + "/")
            or _fits(name, one)
            for one in wanted
        )
    }
    store.close()


def _fits(name: str, pattern: str) -> bool:
    parts = {"*": ".*", "?": "."}
    return re.fullmatch("".join(parts.get(sign, re.escape(sign)) for sign in pattern), name) is not None
