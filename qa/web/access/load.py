"""Load limits: a bounded number of requests at once. Others wait or are refused; probes always pass."""

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
from qa.web.server.gateway import BUSY, WSGIApp
from qa.web.service import is_probe

_DOWNLOADS = frozenset({"api.document_file", "api.document_text"})
"""Endpoints whose answers may take long to send. They have a gate of their own and delay no search."""

_UPLOADS = frozenset({"adding.add_files", "uploads.upload_document"})
"""Endpoints whose requests may take long to arrive. They have a gate of their own, too."""

_METRICS = "probes.prometheus"
"""Needed most when the service is busy, so it passes the gate. Unlike a probe, it needs a key."""

_MAX_DOWNLOADS = 64
"""Downloads that a process sends at once. Chosen: each takes a descriptor, and a text also takes disk."""

_MAX_UPLOADS = 4
"""Uploads that a process receives at once. Chosen: each may hold a thread while its client sends."""

_SPARE_THREADS = 2
"""Threads for probes and for requests that are refused."""

_BATCH_GATE = "qa.batches"
_GATE = "qa.gate"
"""Key of a request's environment: the gate that the request has passed."""


class Gate:
    """Lets a bounded number of requests in at once; a bounded number wait, first come, first served."""

    def __init__(self, capacity: int, queue_size: int, timeout: float) -> None:
        """Open the gate.

        Args:
            capacity: how many may be inside at once.
            queue_size: how many may wait.
            timeout: how long each may wait, in seconds.
        """
        self._free = capacity
        self._queue_size = queue_size
        self._timeout = timeout
        self._queue: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Enter, perhaps after a wait. Return False if the queue is full or the wait too long."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if len(self._queue) == self._queue_size:
                return False
            turn = threading.Event()
            self._queue.append(turn)
        if turn.wait(self._timeout):
            return True
        with self._lock:
            if not turn.is_set():
                self._queue.remove(turn)
            return turn.is_set()

    def yield_turn(self) -> None:
        """Let the first in the queue enter, and enter again after all who are waiting now."""
        with self._lock:
            if not self._queue:
                return
            self._queue.popleft().set()
            turn = threading.Event()
            self._queue.append(turn)
        turn.wait()  # without a timeout: everyone inside leaves in the end

    def leave(self) -> None:
        """Leave, and let the first in the queue enter."""
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._free += 1


def init_app(app: Flask, settings: Settings) -> None:
    """Let ``app`` work on ``threads`` requests, queue ``queue_size`` more, and move files beside them."""
    work = Gate(settings.threads, settings.queue_size, settings.queue_timeout)
    downloads = Gate(_MAX_DOWNLOADS, 0, 0)
    uploads = Gate(_MAX_UPLOADS, 0, 0)
    gates = dict.fromkeys(_DOWNLOADS, downloads) | dict.fromkeys(_UPLOADS, uploads)
    app.extensions[_BATCH_GATE] = Gate(settings.threads, 0, 0)
    app.before_request(_require_length)
    app.before_request(lambda: _enter(gates.get(request.endpoint or "", work)))
    app.teardown_request(lambda _: _leave_early())
    app.wsgi_app = _leaving_at_the_end(app.wsgi_app)  # type: ignore[assignment,method-assign]


def yield_turn() -> None:
    """Let waiting requests have a turn in the middle of a long one."""
    if gate := request.environ.get(_GATE):
        gate.yield_turn()


@contextmanager
def batch() -> Iterator[None]:
    """Count as one of the batches in progress, which must not fill the queue for everyone.

    Raises:
        ServiceUnavailable: as many batches as threads are already in progress.
    """
    batches: Gate = current_app.extensions[_BATCH_GATE]
    if not batches.enter():
        raise ServiceUnavailable("Too many batches are in progress. Try again in a moment.", retry_after=1)
    try:
        yield
    finally:
        batches.leave()


def threads(settings: Settings) -> int:
    """Return how many threads a process needs: as many again open files, and some refuse requests."""
    uploads = _MAX_UPLOADS if settings.upload else 0
    return 2 * settings.threads + settings.queue_size + uploads + _SPARE_THREADS


def _require_length() -> None:
    """Refuse a body of unknown length: its request would hold a thread until it has arrived."""
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired("Send the body in one piece, with a Content-Length.")


def _enter(gate: Gate) -> None:
    if is_probe() or request.endpoint == _METRICS:
        return
    if not gate.enter():
        raise ServiceUnavailable(BUSY, retry_after=1)
    request.environ[_GATE] = gate


def _leave_early() -> None:
    """Leave once the answer is ready; a download leaves only when it is sent."""
    if request.endpoint not in _DOWNLOADS:
        _leave(request.environ)


def _leave(environ: dict[str, Any]) -> None:
    if gate := environ.pop(_GATE, None):
        gate.leave()


def _leaving_at_the_end(app: WSGIApp) -> WSGIApp:
    """Wrap a WSGI app so that a request leaves the gate however its answer ends.

    A server must close what a WSGI app returns (PEP 3333): after the last byte, after an error, when the
    client disconnects, and when nothing is sent at all. Flask does not run ``call_on_close`` for files.
    """

    def run(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            body = app(environ, start_response)
        except BaseException:
            _leave(environ)
            raise
        return ClosingIterator(body, lambda: _leave(environ)) if _GATE in environ else body

    return run
