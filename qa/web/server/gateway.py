"""Flask behind an ASGI server: a slow client never holds a thread.

A request gets a thread once its body has arrived whole, and the thread is free again before the answer is
sent. A WSGI server reads the body and sends the answer in the thread that runs the app: there, a few clients
that send letter by letter, or that don't read, hold every thread.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import unquote_to_bytes

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

BODY_SECONDS = 30.0
"""How long a body may take to arrive."""

BODIES = 64 << 20
"""How many bytes of bodies a process holds at once: they wait in memory."""

ANSWERS = 1 << 30
"""How many bytes of answers a process keeps on disk at once, until their clients have taken them."""

PIECE = 256 << 10
"""How many bytes of an answer the server gets at once. A larger answer waits on disk until it is sent."""

STALL_SECONDS = 20.0
"""How long a client may take for a piece, which is 13 KB a second at least."""

_LENGTH = re.compile(r"[0-9]{1,19}")
"""What Content-Length may be: Python makes no number of thousands of digits, were they all zeros."""

_CONTENT = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of the app: its first piece, and the others where there are any."""

    status: int
    headers: list[tuple[bytes, bytes]]
    first: bytes
    rest: _Pieces | None


class Room:
    """Bytes that tasks hold while they wait for their clients.

    Where there is no room for more, the task that has held some for longest is cancelled: a client that is
    no slower than others is never the oldest. Only the event loop's thread may use it.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._held: dict[asyncio.Task[Any], int] = {}

    def take(self, task: asyncio.Task[Any], size: int) -> None:
        """Let a task hold so many bytes more. It may be the one that is cancelled."""
        self._held[task] = self._held.get(task, 0) + size
        self._free -= size
        while self._free < 0 and self._held:
            oldest = next(iter(self._held))
            self.free(self.keep(oldest))
            oldest.cancel()

    def keep(self, task: asyncio.Task[Any]) -> int:
        """Return how many bytes a task holds, which is not cancelled for them any more."""
        return self._held.pop(task, 0)

    def free(self, size: int) -> None:
        """Give back so many bytes that were kept."""
        self._free += size


class Gateway:
    """An ASGI app that runs a WSGI app in threads."""

    def __init__(self, app: WSGIApp, threads: int, max_body: int) -> None:
        """Wrap ``app``.

        Args:
            app: the WSGI app. It refuses longer bodies, and those of unknown length, by their headers: these
                are not read.
            threads: how many requests it works on at once.
            max_body: the longest body, in bytes.
        """
        self._app = app
        self._threads = ThreadPoolExecutor(threads, "request")
        self._max_body = max_body
        self._bodies = Room(BODIES)
        self._answers = Room(ANSWERS)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = _headers(scope)
        body = await self._body(self._length(headers), receive, send)
        if body is None:
            return
        try:
            await self._answer(_environ(scope, headers, body), receive, send)
        finally:
            self._bodies.free(len(body))

    async def _body(self, length: int, receive: Receive, send: Send) -> bytes | None:
        """Read a body; refuse one that does not arrive, and return None."""
        if not length:
            return b""
        reading = asyncio.ensure_future(self._read(receive, length))
        try:
            return await asyncio.wait_for(reading, BODY_SECONDS)
        except TimeoutError:
            await _refuse(send, HTTPStatus.REQUEST_TIMEOUT, f"The body took over {BODY_SECONDS:.0f} seconds.")
        except EOFError:
            await _refuse(send, HTTPStatus.BAD_REQUEST, "The body is shorter than its Content-Length.")
        except asyncio.CancelledError:
            _raise_if_cancelled()
            await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, "The server is busy. Try again in a moment.")
        return None

    async def _read(self, receive: Receive, length: int) -> bytes:
        """Read a body whole, or raise EOFError. Only what has arrived takes room, not what is announced."""
        task = _current_task()
        try:
            return await _read_whole(receive, length, lambda size: self._bodies.take(task, size))
        except BaseException:
            self._bodies.free(self._bodies.keep(task))
            raise
        finally:
            self._bodies.keep(task)

    def _length(self, headers: Mapping[str, str]) -> int:
        """Return how many bytes of body are read: none of a body that the app refuses."""
        length = headers.get("CONTENT_LENGTH", "")
        if "HTTP_TRANSFER_ENCODING" in headers or not _LENGTH.fullmatch(length):
            return 0
        return int(length) if int(length) <= self._max_body else 0

    async def _answer(self, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            answer = await self._in_thread(self._run, environ)
        except Exception:  # noqa: BLE001 -- Flask answers its own errors: this one is outside of it
            _log.exception("%s %.1000s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            await _refuse(send, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here.")
            return
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
            self._answers.free(self._answers.keep(sending))
            await self._in_thread(answer.rest.close)

    def _run(self, environ: dict[str, Any]) -> _Answer:
        """Run the app, in a thread, up to the first piece of its answer."""
        started: list[Any] = []
        pieces = _Pieces(self._app(environ, lambda *given: started.extend(given)))
        first = next(pieces, b"")
        rest = None if len(first) < PIECE else pieces
        if rest is None:
            next(pieces, b"")  # lets it close the body
        status, headers = started[:2]
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return _Answer(int(status[:3]), encoded, first, rest)

    async def _stream(self, piece: bytes, rest: _Pieces, receive: Receive, send: Send) -> None:
        """Send piece after piece, as fast as the client takes them, until it has gone.

        The server closes a connection whose answer ends early.
        """
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            while piece and not gone.done():
                message = {"type": "http.response.body", "body": piece, "more_body": True}
                async with asyncio.timeout(STALL_SECONDS):  # wait_for may swallow that the room is full
                    await send(message)
                piece = await self._in_thread(next, rest, b"")
            if not piece:
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            _log.debug("A client took nothing of its answer for %d seconds", STALL_SECONDS)
        except Exception:  # noqa: BLE001 -- the head of the answer has gone out: there is nobody to tell
            _log.exception("An answer could not be sent whole")
        finally:
            gone.cancel()

    def _in_thread(self, function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *args)


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
    """Go on being cancelled where that is what the server wants, not a room that is full."""
    if _current_task().cancelling():
        raise asyncio.CancelledError


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: HTTPStatus, detail: str) -> None:
    """Answer what does not reach the app."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers as WSGI names them.

    A name with an underscore would pass for another, with a hyphen: nobody needs one.
    """
    named: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" not in name:
            key = _CONTENT.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
            named[key] = f"{named[key]},{value}" if key in named else value
    return named


def _environ(scope: Mapping[str, Any], headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the request as PEP 3333 has it."""
    host, port = scope.get("server") or ("", 0)
    path = unquote_to_bytes(scope["raw_path"]) if scope.get("raw_path") else scope["path"].encode()
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("", 0))[0],
        "HTTP_HOST": "",  # where there is none, the name of the server must not stand in for it
        **headers,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


