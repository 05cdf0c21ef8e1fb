"""The list of documents in SQL is what plain loops make of the documents."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.stored_documents import DOCUMENTS
from qa.index import catalogue
from qa.index.store import Store
from qa.text.folding import fold
from qa.types import Document, DocumentOrder, DocumentQuery, Filters

TITLED = [
    replace(
        stored,
        document=replace(
            stored.document,
            metadata=replace(stored.document.metadata, title=title),
            characters=4 + number,
        ),
    )
    for number, (stored, title) in enumerate(
        zip(
            DOCUMENTS,
            ["Rice", "Ёлка", "annual report", None, "Annual Report", None, "Straße", "x", "y"],
            strict=True,
        )
    )
]


@pytest.fixture(params=["store", "memory"])
def db(request, stored_in):
    """Return the same documents as a store has them, and as other stores keep them in memory."""
    if request.param == "memory":
        yield catalogue.in_memory((n, stored.document) for n, stored in enumerate(TITLED))
        return
    store = stored_in(*(replace(stored, text="x" * stored.document.characters) for stored in TITLED))
    with store._reading() as connection:
        yield connection


def _paths(db: sqlite3.Connection, query: DocumentQuery, ledger: Path | None = None) -> list[str]:
    total, numbers = catalogue.page(
        db, query, 100, 0, named=catalogue.Names().find(db, query.text), ledger=ledger
    )
    assert total == len(numbers)
    return [TITLED[number].document.path for number in numbers]


_KEYS = {
    DocumentOrder.PATH: lambda d: d.path,
    DocumentOrder.TITLE: lambda d: fold(d.metadata.title or d.path),
    DocumentOrder.DATE: lambda d: d.metadata.published,
    DocumentOrder.SIZE: lambda d: d.characters,
}


@pytest.mark.parametrize("order", _KEYS)
@pytest.mark.parametrize("reverse", [False, True])
def test_documents_come_in_order_and_unknown_dates_last(db, order: DocumentOrder, *, reverse: bool) -> None:
    by_path = {stored.document.path: stored.document for stored in TITLED}
    keys = [_KEYS[order](by_path[path]) for path in _paths(db, DocumentQuery(order=order, reverse=reverse))]
    known = [key for key in keys if key is not None]
    assert len(keys) == len(TITLED)
    assert keys[: len(known)] == known
    latest_first = order in {DocumentOrder.DATE, DocumentOrder.SIZE}
    assert known == sorted(known, reverse=latest_first != reverse)


def test_parts_of_a_list_join_to_the_whole(db) -> None:
    query = DocumentQuery(order=DocumentOrder.TITLE)
    parts = [catalogue.page(db, query, 4, offset)[1] for offset in (0, 4, 8)]
    assert [*parts[0], *parts[1], *parts[2]] == catalogue.page(db, query, 100, 0)[1]


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 9), ("ANNUAL", 2), ("report annual", 2), ("ёл", 1), ("strasse", 1), ("NEWS .md", 2), ("%", 0),
     ("' OR 1", 0), ("новости", 1), ("caf\u00c9", 2), ("cafe\u0301 deux", 1)],
)  # fmt: skip
def test_each_typed_word_stands_in_the_title_or_path(db, text: str, count: int) -> None:
    assert len(_paths(db, DocumentQuery(text=text))) == count


def test_a_file_that_was_indexed_later_comes_first(db, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(ledger)) as written:
        written.execute("CREATE TABLE files (path, since)")
        rows = [("a.txt", "2026-01-01"), ("de.txt", "2026-03-01"), ("newsletter/c.md", "2026-02-01")]
        written.executemany("INSERT INTO files VALUES (?, ?)", rows)
        written.commit()
    query = DocumentQuery(order=DocumentOrder.INDEXED)
    for _ in range(2):  # the ledger is let go of after each list
        assert _paths(db, query, ledger)[:3] == ["de.txt", "newsletter/c.md", "a.txt"]
    assert _paths(db, query) == _paths(db, query, tmp_path / "none") == _paths(db, DocumentQuery())


def test_folders_are_counted_with_all_that_they_hold(db) -> None:
    counts = catalogue.count_values(db, Filters())
    assert counts["folder"] == {"fr": 2, "news": 3, "newsletter": 1, "ru": 1}
    inner = catalogue.count_values(db, Filters(path=("news",)), "news")
    assert inner["folder"] == {"news/old": 1}
    assert catalogue.count_values(db, Filters(), "nowhere")["folder"] == {}


_FILTERS = st.builds(
    Filters,
    source=st.sampled_from([(), ("tass",), ("Straße", "reuters")]),
    language=st.sampled_from([(), ("en",), ("ru", "de")]),
    date_from=st.sampled_from([None, "2019-07-04"]),
)


@given(filters=_FILTERS, text=st.sampled_from(["", "a", "news"]))
def test_choosing_a_value_lists_as_many_documents_as_it_counts(filters: Filters, text: str) -> None:
    with closing(catalogue.in_memory((n, s.document) for n, s in enumerate(TITLED))) as db:
        query = DocumentQuery(filters, text)
        counts = catalogue.count_values(db, filters, named=catalogue.Names().find(db, text))
        chosen = {
            "source": lambda value: {"source": (value,)},
            "language": lambda value: {"language": (value,)},
            "year": lambda value: {"date_from": f"{value}-01-01", "date_to": f"{value}-12-31"},
            "type": lambda value: {"media_type": (value,)},
            "folder": lambda value: {"path": (value,)},
        }
        for facet, values in counts.items():
            for value, count in values.items():
                narrowed = replace(query, filters=replace(filters, **chosen[facet](value)))
                assert len(_paths(db, narrowed)) == count


def test_spellings_of_a_publisher_count_as_one(db) -> None:
    counts = catalogue.count_values(db, Filters())
    spelled = Counter(fold(d.metadata.source) for d in _documents() if d.metadata.source)
    assert {fold(value): count for value, count in counts["source"].items()} == spelled
    assert list(counts["year"]) == ["2021", "2020", "2019", "2018"]


def _documents() -> list[Document]:
    return [stored.document for stored in TITLED]


def test_a_store_lists_whole_documents(stored_in) -> None:
    store: Store = stored_in(*DOCUMENTS)
    for filters in (Filters(), Filters(path=("news",)), Filters(source=("tass",))):
        listed = store.list_documents(DocumentQuery(filters), 2, 1)
        assert listed == store.documents(filters, limit=2, offset=1)
