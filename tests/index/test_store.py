"""What is asked of a store is answered from what was written, by any thread, or refused."""

from __future__ import annotations

import contextlib
import gc
import sqlite3
import threading
from pathlib import Path

import pytest

from index.stored_documents import DOCUMENTS, stored_document
from qa.errors import CorruptIndexError, GoneError, NotFoundError
from qa.index.store import Store
from qa.types import Filters, ReadFailure, SourceFile


def test_passages_come_in_the_requested_order(stored_in) -> None:
    store = stored_in(stored_document("a", "abcdef", (0, 2), (2, 4), (4, 6)))
    assert [passage.text for passage in store.passages([2, 0, 2])] == ["ef", "ab", "ef"]
    assert store.passages([]) == []


def test_passages_of_many_documents_come_right_however_few_are_kept(
    stored_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.index.caching._MOST_ROW_BYTES", 3000)
    store = stored_in(*(stored_document(f"{i}.txt", f"я{i}z", (0, 2), (2, 3)) for i in range(9)))
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
    store = stored_in(stored_document("a", "abcdef", (0, 2)))
    with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite")) as db:
        db.execute("DELETE FROM texts")
        db.commit()
    with pytest.raises(CorruptIndexError, match=r"store\.sqlite"):
        Store(tmp_path / "store.sqlite").passages([0])
    store.close()


def test_neighbours_are_of_the_same_document(stored_in) -> None:
    first, second = stored_document("a", "abcdef", (0, 2), (2, 4), (4, 6)), stored_document("b", "xy", (0, 2))
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
    stored = stored_document("a", "abcdef", (0, 2))
    with pytest.raises(NotFoundError) as caught:
        stored_in(stored).passage(wrong.format(stored.document.id))
    assert not isinstance(caught.value, GoneError)


@pytest.mark.parametrize("place", ["0-3", "1-2", "2-0", f"{'9' * 400}-{'9' * 400}"])
def test_a_place_without_a_passage_is_gone(stored_in, place: str) -> None:
    stored = stored_document("a", "abcdef", (0, 2))
    with pytest.raises(GoneError, match="has changed"):
        stored_in(stored).passage(f"{stored.document.id}:{place}")


def test_an_unknown_document_is_not_found(stored_in) -> None:
    store = stored_in(stored_document("a", "ab", (0, 2)))
    for look_up in (store.document, store.text, store.headings):
        with pytest.raises(NotFoundError, match="nobody"):
            look_up("nobody")


def test_files_are_counted_read_or_not(stored_in) -> None:
    files = (SourceFile("a.txt", "1"), SourceFile("b.csv", "2"))
    failures = (
        ReadFailure("b.csv", "no text", "3"),
        ReadFailure("b.csv", "no text", "4"),
        ReadFailure("c.pdf", "x"),
    )
    assert stored_in(files=files, failures=failures).count_files() == 3


def test_failures_that_stand_for_others_count_as_these(stored_in) -> None:
    more = ReadFailure("b.csv", "998 more rows cannot be read", None, 998)
    store = stored_in(failures=(ReadFailure("b.csv", "no text", "3"), more, ReadFailure("c.pdf", "x")))
    assert store.count_failures() == (1000, 2)
    assert store.failures("b.csv")[-1] == more


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
