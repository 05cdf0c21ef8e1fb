from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from qa.config import Settings
from qa.types import Query, SearchResult
from qa.web import create_app
from qa.web.access import load
from qa.web.access.load import Gate
from web.fake_search import FakeSearch

SEARCH = "/api/v1/search?q=trade"


class Slow(FakeSearch):
    """A search that answers only when ``may`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.add("a.txt", "The trade grew.")
        self.may = threading.Event()
        self.begun = threading.Semaphore(0)

    def search(self, query: Query) -> SearchResult:
        self.begun.release()
        assert self.may.wait(20)
        return super().search(query)

    search_many_takes = 0.0

    def search_many(self, queries) -> list[SearchResult]:
        time.sleep(self.search_many_takes)
        return super().search_many(queries)


@pytest.fixture
def slow() -> Slow:
    return Slow()


def test_requests_beyond_the_queue_are_refused_while_probes_are_answered(
    settings: Settings, slow: Slow
) -> None:
    app = create_app(replace(settings, threads=2, queue_size=3), lambda: slow)
    with ThreadPoolExecutor(8) as clients:
        searches = [clients.submit(app.test_client().get, SEARCH) for _ in range(5)]
        for _ in range(2):
            assert slow.begun.acquire(timeout=10)
        refused = next(iter(_until_refused(app)))
        assert refused.content_type == "application/problem+json"
        assert refused.headers["Retry-After"] == "1"
        assert app.test_client().get("/healthz").status_code == 200
        assert app.test_client().get("/readyz").status_code == 200
        assert app.test_client().get("/metrics").status_code == 200
        slow.may.set()
        assert [search.result(10).status_code for search in searches] == [200] * 5
    assert app.test_client().get(SEARCH).status_code == 200


def _until_refused(app):
    """Send requests until one is refused because the queue is full."""
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        response = app.test_client().get("/api/v1/status") if _is_full(app) else None
        if response is not None and response.status_code == 503:
            yield response
        time.sleep(0.01)
    pytest.fail("no request was refused")


def _is_full(app) -> bool:
    """Whether the waiting clients have had a moment to fill the queue."""
    time.sleep(0.3)
    return True


def test_a_request_that_waits_too_long_is_refused(settings: Settings, slow: Slow) -> None:
    app = create_app(replace(settings, threads=1, queue_size=1, queue_timeout=1), lambda: slow)
    with ThreadPoolExecutor(1) as clients:
        first = clients.submit(app.test_client().get, SEARCH)
        assert slow.begun.acquire(timeout=10)
        started = time.monotonic()
        assert app.test_client().get(SEARCH).status_code == 503
        assert time.monotonic() - started >= 1
        slow.may.set()
        assert first.result(10).status_code == 200


def test_a_request_that_fails_leaves_the_gate(settings: Settings, slow: Slow) -> None:
    client = create_app(replace(settings, threads=1, queue_size=0), lambda: slow).test_client()
    slow.may.set()
    for address, status in (("/api/v1/search", 422), ("/api/v1/passages/x", 404), ("/nowhere", 404)) * 3:
        assert client.get(address).status_code == status
    assert client.get(SEARCH).status_code == 200


def test_downloads_have_a_gate_of_their_own_and_delay_no_search(
    settings: Settings, search: FakeSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_MAX_DOWNLOADS", 1)
    client = create_app(replace(settings, threads=1, queue_size=0), lambda: search).test_client()
    file = f"/api/v1/documents/{next(iter(search.held))}/text"
    sending = client.get(file, buffered=False)
    assert sending.status_code == 200
    assert client.get(file).status_code == 503
    assert client.get(SEARCH).status_code == 200
    for _ in range(3):  # a refused download does not occupy the gate
        assert client.get("/api/v1/documents/0/file").status_code == 503
    sending.close()
    for _ in range(3):
        assert _status(client, "/api/v1/documents/0/file") == 404
        assert _status(client, file) == 200


def _addresses(app: Flask, search: FakeSearch) -> Iterator[str]:
    """Yield an address for every route, and some that are refused."""
    document = next(document for document in search.held.values() if document.path == "news/tass.txt")
    passage = search.passages_of(document.id)[0]
    values = {
        "document_id": document.id, "passage_id": passage.id, "page": 1, "start": 0, "end": 5,
        "extension": "json", "filename": "page.css", "version": "1", "name": "trade",
    }  # fmt: skip
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            arguments = {name: values[name] for name in rule.arguments}
            yield url_for(rule.endpoint, **arguments)
            yield url_for(rule.endpoint, **arguments, q="trade")
    yield "/api/v1/documents/0/file"
    yield "/nowhere"


def _status(client: FlaskClient, address: str) -> int:
    with client.get(address) as response:
        return response.status_code


def _end_at_once(response: TestResponse) -> None:
    response.close()


def _read_a_part(response: TestResponse) -> None:
    next(response.iter_encoded(), b"")
    response.close()


def _read_all(response: TestResponse) -> None:
    assert response.data is not None
    response.close()


@pytest.mark.parametrize("end", [_end_at_once, _read_a_part, _read_all])
def test_a_request_leaves_the_gate_however_its_answer_ends(
    end: Callable[[TestResponse], None],
    settings: Settings,
    search: FakeSearch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "_MAX_DOWNLOADS", 1)
    app = create_app(replace(settings, threads=1, queue_size=0), lambda: search)
    client = app.test_client()
    headers = (
        {"Range": "bytes=0-3"},
        {"If-None-Match": "*"},
        {"If-Modified-Since": format_datetime(datetime.now(UTC))},
    )
    for address in _addresses(app, search):
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            for extra in ({}, *headers):
                response = client.open(address, method=method, headers=extra, buffered=False)
                assert response.status_code != 503, (method, address)
                end(response)
        for more in ("file", "text"):
            assert _status(client, f"/api/v1/documents/{next(iter(search.held))}/{more}") == 200, address
        assert client.get(SEARCH).status_code == 200, address


def test_a_failure_outside_flask_leaves_the_gate(settings: Settings, search: FakeSearch) -> None:
    app = create_app(replace(settings, threads=1, queue_size=0), lambda: search)
    app.teardown_request(lambda _: 1 / 0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            app.test_client().get(SEARCH)


def test_a_batch_that_takes_too_long_is_refused(settings: Settings, slow: Slow) -> None:
    slow.may.set()
    slow.search_many_takes = 0.6
    client = create_app(replace(settings, batch_timeout=1), lambda: slow).test_client()
    body = {"questions": ["trade"] * 100, "k": 1}
    started = time.monotonic()
    assert client.post("/api/v1/search", json=body).status_code == 503
    assert time.monotonic() - started < 4
    assert (
        len(client.post("/api/v1/search", json={**body, "questions": ["trade"] * 15}).json["answers"]) == 15
    )


def test_a_batch_lets_other_requests_have_a_turn(settings: Settings, slow: Slow) -> None:
    slow.may.set()
    slow.search_many_takes = 0.2
    app = create_app(replace(settings, threads=1, queue_size=4), lambda: slow)
    with ThreadPoolExecutor(1) as clients:
        body = {"questions": ["trade"] * 100, "k": 1}
        many = clients.submit(app.test_client().post, SEARCH.partition("?")[0], json=body)
        time.sleep(0.3)
        assert _status(app.test_client(), SEARCH) == 200
        assert not many.done()
        assert len(many.result(20).json["answers"]) == 100


def test_batches_do_not_fill_the_queue(settings: Settings, slow: Slow) -> None:
    slow.may.set()
    slow.search_many_takes = 0.2
    app = create_app(replace(settings, threads=2, queue_size=4), lambda: slow)
    address, body = SEARCH.partition("?")[0], {"questions": ["trade"] * 100, "k": 1}
    with ThreadPoolExecutor(6) as clients:
        many = [clients.submit(app.test_client().post, address, json=body) for _ in range(6)]
        while sum(request.done() for request in many) < 4:  # until all but two are refused
            time.sleep(0.01)
        assert _status(app.test_client(), SEARCH) == 200
        answers = [request.result(20) for request in many]
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [503] * 4
    assert {answer.headers.get("Retry-After") for answer in answers} == {None, "1"}


def test_a_request_that_yields_its_turn_enters_again_after_those_who_waited() -> None:
    gate = Gate(1, 4, 30)
    entered: list[str] = []

    def enter(name: str) -> None:
        assert gate.enter()
        entered.append(name)
        gate.leave()

    assert gate.enter()
    gate.yield_turn()  # the queue is empty
    waiting = [threading.Thread(target=enter, args=(name,)) for name in "ab"]
    for number, thread in enumerate(waiting):
        thread.start()
        while len(gate._queue) <= number:
            time.sleep(0.001)
    gate.yield_turn()
    entered.append("again")
    gate.leave()
    for thread in waiting:
        thread.join(10)
    assert entered == ["a", "b", "again"]
    assert gate.enter()


def test_who_enters_again_waits_behind_a_full_queue_and_is_not_refused() -> None:
    gate = Gate(1, 1, 30)
    entered: list[str] = []
    assert gate.enter()
    waiting = [
        threading.Thread(target=lambda: gate.enter() and entered.append("queued")),
        threading.Thread(target=lambda: gate.enter_again() or entered.append("again")),
    ]
    for number, thread in enumerate(waiting):
        thread.start()
        while len(gate._queue) <= number:
            time.sleep(0.001)
    assert not gate.enter()
    for thread in waiting:
        gate.leave()
        thread.join(10)
    assert entered == ["queued", "again"]
    gate.leave()
    assert gate.enter()


def test_items_are_made_in_turns_of_their_own(app: Flask) -> None:
    with app.test_request_context():
        items = load.in_turns(iter("abc"))
    work: Gate = app.extensions["qa.work"]
    free = work._free
    for item in items:
        assert item in "abc"
        assert work._free == free
    with app.test_request_context():
        failing = load.in_turns(number / 0 for number in range(2))
    with pytest.raises(ZeroDivisionError):
        next(failing)
    assert work._free == free


def test_the_queue_is_first_come_first_served() -> None:
    gate = Gate(1, 4, 30)
    assert gate.enter()
    entered: list[int] = []
    waiting = []
    for number in range(4):
        waiting.append(threading.Thread(target=lambda number=number: gate.enter() and entered.append(number)))
        waiting[-1].start()
        while len(gate._queue) <= number:
            time.sleep(0.001)
    assert not gate.enter()
    for number, thread in enumerate(waiting):
        gate.leave()
        thread.join(30)
        assert entered == [*range(number + 1)]
    gate.leave()
    assert gate.enter()
