"""A long body reaches the app piece by piece, and a client that stops or stalls ends it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.web.server import gateway, streamed_body
from qa.web.server.gateway import Gateway
from qa.web.server.streamed_body import StreamedBody

LIMIT = 10


class Sender:
    """A client that sends a piece when the server asks for one. In the end it goes, or is silent."""

    def __init__(self, *pieces: bytes, goes: bool = True) -> None:
        self.pieces, self.goes, self.sent = list(pieces), goes, 0
        self.status, self.body = 0, b""

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(0)
        if self.pieces:
            piece = self.pieces.pop(0)
            self.sent += len(piece)
            return {"type": "http.request", "body": piece, "more_body": True}
        if not self.goes:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")


def upload(app: gateway.WSGIApp, client: Sender, length: int, path: str = "/up", **headers: str) -> Sender:
    named = {"content-length": str(length), **headers}
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": path,
        "query_string": b"", "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }  # fmt: skip

    async def run() -> None:
        serve = Gateway(app, 2, LIMIT, {("POST", "/up")})
        await asyncio.wait_for(serve(scope, client.receive, client.send), 20)

    asyncio.run(run())
    return client


def echo(environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [])
    return [environ["wsgi.input"].read()]


@given(pieces=st.lists(st.binary(max_size=30), max_size=8))
def test_the_app_reads_what_was_sent(pieces: list[bytes]) -> None:
    body = b"".join(pieces) + b"end of a long body"
    client = upload(echo, Sender(*pieces, b"end of a long body", b"ignored"), len(body))
    assert (client.status, client.body) == (200, body)


def test_no_more_is_received_than_the_app_reads() -> None:
    client = Sender(*[b"x" * 100] * 50)
    ahead = []

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        read = 0
        while piece := environ["wsgi.input"].read(30):
            read += len(piece)
            ahead.append(client.sent - read)
        start("200 OK", [])
        return [str(read).encode()]

    assert upload(app, client, 5000).body == b"5000"
    assert max(ahead) < 100


def test_other_requests_get_no_long_body() -> None:
    client = upload(echo, Sender(b"x" * 50), 50, path="/other")
    assert (client.status, client.body, client.sent) == (200, b"", 0)


def failing(environ: dict[str, Any], start: Any) -> list[bytes]:
    """Answer with the error that reading the body raises."""
    try:
        environ["wsgi.input"].read()
    except OSError as error:
        start("400 Bad Request", [])
        return [type(error).__name__.encode()]
    pytest.fail("the body was read")


@pytest.mark.parametrize(
    ("client", "error"),
    [(Sender(b"x" * 20), b"ConnectionResetError"), (Sender(b"x" * 20, goes=False), b"TimeoutError")],
)
def test_a_client_that_goes_or_stalls_ends_its_upload(
    client: Sender, error: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed_body, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(streamed_body, "LINGER_SECONDS", 0.1)
    upload(failing, client, 50)
    assert (client.status, client.body) == (400, error)


def test_a_client_that_sends_bytes_one_by_one_runs_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "BODY_SECONDS", 0.01)

    class Slow(Sender):
        async def receive(self) -> dict[str, Any]:
            await asyncio.sleep(0.05)
            return await super().receive()

    client = upload(failing, Slow(*[b"x"] * 1000), 1000)
    assert client.body == b"TimeoutError"
    assert client.sent < 1000


@pytest.mark.parametrize(("headers", "received"), [({}, 200), ({"expect": "100-continue"}, 0)])
def test_the_rest_of_a_refused_body_is_received_unless_the_client_waits(
    headers: dict[str, str], received: int
) -> None:
    def refuse(_: dict[str, Any], start: Any) -> list[bytes]:
        start("401 Unauthorized", [])
        return [b"no"]

    client = upload(refuse, Sender(*[b"x" * 50] * 4), 200, **headers)
    assert (client.status, client.body, client.sent) == (401, b"no", received)


def test_a_service_that_stops_ends_an_upload() -> None:
    errors: list[OSError] = []

    async def run() -> None:
        asked = asyncio.Event()

        async def receive() -> dict[str, Any]:
            asked.set()
            return await Sender(goes=False).receive()

        stream = StreamedBody(receive, 50, 60)

        def read() -> None:
            try:
                stream.read()
            except OSError as error:
                errors.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        await asyncio.wait_for(asked.wait(), 10)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.to_thread(thread.join, 10)

    asyncio.run(run())
    assert [type(error) for error in errors] == [ConnectionAbortedError]
