"""A request body that the app reads while it arrives, so that it is never in memory as a whole."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from typing import Any

PAUSE_SECONDS = 20.0
"""How long a client may send nothing. Chosen: longer than a network hiccup."""

LINGER_SECONDS = 5.0
"""How long the rest of a refused body is received: a browser shows the answer only once it has sent all."""


class StreamedBody(io.RawIOBase):
    """The body as a file, for one thread at a time: it waits until the event loop has received a piece.

    A body that stops arriving raises an OSError, as a connection that breaks off does.
    """

    def __init__(self, receive: Callable[[], Awaitable[dict[str, Any]]], length: int, seconds: float) -> None:
        """Begin to read, in the event loop's thread.

        Args:
            receive: returns the next message of the request.
            length: the length of the body, in bytes.
            seconds: how long the whole body may take.
        """
        self._receive = receive
        self._left = length
        self._deadline = time.monotonic() + seconds
        self._loop = asyncio.get_running_loop()
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has arrived into a buffer, or wait for it; return the number of bytes, 0 at the end.

        Raises:
            OSError: the client has disconnected, or is too slow.
        """
        if not self._piece and self._left:
            self._piece = memoryview(self._next())
        size = min(len(buffer), len(self._piece))
        buffer[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size

    async def drain(self) -> None:
        """Receive and ignore the rest of the body for a moment. The event loop calls it."""
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while self._left:
                    await self._arrival()
        except OSError:
            pass

    def _next(self) -> bytes:
        try:
            return asyncio.run_coroutine_threadsafe(self._in_time(), self._loop).result()
        except CancelledError:
            raise ConnectionAbortedError("the service stops") from None

    async def _in_time(self) -> bytes:
        async with asyncio.timeout(min(PAUSE_SECONDS, max(0, self._deadline - time.monotonic()))):
            return await self._arrival()

    async def _arrival(self) -> bytes:
        """Return the next bytes of the body that are not none."""
        while self._left:
            message = await self._receive()
            if piece := message.get("body", b"")[: self._left]:
                self._left -= len(piece)
                return bytes(piece)
            if not message.get("more_body"):
                self._left = 0
                raise ConnectionResetError("the body is shorter than its Content-Length")
        return b""
