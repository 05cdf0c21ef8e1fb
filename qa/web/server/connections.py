"""The process's own sockets, which the HTTP server keeps to itself.

The server cannot be told to drop a client that takes nothing of its answer, nor to keep some descriptors for
others where silent connections would use up all of them. The system can.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNREAD_MS = 30_000
"""How long the system keeps a connection whose client takes nothing of its answer."""

SILENT_MS = 500
"""How long a connection may be silent where there are too many: a request arrives nearly in one piece."""

_DESCRIPTORS = Path("/dev/fd")
_LAST_SENT_AND_RECEIVED = struct.Struct("=44xI4xI")
"""Milliseconds since data was last sent and received, within Linux's ``struct tcp_info``."""


def is_listening() -> bool:
    """Whether the process listens anywhere; if so, connections that nobody reads end after ``UNREAD_MS``."""
    listening = False
    for descriptor in _descriptors():
        with suppress(OSError), _borrowed(descriptor) as listener:
            if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                continue
            listening = True
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # what is accepted from now on inherits it
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
    return listening


def drop_silent(limit: int) -> int:
    """Drop silent connections, the longest silent first, until at most ``limit`` descriptors are in use.

    It may cost an answer that takes long to work out: call it only where nobody else could be accepted.

    Returns:
        How many were dropped.
    """
    descriptors = _descriptors()
    excess = len(descriptors) - limit
    if excess <= 0 or not hasattr(socket, "TCP_INFO"):
        return 0
    silent = sorted((ms, one) for one in descriptors if (ms := _silent_ms(one)) >= SILENT_MS)
    for _, descriptor in silent[-excess:]:
        with suppress(OSError), _borrowed(descriptor) as connection:
            connection.shutdown(socket.SHUT_RDWR)
    return min(excess, len(silent))


def _descriptors() -> list[int]:
    return [int(entry.name) for entry in _DESCRIPTORS.iterdir()]


@contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket]:
    """Have a descriptor as a socket, and give it back open; OSError where it is none."""
    borrowed = socket.socket(fileno=descriptor)
    try:
        yield borrowed
    finally:
        borrowed.detach()


def _silent_ms(descriptor: int) -> int:
    """Return for how long a connection has been silent both ways; 0 where the descriptor is no connection."""
    with suppress(OSError), _borrowed(descriptor) as connection:
        if not connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_SENT_AND_RECEIVED.size)
            last_sent, last_received = _LAST_SENT_AND_RECEIVED.unpack(told)
            return int(min(last_sent, last_received))
    return 0
