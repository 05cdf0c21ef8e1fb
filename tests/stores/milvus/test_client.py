"""What the client asks of pymilvus, and that its errors are ours."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from qa.errors import StoreUnavailableError
from qa.stores.milvus import client as module
from qa.stores.milvus.client import Client, patient

ROWS = [{"id": number, "name": f"row {number}"} for number in range(50)]


class Pymilvus:
    """Answers as pymilvus's client does, over ``ROWS``; ``failures`` are raised first."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failures: list[Exception] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*_: Any, **kwargs: Any) -> Any:
            self.calls.append((name, kwargs))
            if self.failures:
                raise self.failures.pop(0)
            return self._answer(name, **kwargs)

        return call

    def _answer(self, name: str, **kwargs: Any) -> Any:
        if name != "query":
            return name
        if "ids" in kwargs:
            return [row for row in ROWS if row["id"] in kwargs["ids"]]
        rows = [row for row in ROWS if not kwargs["filter"] or eval(kwargs["filter"], {}, dict(row))]
        return [{"count(*)": len(rows)}] if kwargs["output_fields"] == ["count(*)"] else rows[::-1]


@pytest.fixture
def pymilvus() -> Pymilvus:
    return Pymilvus()


@pytest.fixture
def client(pymilvus: Pymilvus, monkeypatch: pytest.MonkeyPatch) -> Client:
    connected = Client("milvus+http://user:secret@host:1234", timeout=2.5)
    monkeypatch.setattr(connected, "_client", pymilvus)
    return connected


def _error(code: int) -> Exception:
    return module.library().MilvusException(code=code, message=f"code {code}")


@pytest.mark.parametrize(
    ("store", "address"),
    [
        ("milvus+http://user:secret@host:1234", "host:1234"),
        ("milvus+http://host", "host:19530"),
        ("milvus+some/file.db", "some/file.db"),
    ],
)
def test_the_address_shows_no_password(store: str, address: str) -> None:
    assert Client(store).address == address


def test_every_call_has_a_time_limit(client: Client, pymilvus: Pymilvus) -> None:
    client.call("flush", "x")
    client.call("flush", "x", call_timeout=9)
    assert [kwargs["timeout"] for _, kwargs in pymilvus.calls] == [2.5, 9]


def test_errors_become_ours(client: Client, pymilvus: Pymilvus) -> None:
    for failure in (_error(5), ConnectionError("away"), ValueError("nonsense")):
        pymilvus.failures = [failure]
        with pytest.raises(StoreUnavailableError, match="the store at host:1234 does not answer: "):
            client.call("flush")


def test_what_is_missing_is_none_and_other_errors_are_errors(client: Client, pymilvus: Pymilvus) -> None:
    for code in (100, 1600):
        pymilvus.failures = [_error(code)]
        assert client.call_unless_missing("describe_alias", "x") is None
    pymilvus.failures = [_error(7)]
    with pytest.raises(StoreUnavailableError):
        client.call_unless_missing("describe_alias", "x")


def test_a_collection_that_is_not_loaded_is_loaded(client: Client, pymilvus: Pymilvus) -> None:
    pymilvus.failures = [_error(101)]
    assert client.count("x") == len(ROWS)
    assert [name for name, _ in pymilvus.calls] == ["query", "load_collection", "query"]


def test_only_one_thread_loads(client: Client, pymilvus: Pymilvus) -> None:
    pymilvus.failures = [_error(101)]
    with client._loading, pytest.raises(StoreUnavailableError):
        client.count("x")


def test_rows_by_number_are_requested_in_parts(
    client: Client, pymilvus: Pymilvus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IDS_AT_ONCE", 4)
    wanted = [9, 3, 3, 40, 1, 2, 7]
    assert client.rows("x", wanted, ["name"]) == {number: ROWS[number] for number in wanted}
    assert [len(kwargs["ids"]) for _, kwargs in pymilvus.calls] == [4, 2]
    with pytest.raises(StoreUnavailableError, match="returned 1 of 2 rows of x"):
        client.rows("x", [1, 99], ["name"])


def test_a_scan_gives_every_row_in_order_however_many_come_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_ROWS", 7)
    assert list(client.scan("x", ["name"], where="", first=0, last=50)) == ROWS
    assert list(client.scan("x", [], where="id != 12", first=10, last=15)) == [
        ROWS[number] for number in (10, 11, 13, 14)
    ]
    assert list(client.scan("x", [], where="id < 0", first=0, last=50)) == []


def test_a_scan_that_loses_rows_is_an_error(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "query", lambda *_, **__: ROWS[:3])
    with pytest.raises(StoreUnavailableError, match="returned 3 of 50 rows of x"):
        list(client.scan("x", ["name"], where="", first=0, last=50))


def test_a_closed_client_connects_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.close()
    opened = []
    monkeypatch.setattr(module.library(), "MilvusClient", lambda uri, **_: opened.append(uri) or Pymilvus())
    threads = [threading.Thread(target=client.call, args=("flush",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == ["http://user:secret@host:1234"]


def test_a_patient_call_tries_again_and_gives_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    tries = []

    def fail_until(success: int) -> str:
        tries.append(success)
        if len(tries) < success:
            raise StoreUnavailableError("away")
        return "answer"

    assert patient(fail_until)(4) == "answer"
    assert len(waits) == 3
    tries.clear()
    with pytest.raises(StoreUnavailableError):
        patient(fail_until)(99)
    assert len(tries) == 6
