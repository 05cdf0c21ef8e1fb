"""As much work at once as there is room for: the rest waits a little or is sent away; probes are answered."""

from __future__ import annotations

import threading
from collections import deque
from http import HTTPStatus

from flask import Flask, Response, g, request
from werkzeug.exceptions import LengthRequired, ServiceUnavailable

from qa.config import Settings
from qa.web.service import is_probe

_FILES = frozenset({"api.document_file", "api.document_text"})
"""What may take long to be sent: it has room of its own, so that downloads keep no question waiting."""


class Gate:
    """Lets so many in at once, and so many more wait for so long; whoever waits longest comes next."""

    def __init__(self, at_once: int, waiting: int, seconds: float) -> None:
        self._free = at_once
        self._places = waiting
        self._seconds = seconds
        self._queue: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Come in, after a while if need be; False where that is too long or too many wait."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if len(self._queue) == self._places:
                return False
            turn = threading.Event()
            self._queue.append(turn)
        if turn.wait(self._seconds):
            return True
        with self._lock:
            if not turn.is_set():
                self._queue.remove(turn)
            return turn.is_set()

    def leave(self) -> None:
        """Make room for whoever is next."""
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._free += 1


def init_app(app: Flask, settings: Settings) -> None:
    """Let ``threads`` requests of ``app`` be worked on, ``waiting`` wait, and ``threads`` files be sent."""
    work = Gate(settings.threads, settings.waiting, settings.patience)
    files = Gate(settings.threads, 0, 0)
    app.before_request(_refuse_without_length)
    app.before_request(lambda: _enter(files if request.endpoint in _FILES else work))
    app.after_request(_leave_with)
    app.teardown_request(lambda _: _leave())


def threads(settings: Settings) -> int:
    """Give how many threads that takes, two of them for probes and those who are sent away."""
    return 2 * settings.threads + settings.waiting + 2


def _refuse_without_length() -> None:
    """Read nothing of which nobody can tell when it will have arrived: it would keep its room until then."""
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired("Send the body whole, with its Content-Length.")


def _enter(gate: Gate) -> None:
    if is_probe():
        return
    if not gate.enter():
        raise ServiceUnavailable("Too much is asked at once. Ask again in a moment.", retry_after=1)
    g.gate = gate


def _leave_with(response: Response) -> Response:
    """Keep the room of a file until it is sent."""
    is_sent = request.endpoint in _FILES and request.method == "GET" and response.status_code == HTTPStatus.OK
    if is_sent and (gate := g.pop("gate", None)):
        response.call_on_close(gate.leave)
    return response


def _leave() -> None:
    if gate := g.pop("gate", None):
        gate.leave()
