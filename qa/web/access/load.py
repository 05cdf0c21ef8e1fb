"""As much work at once as there is room for: the rest waits a little or is sent away; probes are answered."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app, request
from werkzeug.exceptions import LengthRequired, ServiceUnavailable
from werkzeug.wsgi import ClosingIterator

from qa.config import Settings
from qa.web.server.gateway import WSGIApp
from qa.web.service import is_probe

_FILES = frozenset({"api.document_file", "api.document_text"})
"""What may take long to be sent: it has room of its own, so that downloads keep no question waiting."""

_METRICS = "probes.prometheus"
"""What is wanted most when the service is busy. It is no probe: it takes a key, and counts for rates."""

_FILES_AT_ONCE = 64
"""How many of these a process sends at once. Each takes a descriptor, and a text also takes disk."""

_BATCHES = "qa.batches"
_ENTERED = "qa.entered"
"""Where a request's environment keeps the gate that it came through."""


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

    def give_way(self) -> None:
        """Let whoever waits longest go first, and come in again after those who wait now."""
        with self._lock:
            if not self._queue:
                return
            self._queue.popleft().set()
            turn = threading.Event()
            self._queue.append(turn)
        turn.wait()  # those who are in leave in the end

    def leave(self) -> None:
        """Make room for whoever is next."""
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._free += 1


def init_app(app: Flask, settings: Settings) -> None:
    """Let ``app`` work on ``threads`` requests, keep ``queue_size`` more, and send some files beside them."""
    work = Gate(settings.threads, settings.queue_size, settings.queue_timeout)
    files = Gate(_FILES_AT_ONCE, 0, 0)
    app.extensions[_BATCHES] = Gate(settings.threads, 0, 0)
    app.before_request(_refuse_without_length)
    app.before_request(lambda: _enter(files if request.endpoint in _FILES else work))
    app.teardown_request(lambda _: _leave_early())
    app.wsgi_app = _leaving_at_the_end(app.wsgi_app)  # type: ignore[assignment,method-assign]


def give_way() -> None:
    """Let others have a turn in the midst of a long request."""
    if gate := request.environ.get(_ENTERED):
        gate.give_way()


@contextmanager
def many_questions() -> Iterator[None]:
    """Be one of the requests of many questions that are worked on: they must not fill the queue for all.

    Raises:
        ServiceUnavailable: there are as many already as there are threads.
    """
    batches: Gate = current_app.extensions[_BATCHES]
    if not batches.enter():
        raise ServiceUnavailable("Too many batches are being answered. Try again in a moment.", retry_after=1)
    try:
        yield
    finally:
        batches.leave()


def threads(settings: Settings) -> int:
    """Return how many threads that takes.

    As many again open files, and two are for probes and for those who are sent away.
    """
    return 2 * settings.threads + settings.queue_size + 2


def _refuse_without_length() -> None:
    """Read nothing of which nobody can tell when it will have arrived: it would keep its room until then."""
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired("Send the body whole, with its Content-Length.")


def _enter(gate: Gate) -> None:
    if is_probe() or request.endpoint == _METRICS:
        return
    if not gate.enter():
        raise ServiceUnavailable("The server is busy. Try again in a moment.", retry_after=1)
    request.environ[_ENTERED] = gate


def _leave_early() -> None:
    """Leave once the request is worked on; a file's room is kept until it is sent."""
    if request.endpoint not in _FILES:
        _leave(request.environ)


def _leave(environ: dict[str, Any]) -> None:
    if gate := environ.pop(_ENTERED, None):
        gate.leave()


def _leaving_at_the_end(app: WSGIApp) -> WSGIApp:
    """Leave the room however the answer ends.

    A server must close what a WSGI app returns (PEP 3333): after the last byte, after an error, when the
    client has gone, and where nothing is sent at all. Flask's own ``call_on_close`` is not called for a file.
    """

    def run(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            body = app(environ, start_response)
        except BaseException:
            _leave(environ)
            raise
        return ClosingIterator(body, lambda: _leave(environ)) if _ENTERED in environ else body

    return run