class _Pieces(Iterator[bytes]):
    """A WSGI body in pieces of ``PIECE`` bytes, the last one shorter; it is closed however that ends.

    A body that is one large chunk is moved to disk, so that it takes no memory while it is sent.

    Attributes:
        on_disk: how many bytes of it are on disk.
    """

    def __init__(self, body: Iterable[bytes]) -> None:
        self.on_disk = 0
        self._pieces = self._divide(body)
        self._lock = threading.Lock()  # who gives up an answer doesn't wait for its next piece

    def __next__(self) -> bytes:
        with self._lock:
            return next(self._pieces)

    def close(self) -> None:
        """Let go of the body, whatever is left of it."""
        with self._lock:
            self._pieces.close()

    def _divide(self, body: Iterable[bytes]) -> Generator[bytes, None, None]:
        chunks = iter(body)
        gathered = bytearray()
        try:
            for chunk in chunks:
                gathered += chunk
                if len(chunk) > PIECE:
                    break
                while len(gathered) >= PIECE:
                    yield bytes(gathered[:PIECE])
                    del gathered[:PIECE]
            else:
                yield bytes(gathered)
                return
            file = _on_disk(chain([bytes(gathered)], chunks))
        finally:
            if hasattr(body, "close"):
                body.close()
        del body, chunks, chunk, gathered
        with file:
            self.on_disk = os.fstat(file.fileno()).st_size
            yield from iter(lambda: file.read(PIECE), b"")


def _on_disk(chunks: Iterable[bytes]) -> IO[bytes]:
    """Return a temporary file with these bytes, which the caller closes."""
    with ExitStack() as stack:
        file = stack.enter_context(TemporaryFile())
        file.writelines(chunks)
        file.seek(0)
        stack.pop_all()
    return file
