"""Flask behind an ASGI server: a slow client never holds a thread.

A request gets a thread once its body has arrived whole, and the thread is free again before the answer is
sent. A WSGI server reads the body and sends the answer in the thread that runs the app: there, a few clients
that send letter by letter, or that don't read, hold every thread.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
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

PIECE = 256 << 10
"""How many bytes of an answer the server gets at once. A larger answer waits on disk until it is sent."""

STALL_SECONDS = 20.0
"""How long a client may take for a piece, which is 13 KB a second at least."""

_CONTENT = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer of the app: its first piece, and the others where there are any."""

    status: int
    headers: list[tuple[bytes, bytes]]
    first: bytes
    rest: Iterator[bytes] | None


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
        self._held = 0

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = _headers(scope)
        length = self._length(headers)
        if self._held + length > BODIES:
            await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, "The server is busy. Try again in a moment.")
            return
        self._held += length
        try:
            if (body := await _read_in_time(receive, send, length)) is not None:
                await self._answer(_environ(scope, headers, body), receive, send)
        finally:
            self._held -= length

    def _length(self, headers: Mapping[str, str]) -> int:
        """Return how many bytes of body are read: none of a body that the app refuses."""
        length = headers.get("CONTENT_LENGTH", "")
        if "HTTP_TRANSFER_ENCODING" in headers or not (length.isascii() and length.isdigit()):
            return 0
        return int(length) if int(length) <= self._max_body else 0

    async def _answer(self, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            answer = await self._in_thread(self._run, environ)
        except Exception:  # noqa: BLE001 -- Flask answers its own errors: this one is outside of it
            _log.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            await _refuse(send, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here.")
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        if answer.rest is None:
            await send({"type": "http.response.body", "body": answer.first})
        else:
            await self._stream(answer.first, answer.rest, receive, send)

    def _run(self, environ: dict[str, Any]) -> _Answer:
        """Run the app, in a thread, up to the first piece of its answer."""
        started: list[Any] = []
        pieces = _pieces(self._app(environ, lambda *given: started.extend(given)))
        first = next(pieces, b"")
        rest = None if len(first) < PIECE else pieces
        if rest is None:
            next(pieces, b"")  # lets it close the body
        status, headers = started[:2]
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return _Answer(int(status[:3]), encoded, first, rest)

    async def _stream(self, piece: bytes, rest: Iterator[bytes], receive: Receive, send: Send) -> None:
        """Send piece after piece, as fast as the client takes them, until it has gone.

        The server closes a connection whose answer ends early.
        """
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            while piece and not gone.done():
                message = {"type": "http.response.body", "body": piece, "more_body": True}
                await asyncio.wait_for(send(message), STALL_SECONDS)
                piece = await self._in_thread(next, rest, b"")
            if not piece:
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            _log.debug("A client took nothing of its answer for %d seconds", STALL_SECONDS)
        except Exception:  # noqa: BLE001 -- the head of the answer has gone out: there is nobody to tell
            _log.exception("An answer could not be sent whole")
        finally:
            gone.cancel()
            await self._in_thread(rest.close)  # type: ignore[attr-defined]  # it is a generator

    def _in_thread(self, function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *args)


async def _read_in_time(receive: Receive, send: Send, length: int) -> bytes | None:
    """Read a body; refuse one that does not arrive, and return None."""
    if not length:
        return b""
    try:
        return await asyncio.wait_for(_read(receive, length), BODY_SECONDS)
    except TimeoutError:
        await _refuse(send, HTTPStatus.REQUEST_TIMEOUT, f"The body took over {BODY_SECONDS:.0f} seconds.")
    except EOFError:
        await _refuse(send, HTTPStatus.BAD_REQUEST, "The body is shorter than its Content-Length.")
    return None


async def _read(receive: Receive, length: int) -> bytes:
    """Read a body whole, or raise EOFError."""
    body = bytearray()
    while len(body) < length:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body") and len(body) < length:
            raise EOFError
    return bytes(body)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: HTTPStatus, detail: str) -> None:
    """Answer what does not reach the app."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"connection", b"close"),
        (b"retry-after", b"1"),
    ]
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


def _pieces(body: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a WSGI body in pieces of ``PIECE`` bytes, the last one shorter, and close it however that ends.

    A body that is one large chunk is moved to disk, so that it takes no memory while it is sent.
    """
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
        yield from iter(lambda: file.read(PIECE), b"")


def _on_disk(chunks: Iterable[bytes]) -> IO[bytes]:
    """Return a temporary file with these bytes, which the caller closes."""
    with ExitStack() as stack:
        file = stack.enter_context(TemporaryFile())
        file.writelines(chunks)
        file.seek(0)
        stack.pop_all()
    return file
