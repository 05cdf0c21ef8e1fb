"""The library out of a Milvus answers as the store in SQLite does."""

from __future__ import annotations

import pytest

from qa.errors import GoneError, NotFoundError, StoreUnavailableError
from qa.index.generation import Generation
from qa.index.store import Store
from qa.stores.milvus import schema
from qa.stores.milvus.library import MilvusLibrary
from qa.types import Filters, RecognisedPage, Span, WordBox
from stores.milvus.fake_client import FakeClient, filled


@pytest.fixture(scope="module")
def client(large: Generation) -> FakeClient:
    return filled(large)[0]


@pytest.fixture
def library(large: Generation, client: FakeClient) -> MilvusLibrary:
    layout = filled(large)[1].layout
    name, count = large.manifest.generation, large.manifest.documents
    return MilvusLibrary(client, name, layout, large.store.languages(), count)


FILTERS = [
    Filters(),
    Filters(source=("s1", "S3")),
    Filters(path=("a",)),
    Filters(path=("*/1?.md", "b/0[1-3].md")),
    Filters(date_from="2012-01-01", date_to="2015-01-01", source=("S2",)),
    Filters(language=("nobody's",)),
]


@pytest.mark.parametrize("filters", FILTERS)
def test_documents_are_listed_as_by_the_store(large: Generation, library, filters: Filters) -> None:
    for limit, offset in ((5, 0), (100, 3)):
        assert library.documents(filters, limit, offset) == large.store.documents(filters, limit, offset)


def test_a_document_and_all_of_it(large: Generation, library: MilvusLibrary) -> None:
    for document in list(large.store.all_documents())[::20]:
        for method in ("document", "text", "headings", "page_starts", "passages_of"):
            assert getattr(library, method)(document.id) == getattr(large.store, method)(document.id)


def test_passages_by_row_id_and_place(large: Generation, library: MilvusLibrary) -> None:
    rows = [7, 3, 55, 3]
    assert library.passages(rows) == large.store.passages(rows)
    for passage in large.store.passages([0, 4, 9]):
        assert library.passage(passage.id) == passage
        assert library.neighbours(passage) == large.store.neighbours(passage)
        for offset in (0, passage.span.start, passage.span.end, 10**20):
            expected = large.store.passage_at(passage.document.id, min(offset, 2**63 - 1))
            assert library.passage_at(passage.document.id, offset) == expected


def test_missing_documents_and_passages_raise_the_errors_of_the_store(
    large: Generation, library: MilvusLibrary
) -> None:
    document = next(large.store.all_documents())
    with pytest.raises(NotFoundError, match="no document has the id"):
        library.document("f" * 16)
    with pytest.raises(NotFoundError, match="is not a passage's id"):
        library.passage(f"{document.id}:x-y")
    with pytest.raises(GoneError, match="it has changed"):
        library.passage(f"{document.id}:1-2")


def test_rows_are_kept_once_they_are_read(client: FakeClient, library: MilvusLibrary) -> None:
    first = library.passages([1, 2])
    before = client.queries
    assert library.passages([2, 1]) == first[::-1]
    assert client.queries == before


def test_a_text_of_which_a_part_is_short_is_refused(large: Generation) -> None:
    client, rows = filled(large)
    library = MilvusLibrary(client, rows.generation, rows.layout, (), large.manifest.documents)
    document = next(large.store.all_documents())
    for row in client.collections[schema.collection(rows.generation, schema.PARTS)].values():
        row["data"] = row["data"][:-1]
    with pytest.raises(StoreUnavailableError, match="is not complete in the store"):
        library.text(document.id)


def test_the_words_of_recognised_pages_come_back_page_by_page(large: Generation, monkeypatch) -> None:
    scan, beside = (document.id for document in list(large.store.all_documents())[3:5])
    words = tuple(WordBox(place, place + 1, 0, 0, 1, 1) for place in range(5000))  # these take two parts
    pages = (
        RecognisedPage(1, Span(0, 5000), 0.9, words),
        RecognisedPage(2, Span(5000, 5002), 0.5),
        RecognisedPage(4, Span(5002, 5003), 0.7, (WordBox(5002, 5003, 0, 0, 1, 1),)),
    )
    monkeypatch.setattr(Store, "recognised", lambda _, name: pages if name == scan else ())
    client, rows = filled(large)
    name, count = large.manifest.generation, large.manifest.documents
    library = MilvusLibrary(client, name, rows.layout, large.store.languages(), count)
    found = [library.recognised_page(scan, page) for page in range(1, 6)]
    assert found == [pages[0], pages[1], None, pages[2], None]
    assert library.recognised_page(beside, 1) is None
    assert library.text(scan) == large.store.text(scan)
    assert library.text(beside) == large.store.text(beside)
