from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.web.server import gateway
from qa.web.server.gateway import PIECE, Gateway

Respond = Callable[..., Any]


class Body:
    """A WSGI body that counts how often it is closed."""

    def __init__(self, chunks: Iterable[bytes], *, fails: bool = False) -> None:
        self.chunks, self.fails, self.closed = chunks, fails, 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.fails:
            raise OSError(5, "Input/output error")

    def close(self) -> None:
        self.closed += 1


class Client:
    """A client of an ASGI app: sends its pieces and then waits, or disconnects if ``goes``."""

    def __init__(self, *sent: bytes, goes: bool = False, takes: int | None = None) -> None:
        self.sent, self.goes, self.takes = list(sent), goes, takes
        self.status, self.headers, self.body, self.ended = 0, {}, bytearray(), False
        self.largest = 0

    async def receive(self) -> dict[str, Any]:
        if self.sent:
            return {"type": "http.request", "body": self.sent.pop(0), "more_body": True}
        if not self.goes:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            return
        if self.takes is not None and len(self.body) >= self.takes:
            await asyncio.sleep(60)
        await asyncio.sleep(0)
        self.body += message["body"]
        self.largest = max(self.largest, len(message["body"]))
        self.ended = not message.get("more_body")


def ask(
    app: gateway.WSGIApp,
    client: Client,
    method: str = "GET",
    path: str = "/",
    *,
    max_bodies: Mapping[str, int] = MappingProxyType({}),
    **headers: str,
) -> Client:
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "query_string": b"q=%D1%8F", "server": ("127.0.0.1", 8000), "client": ("127.0.0.2", 5000),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip

    async def run() -> None:
        serve = Gateway(app, 2, 1000, max_bodies=max_bodies)
        await asyncio.wait_for(serve(scope, client.receive, client.send), 20)

    asyncio.run(run())
    return client


def app_of(body: Any, seen: list[dict[str, Any]] | None = None) -> gateway.WSGIApp:
    def app(environ: dict[str, Any], start: Respond) -> Any:
        if seen is not None:
            seen.append(environ | {"body": environ["wsgi.input"].read()})
        start("200 OK", [("Content-Type", "text/plain")])
        return body

    return app


def test_the_app_gets_a_request_as_pep_3333_defines_it() -> None:
    seen: list[dict[str, Any]] = []
    client = Client(b"ab", b"c")
    ask(app_of([b"yes"], seen), client, "POST", "/я", content_length="3", host="h:1", x_one="1")
    assert (client.status, bytes(client.body), client.ended) == (200, b"yes", True)
    assert client.headers == {b"content-type": b"text/plain"}
    (environ,) = seen
    assert environ["body"] == b"abc"
    assert environ["PATH_INFO"] == "/я".encode().decode("latin-1")
    assert environ["QUERY_STRING"] == "q=%D1%8F"
    assert environ["CONTENT_LENGTH"] == "3"
    assert (environ["HTTP_HOST"], environ["HTTP_X_ONE"]) == ("h:1", "1")
    assert environ["REMOTE_ADDR"] == "127.0.0.2"


def test_a_missing_host_stays_missing_and_headers_with_underscores_are_dropped() -> None:
    seen: list[dict[str, Any]] = []
    scope_headers = [(b"x_forwarded_for", b"1.2.3.4"), (b"accept", b"a"), (b"accept", b"b")]
    named = gateway._headers({"headers": scope_headers})
    assert named == {"HTTP_ACCEPT": "a,b"}
    ask(app_of([b""], seen), Client())
    assert seen[0]["HTTP_HOST"] == ""


@given(lengths=st.lists(st.integers(0, 3 * PIECE), max_size=4), listed=st.booleans())
def test_an_answer_arrives_whole_whatever_its_pieces(*, lengths: list[int], listed: bool) -> None:
    chunks = [bytes([65 + place]) * length for place, length in enumerate(lengths)]
    body = Body(chunks)
    client = ask(app_of(chunks if listed else body), Client())
    assert bytes(client.body) == b"".join(chunks)
    assert client.ended
    assert listed or body.closed == 1


