"""The sockets of this process, which the HTTP server does not expose.

The server has no setting to drop a client that does not read its answer, nor one to keep descriptors free
when silent connections use them up. The operating system does both.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNREAD_MS = 30_000
"""How long a connection stays open while its client reads nothing. Chosen: longer than a network hiccup."""

SILENT_MS = 500
"""How long a connection may be silent when there are too many. Chosen: a request arrives almost at once."""

_DESCRIPTORS = Path("/dev/fd")
_LAST_SENT_AND_RECEIVED = struct.Struct("=44xI4xI")
"""Milliseconds since data was last sent and received, within Linux's ``struct tcp_info``."""


def is_listening() -> bool:
    """Whether the process listens on a socket; if so, unread connections end after ``UNREAD_MS``."""
    listening = False
    for descriptor in _descriptors():
        with suppress(OSError), _borrowed(descriptor) as listener:
            if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                continue
            listening = True
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # accepted connections inherit it
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
    return listening


def drop_silent(limit: int) -> int:
    """Drop silent connections, the longest silent first, until at most ``limit`` descriptors are in use.

    This may cut off an answer that takes long to compute. Call it only if no connection could be accepted.

    Returns:
        The number of connections that were dropped.
    """
    descriptors = _descriptors()
    excess = len(descriptors) - limit
    if excess <= 0 or not hasattr(socket, "TCP_INFO"):
        return 0
    silent = sorted(
        (ms, descriptor) for descriptor in descriptors if (ms := _silent_ms(descriptor)) >= SILENT_MS
    )
    for _, descriptor in silent[-excess:]:
        with suppress(OSError), _borrowed(descriptor) as connection:
            connection.shutdown(socket.SHUT_RDWR)
    return min(excess, len(silent))


def _descriptors() -> list[int]:
    return [int(entry.name) for entry in _DESCRIPTORS.iterdir()]


@contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket]:
    """Use a descriptor as a socket, and leave it open; raise OSError if it is not a socket."""
    borrowed = socket.socket(fileno=descriptor)
    try:
        yield borrowed
    finally:
        borrowed.detach()


def _silent_ms(descriptor: int) -> int:
    """Return how long a connection has been silent in both directions; 0 for any other descriptor."""
    with suppress(OSError), _borrowed(descriptor) as connection:
        if not connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            tcp_info = connection.getsockopt(
                socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_SENT_AND_RECEIVED.size
            )
            last_sent, last_received = _LAST_SENT_AND_RECEIVED.unpack(tcp_info)
            return int(min(last_sent, last_received))
    return 0
