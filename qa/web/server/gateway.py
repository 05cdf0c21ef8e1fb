"""Flask behind an ASGI server: a slow client never holds a thread.

A request gets a thread only when its whole body has arrived, and the thread is free again before the answer
is sent. A WSGI server reads the body and sends the answer in the thread that runs the app, so a few clients
that send byte by byte, or that don't read, would hold every thread. Only long uploads are read while they
arrive: the app lets few of them in at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from types import MappingProxyType
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from qa.web.server.answer_pieces import PIECE, GrowingPieces, Pieces
from qa.web.server.streamed_body import StreamedBody

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

BODY_SECONDS = 30.0
"""How long a body may take to arrive. Chosen: 1 MB, the longest that most paths take, takes that at 35 KB a
second. A longer one may take longer in proportion.
"""

BODIES = 64 << 20
"""Bytes of request bodies that a process holds in memory at once. Chosen: 64 of the longest that most paths
take, and two of the largest sheet of questions that can be set."""

ANSWERS = 1 << 30
"""Bytes of answers that a process keeps on disk at once until clients have read them. Chosen: 1 GiB."""

STALL_SECONDS = 20.0
"""How long a client may take to read a piece. Chosen: that is at least 13 KB a second."""

UNBUFFERED = ("X-Accel-Buffering", "no")
"""The header of an answer that is sent as it grows. Proxies know it, too."""

BUSY = "The server is busy. Try again in a moment."

_LENGTH = re.compile(r"[0-9]{1,19}")
"""A valid Content-Length. Python refuses to convert thousands of digits, even if all are zeros."""

_CONTENT = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of the app: its first piece, and the rest if there is one."""

    status: int
    headers: list[tuple[bytes, bytes]]
    first: bytes
    rest: Pieces | None