@pytest.mark.parametrize(
    "client",
    [
        pytest.param(Client(goes=True), id="gone"),
        pytest.param(Client(takes=2 * PIECE), id="stalled"),
    ],
)
@pytest.mark.parametrize("chunk", [8192, 100 * PIECE])
def test_a_client_that_disconnects_or_stalls_ends_its_answer(
    client: Client, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "STALL_SECONDS", 0.2)
    body = Body(b"x" * chunk for _ in range(100 * PIECE // chunk))
    ask(app_of(body), client)
    assert not client.ended
    assert len(client.body) < 100 * PIECE
    assert body.closed == 1


@pytest.mark.parametrize("chunks", [[], [b"x"], [b"x" * PIECE], [b"x" * PIECE] * 3, [b"x" * 3 * PIECE]])
def test_a_body_that_fails_is_closed_and_does_not_look_complete(chunks: list[bytes]) -> None:
    body = Body(chunks, fails=True)
    client = ask(app_of(body), Client())
    assert body.closed == 1
    assert client.status == 500 or not client.ended


def test_an_app_that_fails_is_a_problem() -> None:
    def app(_: dict[str, Any], __: Respond) -> Any:
        raise ZeroDivisionError

    client = ask(app, Client())
    assert client.status == 500
    assert client.headers[b"content-type"] == b"application/problem+json"


def test_a_body_that_does_not_arrive_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "BODY_SECONDS", 0.2)
    seen: list[dict[str, Any]] = []
    assert ask(app_of([], seen), Client(b"a"), content_length="3").status == 408
    assert ask(app_of([], seen), Client(b"a", goes=True), content_length="3").status == 400
    assert seen == []


@pytest.mark.parametrize("length", ["1001", "-1", "x", "٣", "0" * 5000 + "1"])
def test_a_body_that_the_app_refuses_is_not_read(length: str) -> None:
    seen: list[dict[str, Any]] = []
    scope = {"content_length": length} if length.isascii() else {}
    assert ask(app_of([b""], seen), Client(b"a"), **scope).status == 200
    assert seen[0]["body"] == b""


@pytest.mark.parametrize(("path", "length"), [("/long", 2000), ("/long", 2001), ("/other", 1001)])
def test_a_path_may_take_longer_bodies(path: str, length: int) -> None:
    seen: list[dict[str, Any]] = []
    client = Client(b"x" * length)
    ask(app_of([b""], seen), client, "POST", path, max_bodies={"/long": 2000}, content_length=str(length))
    assert len(seen[0]["body"]) == (length if length == 2000 else 0)


def growing(chunks: Iterable[bytes]) -> gateway.WSGIApp:
    """Return an app whose answer is sent as it grows."""

    def app(_: dict[str, Any], start: Respond) -> Any:
        start("200 OK", [gateway.UNBUFFERED])
        return chunks

    return app


def test_an_answer_that_grows_is_sent_chunk_by_chunk() -> None:
    client, arrived = Client(), []

    def chunks() -> Iterator[bytes]:
        for chunk in (b"a", b"", b"b" * 3 * PIECE, b"c"):
            arrived.append(len(client.body))
            yield chunk

    body = Body(chunks())
    ask(growing(body), client)
    assert arrived == [0, 1, 1, 1 + 3 * PIECE]
    assert bytes(client.body) == b"a" + b"b" * 3 * PIECE + b"c"
    assert client.ended
    assert body.closed == 1
    assert client.largest == PIECE


@pytest.mark.parametrize("client", [Client(goes=True), Client(takes=0), Client(takes=5)])
def test_an_answer_that_grows_ends_with_its_client(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "STALL_SECONDS", 0.2)
    body = Body(b"x" for _ in range(100_000))
    ask(growing(body), client)
    assert not client.ended
    assert body.closed == 1


def test_a_client_cannot_make_an_answer_last_by_reading_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "STALL_SECONDS", 0.2)

    class Dribbling(Client):
        async def send(self, message: dict[str, Any]) -> None:
            await asyncio.sleep(0.05)
            await super().send(message)

    client, body = Dribbling(), Body([b"x"] * 1000)
    ask(growing(body), client)
    assert not client.ended
    assert len(client.body) <= 5
    assert body.closed == 1


