"""Load limits: a bounded number of requests at once. Others wait or are refused; probes always pass."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

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

_MAX_SHEETS = 1
"""Sheets of questions that a process answers at once. Chosen: searches have all other threads."""

_BATCH_GATE = "qa.batches"
_WORK_GATE = "qa.work"
_SHEETS_GATE = "qa.sheets"
_GATE = "qa.gate"
_SHEET = "qa.sheet"
"""Keys of a request's environment: the gate that the request has passed, and that of its sheet."""

T = TypeVar("T")


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
            if len(self._queue) >= self._queue_size:
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
        self.leave()
        self.enter_again()

    def enter_again(self) -> None:
        """Enter after all who are waiting now, however many and long: who was let in once isn't refused."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
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
    app.extensions[_WORK_GATE] = work
    uploads = Gate(_MAX_UPLOADS, 0, 0)
    gates = dict.fromkeys(_DOWNLOADS, downloads) | dict.fromkeys(_UPLOADS, uploads)
    app.extensions[_BATCH_GATE] = Gate(settings.threads, 0, 0)
    app.extensions[_SHEETS_GATE] = Gate(_MAX_SHEETS, 0, 0)
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


def start_sheet() -> bool:
    """Count this request as a sheet of questions until its answer is sent. Return False if none may start."""
    sheets: Gate = current_app.extensions[_SHEETS_GATE]
    if not sheets.enter():
        return False
    request.environ[_SHEET] = sheets
    return True


def in_turns(items: Iterator[T]) -> Iterator[T]:
    """Return an iterator that makes each item in a turn of its own, so that other requests have theirs.

    Call this in a request, and iterate after it, while its answer is sent: a request has a turn already.
    """
    work: Gate = current_app.extensions[_WORK_GATE]

    def make() -> Iterator[T]:
        while True:
            work.enter_again()
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                work.leave()
            yield item

    return make()


def threads(settings: Settings) -> int:
    """Return how many threads a process needs: as many again open files, and some refuse requests."""
    uploads = _MAX_UPLOADS if settings.upload else 0
    return 2 * settings.threads + settings.queue_size + uploads + _MAX_SHEETS + _SPARE_THREADS


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
    """Leave once the answer is ready; a download leaves only when it is sent, and so does a sheet."""
    if request.endpoint not in _DOWNLOADS:
        _leave(request.environ, _GATE)


def _leave(environ: dict[str, Any], *keys: str) -> None:
    for key in keys:
        if gate := environ.pop(key, None):
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
            _leave(environ, _GATE, _SHEET)
            raise
        if _GATE in environ or _SHEET in environ:
            return ClosingIterator(body, lambda: _leave(environ, _GATE, _SHEET))
        return body

    return run
