"""Light clients of `qa serve`: one thread, plain sockets, connections that are kept.

They share the machine with the service: while the clock runs they only find where an answer ends.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_LAST = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
_CHUNK = 1 << 18
_PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What came of asking: ``ms`` of each question; ``cpu_seconds`` are the clients' own."""

    seconds: float
    cpu_seconds: float
    ms: list[float]
    failed: int


def ask(url: str, clients: int, questions: Sequence[str]) -> Load:
    """Ask questions of the service at ``url``, each once, by so many clients at a time."""
    parts = urlsplit(url)
    address = (str(parts.hostname), int(parts.port or 80))
    left = [(question, _request(address, question)) for question in reversed(questions)]
    asking = [_Client(address, left) for _ in range(min(clients, len(questions)))]
    cpu, started = time.process_time(), time.perf_counter()
    _ask_all(asking)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    replies = [reply for client in asking for reply in client.replies]
    failed = sum(not _is_answer(question, reply) for question, reply, _ in replies)
    return Load(seconds, cpu_seconds, [ms for _, _, ms in replies], failed)


def _ask_all(asking: Sequence[_Client]) -> None:
    """Let every client ask the next question that is left as soon as it has the answer to the one before."""
    with selectors.DefaultSelector() as selector:
        for client in asking:
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.ask()
        while selector.get_map():
            ready = selector.select(_PATIENCE_SECONDS)
            if not ready:
                raise SystemExit(f"the service has not answered for {_PATIENCE_SECONDS} seconds")
            for key, _ in ready:
                client = key.data
                if not client.receive():
                    continue
                if client.lost or not client.left:
                    selector.unregister(client.socket)
                    client.socket.close()
                if client.left:
                    if client.lost:
                        client.connect()
                        selector.register(client.socket, selectors.EVENT_READ, client)
                    client.ask()


class _Client:
    """A connection, over which one question after the other is asked of those that are left for all."""

    def __init__(self, address: tuple[str, int], left: list[tuple[str, bytes]]) -> None:
        self.replies: list[tuple[str, bytes, float]] = []
        self.left = left
        self._address = address
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(self._address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lost = False

    def ask(self) -> None:
        """Send the next question."""
        self._question, request = self.left.pop()
        self._received, self._end = bytearray(), 0
        self._asked = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take what has come; tell whether the answer is whole, or the connection lost."""
        try:
            part = self.socket.recv(_CHUNK)
        except ConnectionError:
            part = b""
        self._received += part
        self.lost = not part
        if part and not self._whole():
            return False
        ms = (time.perf_counter() - self._asked) * 1000
        self.replies.append((self._question, bytes(self._received), ms))
        return True

    def _whole(self) -> bool:
        if not self._end:
            end = self._received.find(b"\r\n\r\n") + 4
            if end < 4:
                return False
            length = _LENGTH.search(self._received, 0, end)
            if not length:
                raise SystemExit("an answer does not say how long it is")
            self._end = end + int(length[1])
            self._last = bool(_LAST.search(self._received, 0, end))
        whole = len(self._received) >= self._end
        self.lost = whole and self._last
        return whole


def _request(address: tuple[str, int], question: str) -> bytes:
    query = urlencode({"q": question, "k": 10, "mode": "hybrid"})
    return f"GET /api/v1/search?{query} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n\r\n".encode()


def _is_answer(question: str, reply: bytes) -> bool:
    """Whether a reply is passages for the question."""
    head, _, body = reply.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        return False
    answer = json.loads(body)
    return bool(answer["query"] == question and answer["results"])
