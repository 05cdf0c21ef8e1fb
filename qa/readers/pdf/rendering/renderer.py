"""Pages of PDFs and pictures, drawn, and the places of a range of text on them, within limits.

A page may make PDFium draw for hours or take all memory. So a few processes draw pages, and may die of one.
A limited number of threads wait for them; further requests are refused at once. A drawing is not stopped
when its client disconnects, which a WSGI application does not notice: it ends within its limits, a few
seconds, and requests for the same page share it meanwhile. A page that exceeds the limits is remembered and
refused without another try.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from io import IOBase
from itertools import islice
from math import inf
from queue import Empty, LifoQueue
from typing import Any

from qa.errors import RenderingBusyError, RenderingError, RenderingTimeoutError
from qa.readers.pdf.page_lines import count_letters
from qa.readers.pdf.rendering.drawing_worker import Task, Worker
from qa.readers.pdf.rendering.sheet import Rectangle, Sheet, join_lines
from qa.text.recognised import words_in
from qa.types import RecognisedPage, Span

__all__ = ["Rectangle", "Renderer", "Sheet", "letters_on_page", "places_of_words"]

_MAX_PAGE_CHARACTERS = 200_000
"""Nothing is marked beyond so many characters of a page: a page that people read has less than a tenth."""

_MAX_PAGE_WORDS = 20_000
"""Recognised words of a page that are marked at most: a dense page of a newspaper has half as many."""

_WORKERS = 2
"""Drawing processes per process of the service: one page may be slow while others are drawn."""

_WORKER_TIMEOUT = 1.0
"""Seconds that a thread waits for a free drawing process."""

_MAX_REFUSED = 1000  # pages that are remembered: some hundred kilobytes
_REFUSED_SECONDS = 60
"""How long a page is refused that was too slow by the clock alone: the machine may have been busy."""

_Answer = tuple[dict[str, Any], bytes]


class Renderer:
    """Draws pages. Any number of threads may share it; at most ``max_waiting`` of them wait."""

    def __init__(self, max_waiting: int) -> None:
        self._slots = threading.Semaphore(max_waiting)
        self._workers: LifoQueue[Worker] = LifoQueue()
        for _ in range(min(_WORKERS, max_waiting)):
            self._workers.put(Worker())
        self._lock = threading.Lock()
        self._in_progress: dict[Task, Future[_Answer]] = {}
        self._refused: OrderedDict[Task, tuple[str, float]] = OrderedDict()

    def draw(
        self, sha256: str, page: int, open_file: Callable[[], IOBase], *, is_picture: bool = False
    ) -> bytes:
        """Draw a page of a PDF or a picture file, as WebP.

        Args:
            sha256: the file's checksum, which identifies the page.
            page: the page's number, from 1.
            open_file: opens the file; called only if there is room to draw.
            is_picture: whether the file is a picture, not a PDF.

        Raises:
            NotFoundError: there is no such page.
            RenderingBusyError: too many threads wait.
            RenderingError: the page cannot be drawn at all, or not within the limits.
        """
        _, picture = self._run(Task(sha256, page, is_picture=is_picture), open_file)
        return picture

    def locate(
        self,
        sha256: str,
        page: int,
        letters: Span,
        open_file: Callable[[], IOBase],
        *,
        is_picture: bool = False,
    ) -> Sheet:
        """Return a page's shape and the places of a range of its letters, none in a picture.

        For the rest, see ``draw``.
        """
        answer, _ = self._run(Task(sha256, page, letters, is_picture), open_file)
        return Sheet(answer["ratio"], tuple(Rectangle(*line) for line in answer["lines"]))

    def check(self, sha256: str, page: int, *, is_picture: bool = False) -> None:
        """Raise RenderingError if a page is known to exceed the limits."""
        self._check(Task(sha256, page, is_picture=is_picture))

    def _check(self, task: Task) -> None:
        with self._lock:
            message, until = self._refused.get(task.on_any_letters, ("", 0.0))
        if time.monotonic() < until:
            raise RenderingError(message)

    def _run(self, task: Task, open_file: Callable[[], IOBase]) -> _Answer:
        self._check(task)
        if not self._slots.acquire(blocking=False):
            raise RenderingBusyError
        try:
            with self._lock:
                answer, is_first = self._in_progress.get(task), False
                if answer is None:
                    answer, is_first = self._in_progress.setdefault(task, Future()), True
            if is_first:
                self._resolve(task, answer, open_file)
            return answer.result()
        finally:
            self._slots.release()

    def _resolve(self, task: Task, answer: Future[_Answer], open_file: Callable[[], IOBase]) -> None:
        """Do a task for all threads that wait for it."""
        try:
            answer.set_result(self._work(task, open_file))
        except BaseException as error:  # noqa: BLE001 -- it concerns all of them
            answer.set_exception(error)
        finally:
            with self._lock:
                del self._in_progress[task]

    def _work(self, task: Task, open_file: Callable[[], IOBase]) -> _Answer:
        try:
            worker = self._workers.get(timeout=_WORKER_TIMEOUT)
        except Empty:
            raise RenderingBusyError from None
        try:
            with open_file() as file:
                return worker.run(task, file)
        except RenderingBusyError:
            raise
        except RenderingTimeoutError as error:
            self._remember(task, str(error), time.monotonic() + _REFUSED_SECONDS)
            raise
        except RenderingError as error:
            self._remember(task, str(error), inf)
            raise
        finally:
            self._workers.put(worker)

    def _remember(self, task: Task, message: str, until: float) -> None:
        with self._lock:
            self._refused[task.on_any_letters] = message, until
            while len(self._refused) > _MAX_REFUSED:
                self._refused.popitem(last=False)


def letters_on_page(text: str, page_start: int, span: Span) -> Span:
    """Return a range of a document's text as a range of letters and digits, counted from those of a page.

    Args:
        text: the document's.
        page_start: the offset at which the page begins.
        span: the range, which may begin before the page or end after it.
    """
    start = max(span.start, page_start)
    if span.end <= page_start or start - page_start > _MAX_PAGE_CHARACTERS:
        return Span(0, 0)
    before = count_letters(text[page_start:start])
    return Span(before, before + count_letters(text[start : min(span.end, start + _MAX_PAGE_CHARACTERS)]))


def places_of_words(page: RecognisedPage, span: Span) -> tuple[Rectangle, ...]:
    """Return where the words of a range stand on a recognised page, line by line."""
    words = islice(words_in(page, span), _MAX_PAGE_WORDS)
    return tuple(join_lines(Rectangle(*word[2:]) for word in words))
