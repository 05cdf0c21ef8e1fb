"""gunicorn's threaded worker, but that nobody who is slow is waited for.

A request takes a thread only once it has arrived whole: otherwise a few clients that send letter by letter
would hold every thread. Linux alone tells how much has arrived without it being read. And a connection that
is over lingers in the poller until the other side has closed it, too: gunicorn waits for that for two seconds
in the one thread that gives work to all others. While one client alone asks, its thread stays with it.
"""

from __future__ import annotations

import fcntl
import re
import select
import selectors
import socket
import struct
import termios
import time
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers import gthread

from qa.web.api import MAX_BODY

_HEADERS = 1 << 16
"""More headers than any request may have, in bytes."""

_SLOWEST = 30.0
"""How many seconds a request may take to arrive."""

_LONGEST = 300.0
"""How many seconds one may take in all, which to a slow client is the sending of the answer."""

_FOLLOWS = 2.0
"""How many milliseconds a thread waits for the next request on a connection."""

_LINGERS = 2.0
"""How many seconds the other side has to close a connection that is over."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)


class PatientWorker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Lets connections wait in the poller, which costs nothing, until there is something to do for them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._under_way: dict[Any, float] = {}
        self._lingering: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """Handle a request that is there, and those that follow it at once."""
        kept = self._handle_one(conn)
        while kept is True and self._follows(conn):
            kept = self._handle_one(conn)
        return kept

    def _follows(self, conn: Any) -> bool:
        """Wait a moment for the next request, where nobody else asks.

        To hand a connection to the poller and to take it back are two changes of threads.
        """
        if not self.alive or self._under_way:
            return False
        return self._is_kept_ahead(conn) or _poll(conn.sock, select.POLLIN, _FOLLOWS)

    def _handle_one(self, conn: Any) -> Any:
        """Handle a request that is there, or leave the connection to the poller."""
        began = getattr(conn, "began", None) or time.monotonic()
        if not self._is_kept_ahead(conn) and not _has_arrived(conn.sock):
            conn.began = began
            return gthread._DEFER if self.alive and time.monotonic() - began < _SLOWEST else False  # noqa: SLF001
        conn.began, conn.data_ready = None, True
        self._under_way[conn] = time.monotonic() + _LONGEST
        try:
            return super().handle(conn)
        finally:
            self._under_way.pop(conn, None)

    def notify(self) -> None:
        """Tell the master that this process lives, and part with clients who take too long."""
        super().notify()
        now = time.monotonic()
        for conn, ends in list(self._under_way.items()):
            if ends < now:
                _part(conn.sock)
        for conn, ends in list(self._lingering.items()):
            if ends < now:
                self._close(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Give a connection back to the poller, in the main thread, also where it is over."""
        if fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)
        else:
            self._linger(conn)

    def _linger(self, conn: Any) -> None:
        """Send no more, and close once the other side has: what it still sends could undo our answer.

        RFC 9112, section 9.6.
        """
        self._lingering[conn] = time.monotonic() + _LINGERS
        try:
            conn.sock.settimeout(0)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))
        except OSError:
            self._close(conn)

    def _drain(self, conn: Any, client: socket.socket) -> None:
        """Drop what is still sent."""
        try:
            over = not client.recv(_HEADERS)
        except BlockingIOError:
            over = False
        except OSError:
            over = True
        if over:
            self._close(conn)

    def _close(self, conn: Any) -> None:
        del self._lingering[conn]
        with suppress(KeyError, ValueError):  # it never came to be registered
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    @staticmethod
    def _is_kept_ahead(conn: Any) -> bool:
        """Tell whether the parser has read ahead into this request already."""
        return conn.parser is not None and bool(conn.parser.unreader.buf.getvalue())


def _part(client: socket.socket) -> None:
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def _has_arrived(client: socket.socket) -> bool:
    """Tell whether a whole request can be read, or all that will come; if not, wake up for more only."""
    try:
        top = client.recv(_HEADERS, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True  # whoever reads it is told
    length = _whole(top)
    if length is None:
        # More may have come since: whether that is the rest, only another look can tell.
        arrived, awaited = _has_ended(client), len(top) + 1
    else:
        arrived, awaited = length <= _readable(client) or _has_ended(client), length
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if arrived else awaited)
    return arrived


def _whole(top: bytes) -> int | None:
    """Give how many bytes a request has, by its top; none if it is refused, None where its headers go on."""
    end = top.find(b"\r\n\r\n")
    if end < 0:
        return None if 0 < len(top) < _HEADERS else 0
    length = _LENGTH.search(top, 0, end + 2)
    body = int(length[1]) if length else 0
    return end + 4 + body if body <= MAX_BODY else 0


def _readable(client: socket.socket) -> int:
    found: int = struct.unpack("i", fcntl.ioctl(client, termios.FIONREAD, b"\0" * 4))[0]
    return found


def _has_ended(client: socket.socket) -> bool:
    """Tell whether the other side will send no more."""
    return _poll(client, select.POLLRDHUP, 0)


def _poll(client: socket.socket, event: int, milliseconds: float) -> bool:
    poll = select.poll()
    poll.register(client, event)
    return bool(poll.poll(milliseconds))
