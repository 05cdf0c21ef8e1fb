"""Pages of PDFs as pictures, and where on them a range of the text stands, within limits.

A page may make PDFium draw for hours, or take all memory. So pages are drawn by a few processes that may die
of one, and only so many threads of the service wait for them: whoever comes when that many wait is sent away
at once. A drawing is not stopped when its client goes, of which a WSGI application is not told; it ends
within its limits, a few seconds, and those who want the same page meanwhile share it. A page that does not
keep them is remembered, and refused without trying again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from io import IOBase
from math import inf
from queue import Empty, LifoQueue
from typing import Any

from qa.errors import RenderingBusyError, RenderingError, RenderingTimeoutError
from qa.readers.pdf.extraction import count_letters
from qa.readers.pdf.rendering.drawing_worker import Task, Worker
from qa.readers.pdf.rendering.sheet import Rectangle, Sheet
from qa.types import Span

__all__ = ["Rectangle", "Renderer", "Sheet", "letters_on_page"]

_FARTHEST = 200_000
"""Of a page with more characters nothing is marked: no page that a person reads has a tenth of that."""

_AT_ONCE = 2
"""How many processes draw for one of the service's."""

_PATIENCE = 1.0
"""How many seconds a thread waits until one of them is free."""

_MOST_REMEMBERED = 1000
_REMEMBERED_SECONDS = 60
"""How long a page is refused that was too slow by the clock alone: it may be the machine's fault."""

_Answer = tuple[dict[str, Any], bytes]


class Renderer:
    """Draws pages. Any number of threads may share it; ``most_waiting`` of them wait at the most."""

    def __init__(self, most_waiting: int) -> None:
        self._room = threading.Semaphore(most_waiting)
        self._workers: LifoQueue[Worker] = LifoQueue()
        for _ in range(min(_AT_ONCE, most_waiting)):
            self._workers.put(Worker())
        self._lock = threading.Lock()
        self._drawn: dict[Task, Future[_Answer]] = {}
        self._refused: OrderedDict[Task, tuple[str, float]] = OrderedDict()

    def draw(self, sha256: str, page: int, open_file: Callable[[], IOBase]) -> bytes:
        """Draw a page of a PDF, as WebP.

        Args:
            sha256: the file's checksum, by which the same page is known again.
            page: the page's number, from 1.
            open_file: opens the file; called only if there is room to draw.

        Raises:
            NotFoundError: there is no such page.
            RenderingBusyError: as many wait as may.
            RenderingError: the page cannot be drawn at all, or not within the limits.
        """
        _, picture = self._run(Task(sha256, page), open_file)
        return picture

    def locate(self, sha256: str, page: int, letters: Span, open_file: Callable[[], IOBase]) -> Sheet:
        """Return a page's shape and where a range of its letters stands; the same holds as for ``draw``."""
        answer, _ = self._run(Task(sha256, page, letters), open_file)
        return Sheet(answer["ratio"], tuple(Rectangle(*line) for line in answer["lines"]))

    def check(self, sha256: str, page: int) -> None:
        """Raise RenderingError where a page is known not to be drawn within the limits."""
        self._check(Task(sha256, page))

    def _check(self, task: Task) -> None:
        with self._lock:
            message, until = self._refused.get(task.on_any_letters, ("", 0.0))
        if time.monotonic() < until:
            raise RenderingError(message)

    def _run(self, task: Task, open_file: Callable[[], IOBase]) -> _Answer:
        self._check(task)
        if not self._room.acquire(blocking=False):
            raise RenderingBusyError
        try:
            with self._lock:
                drawn, is_first = self._drawn.get(task), False
                if drawn is None:
                    drawn, is_first = self._drawn.setdefault(task, Future()), True
            if is_first:
                self._resolve(task, drawn, open_file)
            return drawn.result()
        finally:
            self._room.release()

    def _resolve(self, task: Task, drawn: Future[_Answer], open_file: Callable[[], IOBase]) -> None:
        """Do a task for all that wait for it."""
        try:
            drawn.set_result(self._work(task, open_file))
        except BaseException as error:  # noqa: BLE001 -- whatever it is, it is theirs as well
            drawn.set_exception(error)
        finally:
            with self._lock:
                del self._drawn[task]

    def _work(self, task: Task, open_file: Callable[[], IOBase]) -> _Answer:
        try:
            worker = self._workers.get(timeout=_PATIENCE)
        except Empty:
            raise RenderingBusyError from None
        try:
            with open_file() as file:
                return worker.run(task, file)
        except RenderingBusyError:
            raise
        except RenderingTimeoutError as error:
            self._remember(task, str(error), time.monotonic() + _REMEMBERED_SECONDS)
            raise
        except RenderingError as error:
            self._remember(task, str(error), inf)
            raise
        finally:
            self._workers.put(worker)

    def _remember(self, task: Task, message: str, until: float) -> None:
        with self._lock:
            self._refused[task.on_any_letters] = message, until
            while len(self._refused) > _MOST_REMEMBERED:
                self._refused.popitem(last=False)


def letters_on_page(text: str, page_start: int, span: Span) -> Span:
    """Return a range of a document's text as letters and digits, counted from the first of a page.

    Args:
        text: the document's.
        page_start: where the page begins in it.
        span: the range, which may also begin before the page or end behind it.
    """
    start = max(span.start, page_start)
    if span.end <= page_start or start - page_start > _FARTHEST:
        return Span(0, 0)
    before = count_letters(text[page_start:start])
    return Span(before, before + count_letters(text[start : min(span.end, start + _FARTHEST)]))