class Room:
    """A limited number of bytes that tasks hold while they wait for their clients.

    When the room is full, the task that has held bytes for longest is cancelled: a client that is no slower
    than others is never that one. Only the event loop's thread may use a room.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._held: dict[asyncio.Task[Any], int] = {}

    def take(self, task: asyncio.Task[Any], size: int) -> None:
        """Let a task hold ``size`` more bytes. It may be the task that is cancelled."""
        self._held[task] = self._held.get(task, 0) + size
        self._free -= size
        while self._free < 0 and self._held:
            oldest = next(iter(self._held))
            self.release(self.protect(oldest))
            oldest.cancel()

    def protect(self, task: asyncio.Task[Any]) -> int:
        """Return how many bytes a task holds, and never cancel the task for them again."""
        return self._held.pop(task, 0)

    def release(self, size: int) -> None:
        """Return bytes of a protected task to the room."""
        self._free += size


class Gateway:
    """An ASGI app that runs a WSGI app in threads."""

    def __init__(
        self,
        app: WSGIApp,
        threads: int,
        max_body: int,
        streamed: Collection[tuple[str, str]] = (),
        *,
        max_bodies: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Wrap ``app``.

        Args:
            app: the WSGI app. It refuses longer bodies, and bodies of unknown length, by their headers, so
                these are not read.
            threads: the number of requests that it works on at once.
            max_body: the longest body, in bytes.
            streamed: the methods and paths of requests whose bodies may be longer: the app reads these while
                they arrive, in its thread, or refuses them.
            max_bodies: the longest body of paths where it differs.
        """
        self._app = app
        self._threads = ThreadPoolExecutor(threads, "request")
        self._max_body = max_body
        self._streamed = frozenset(streamed)
        self._max_bodies = max_bodies
        self._bodies = Room(BODIES)
        self._answers = Room(ANSWERS)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = _headers(scope)
        length = _length(headers)
        if length > self._max_body and (scope["method"], scope["path"]) in self._streamed:
            stream = StreamedBody(receive, length, BODY_SECONDS * length / self._max_body)
            await self._answer(_environ(scope, headers, stream), receive, send)
            return
        max_body = self._max_bodies.get(_path(scope), self._max_body)
        body = await self._body(length if length <= max_body else 0, receive, send)
        if body is None:
            return
        try:
            await self._answer(_environ(scope, headers, BytesIO(body)), receive, send)
        finally:
            self._bodies.release(len(body))

    async def _body(self, length: int, receive: Receive, send: Send) -> bytes | None:
        """Return the body, or refuse a request whose body does not arrive and return None."""
        if not length:
            return b""
        reading = asyncio.ensure_future(self._read(receive, length))
        seconds = BODY_SECONDS * max(1, length / self._max_body)
        try:
            return await asyncio.wait_for(reading, seconds)
        except TimeoutError:
            await _refuse(
                send, HTTPStatus.REQUEST_TIMEOUT, f"The body took longer than {seconds:.0f} seconds."
            )
        except EOFError:
            await _refuse(send, HTTPStatus.BAD_REQUEST, "The body is shorter than its Content-Length.")
        except asyncio.CancelledError:
            _raise_if_cancelled()
            await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, BUSY)
        return None

    async def _read(self, receive: Receive, length: int) -> bytes:
        """Return the whole body, or raise EOFError. Bytes take room when they arrive, not when announced."""
        task = _current_task()
        try:
            return await _read_whole(receive, length, lambda size: self._bodies.take(task, size))
        except BaseException:
            self._bodies.release(self._bodies.protect(task))
            raise
        finally:
            self._bodies.protect(task)

    async def _answer(self, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            answer = await self._in_thread(self._run, environ)
        except Exception:  # noqa: BLE001 -- Flask handles its own errors: this one is outside Flask
            _log.exception("%s %.1000s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            await _refuse(send, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong.")
            return
        if isinstance(body := environ["wsgi.input"], StreamedBody) and "HTTP_EXPECT" not in environ:
            await body.drain()
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        if answer.rest is None:
            await send({"type": "http.response.body", "body": answer.first})
            return
        sending = asyncio.ensure_future(self._stream(answer.first, answer.rest, receive, send))
        self._answers.take(sending, answer.rest.on_disk)
        try:
            await sending
        except asyncio.CancelledError:
            _raise_if_cancelled()
        finally:
            self._answers.release(self._answers.protect(sending))
            await self._in_thread(answer.rest.close)

    def _run(self, environ: dict[str, Any]) -> _Answer:
        """Run the app, in a thread, until the first piece of its answer is ready."""
        started: list[Any] = []
        body = self._app(environ, lambda *head: started.extend(head))
        grows = bool(started) and UNBUFFERED in started[1]
        pieces = GrowingPieces(body) if grows else Pieces(body)
        first = next(pieces, b"")
        rest = pieces if grows or len(first) == PIECE else None
        if rest is None:
            next(pieces, b"")  # closes the body
        return _Answer(*_head(started), first, rest)

    async def _stream(self, first: bytes, rest: Pieces, receive: Receive, send: Send) -> None:
        """Send piece after piece, as fast as the client reads them, until it disconnects.

        The server closes a connection whose answer ends early.
        """
        disconnected = asyncio.ensure_future(_until_disconnected(receive))
        paced = _Paced(send)
        piece: bytes | None = first
        try:
            while piece is not None and not disconnected.done():
                await paced.send(piece)
                piece = await self._in_thread(next, rest, None)
            if piece is None:
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            _log.debug("A client did not read its answer for %d seconds", STALL_SECONDS)
        except Exception:  # noqa: BLE001 -- the headers are sent: no status can report it
            _log.exception("An answer could not be sent completely")
        finally:
            disconnected.cancel()

    def _in_thread(self, function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *args)


def _head(started: Sequence[Any]) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Return the status and the headers that a WSGI app has started its answer with, as ASGI has them."""
    status, headers = started[:2]
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return int(status[:3]), encoded


async def _read_whole(receive: Receive, length: int, on_arrival: Callable[[int], None]) -> bytes:
    body = bytearray()
    while len(body) < length:
        message = await receive()
        piece = message.get("body", b"")
        on_arrival(len(piece))
        body += piece
        if not message.get("more_body") and len(body) < length:
            raise EOFError
    return bytes(body)


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task  # noqa: S101 -- coroutines run in tasks
    return task


def _raise_if_cancelled() -> None:
    """Propagate a cancellation by the server, but not one by a full room."""
    if _current_task().cancelling():
        raise asyncio.CancelledError


class _Paced:
    """Sends pieces to a client, which may take ``STALL_SECONDS`` to read ``PIECE`` bytes, however divided."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._left = STALL_SECONDS
        self._unread = 0

    async def send(self, piece: bytes) -> None:
        """Send a piece, which may be empty; raise TimeoutError if the client doesn't read."""
        if not piece:
            return
        began = time.monotonic()
        async with asyncio.timeout(self._left):  # wait_for may swallow the cancellation by a full room
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self._left -= time.monotonic() - began
        self._unread += len(piece)
        if self._unread >= PIECE:
            self._left, self._unread = STALL_SECONDS, 0


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: HTTPStatus, detail: str) -> None:
    """Answer a request that does not reach the app."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})


def _length(headers: Mapping[str, str]) -> int:
    """Return the length of the body; 0 if it is not known, so that the app refuses it."""
    length = headers.get("CONTENT_LENGTH", "")
    return 0 if "HTTP_TRANSFER_ENCODING" in headers or not _LENGTH.fullmatch(length) else int(length)


def _path(scope: Mapping[str, Any]) -> str:
    """Return the path of a request as WSGI has it: its bytes as Latin-1."""
    path = unquote_to_bytes(scope["raw_path"]) if scope.get("raw_path") else scope["path"].encode()
    return path.decode("latin-1")


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers under their WSGI names.

    Names with underscores are dropped: WSGI could not tell them from names with hyphens.
    """
    named: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" not in name:
            key = _CONTENT.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
            named[key] = f"{named[key]},{value}" if key in named else value
    return named


def _environ(
    scope: Mapping[str, Any], headers: Mapping[str, str], body: IO[bytes] | StreamedBody
) -> dict[str, Any]:
    """Return the request as a WSGI environment (PEP 3333)."""
    host, port = scope.get("server") or ("", 0)
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": _path(scope),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "HTTP_HOST": "",  # without a Host header, the name of the server must not take its place
        **headers,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