def test_bodies_beyond_the_memory_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "BODIES", 2)
    assert ask(app_of([b""]), Client(b"abc"), content_length="3").status == 503
    assert ask(app_of([b""]), Client(b"ab"), content_length="2").status == 200


class Waiting(Client):
    """A client that sends its pieces, and then nothing."""

    async def receive(self) -> dict[str, Any]:
        if not self.sent:
            await asyncio.sleep(60)
        return await super().receive()


def scope_of(length: int = 0) -> dict[str, Any]:
    return {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/",
        "query_string": b"", "headers": [(b"content-length", str(length).encode())],
    }  # fmt: skip


@pytest.mark.parametrize("arrived", [0, 1, 100])
def test_announced_or_incomplete_bodies_delay_no_other_client(
    arrived: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "BODIES", 1000)
    seen: list[dict[str, Any]] = []

    async def run() -> None:
        serve = Gateway(app_of([b"done"], seen), 2, 1000)
        halves = [Waiting(*[b"x" * arrived] * bool(arrived)) for _ in range(30)]
        tasks = [asyncio.ensure_future(serve(scope_of(1000), one.receive, one.send)) for one in halves]
        await asyncio.sleep(0.1)
        for size in (3, 900, 1000) * 2:
            honest = Client(b"x" * (size // 2), b"x" * (size - size // 2))
            await asyncio.wait_for(serve(scope_of(size), honest.receive, honest.send), 10)
            assert (honest.status, bytes(honest.body)) == (200, b"done")
        given_up = [one for one in halves if one.status]
        assert {one.status for one in given_up} <= {503}
        assert all(one.headers[b"retry-after"] == b"1" for one in given_up)
        assert len(given_up) == (30 if arrived else 0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    assert [len(one["body"]) for one in seen] == [3, 900, 1000] * 2


def test_an_answer_cancelled_while_it_is_read_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "ANSWERS", 10 * PIECE)
    reading, may = threading.Event(), threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"x" * PIECE
        reading.set()
        assert may.wait(10)
        yield b"x"

    body = Body(slow())

    async def run() -> None:
        task = asyncio.ensure_future(Gateway(app_of(body), 2, 1000)(scope_of(), client.receive, client.send))
        await asyncio.to_thread(reading.wait, 10)
        task.cancel()
        await asyncio.sleep(0.1)
        may.set()
        assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)

    client = Client()
    asyncio.run(run())
    assert body.closed == 1
    assert not client.ended


def test_unread_answers_do_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "ANSWERS", 10 * PIECE)
    sizes: list[int] = []

    async def run() -> None:
        serve = Gateway(lambda _, start: start("200 OK", []) or [b"x" * 4 * PIECE], 2, 1000)
        stalled = [Client(takes=0) for _ in range(20)]
        tasks = [asyncio.ensure_future(serve(scope_of(), one.receive, one.send)) for one in stalled]
        await asyncio.sleep(0.5)
        sizes.append(sum(not task.done() for task in tasks))
        for _ in range(5):
            reading = Client()
            await asyncio.wait_for(serve(scope_of(), reading.receive, reading.send), 10)
            assert (len(reading.body), reading.ended) == (4 * PIECE, True)
        sizes.append(sum(not task.done() for task in tasks))
        assert not any(one.ended for one in stalled)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    assert sizes == [2, 1]


def test_clients_that_do_not_read_hold_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are more stalled clients than threads."""
    monkeypatch.setattr(gateway, "STALL_SECONDS", 30)
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/",
        "query_string": b"", "headers": [],
    }  # fmt: skip

    async def run() -> None:
        serve = Gateway(lambda _, start: start("200 OK", []) or [b"x" * 4 * PIECE], 2, 1000)
        stalled = [Client(takes=0) for _ in range(20)]
        tasks = [asyncio.ensure_future(serve(scope, one.receive, one.send)) for one in stalled]
        reading = Client()
        await asyncio.wait_for(serve(scope, reading.receive, reading.send), 10)
        assert len(reading.body) == 4 * PIECE
        assert len(set(threading.enumerate()) - before) < len(stalled)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    before = set(threading.enumerate())
    asyncio.run(run())
