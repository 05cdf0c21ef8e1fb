"""A process that draws pages, seen from the service."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import weakref
from contextlib import suppress
from dataclasses import dataclass, replace
from io import IOBase
from threading import Timer
from typing import Any

from qa.errors import NotFoundError, RenderingBusyError, RenderingError, RenderingTimeoutError
from qa.readers.sandbox import wire
from qa.types import Span

MEMORY = 2**30
"""The address space of a process, in bytes. It starts with 0.3 GB; an A0 scan takes as much again."""

_GRACE = 2.0
"""Seconds that the service waits beyond the process's own limit: starting one takes half a second."""

_EXIT_TIMEOUT = 1.0
"""Seconds that a process which has closed its socket may take to end."""

_MAX_TASKS = 500
"""Tasks after which a process is replaced: no page is to fail for memory that a library has leaked."""

_MAX_PICTURE_BYTES = 32 * 2**20
"""More than WebP takes for as many pixels as are drawn."""

_NO_LETTERS = Span(0, 0)
_CODE = (
    "import sys; sys.path[:] = {path!r}; "
    "from qa.readers.pdf.rendering.drawing_process import main; main({memory})"
)
_OUT_OF_TIME = frozenset({-signal.SIGALRM, -signal.SIGKILL})


@dataclass(frozen=True, slots=True)
class Task:
    """A page to draw, or letters to locate on it.

    Attributes:
        sha256: the file's checksum.
        page: the page's number, from 1.
        letters: the range of letters to locate; None to draw the page.
        is_picture: whether the file is a picture, not a PDF. Its letters are not known.
    """

    sha256: str
    page: int
    letters: Span | None = None
    is_picture: bool = False

    @property
    def cpu_seconds(self) -> float:
        """The limit of processor time: letters are located in milliseconds."""
        return 3.0 if self.letters is None else 1.0

    @property
    def wall_seconds(self) -> float:
        """The limit by the clock, which allows for a busy processor."""
        return 5.0 if self.letters is None else 2.0

    @property
    def on_any_letters(self) -> Task:
        """The same task for any letters: a page that is too slow for some is too slow for all."""
        return self if self.letters is None else replace(self, letters=_NO_LETTERS)


class Worker:
    """Does one task at a time. Its process starts when first needed, and again if it has died."""

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self._tasks = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._finalize: weakref.finalize[Any, Any] | None = None

    def run(self, task: Task, file: IOBase) -> tuple[dict[str, Any], bytes]:
        """Do a task, and return the answer and the picture (empty unless one was drawn).

        Args:
            task: the task.
            file: the PDF or picture. The process gets its open descriptor.

        Raises:
            NotFoundError: there is no such page.
            RenderingBusyError: no process can be started.
            RenderingTimeoutError: it took too long by the clock.
            RenderingError: the page cannot be drawn at all, or not within the limits.
        """
        try:
            process, connection = self._running()
        except OSError as error:  # no descriptor or memory is left to start one
            raise RenderingBusyError from error
        try:
            answer, picture = _exchange(process, connection, task, file)
        except (EOFError, OSError, ValueError):
            reason = self._reason(task)
            self.stop()
            raise reason from None
        if "missing" in answer:
            raise NotFoundError(answer["missing"])
        if "error" in answer:
            self.stop()  # after such a page it may be short of memory
            raise RenderingError(answer["error"])
        return answer, picture

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._finalize:
            self._finalize()
        self._process = self._connection = self._finalize = None

    def _running(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        self._tasks += 1
        if self._process and (self._process.poll() is not None or self._tasks > _MAX_TASKS):
            self.stop()
        if not self._process or not self._connection:
            self._process, self._connection = self._start()
            # Also runs when the interpreter ends, and when this worker is no longer referenced.
            self._finalize = weakref.finalize(self, _end, self._process, self._connection)
            self._tasks = 1
        return self._process, self._connection

    def _start(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        code = _CODE.format(path=sys.path, memory=self._memory)
        ours, theirs = socket.socketpair()
        try:
            process = subprocess.Popen(  # noqa: S603 -- nothing in it comes from a file
                [sys.executable, "-I", "-c", code],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        return process, ours

    def _reason(self, task: Task) -> RenderingError:
        """Return why a page cannot be drawn, from how the process ended."""
        assert self._process  # noqa: S101 -- it was started to draw the page
        try:
            code = self._process.wait(_EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            code = 0
        page = f"Page {task.page} cannot be drawn"
        if code == -signal.SIGPROF:
            return RenderingError(
                f"{page}: it takes more than {task.cpu_seconds:g} seconds of processor time."
            )
        if code in _OUT_OF_TIME:
            return RenderingTimeoutError(f"{page} now: it takes more than {task.wall_seconds:g} seconds.")
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        if code == -signal.SIGABRT:  # PDFium's way to end where it gets no memory
            how += f"; it may need more than {self._memory >> 20} MB of memory"
        library = "Pillow" if task.is_picture else "PDFium"
        return RenderingError(f"{page}: {library} crashed ({how}).")


def _exchange(
    process: subprocess.Popen[bytes], connection: socket.socket, task: Task, file: IOBase
) -> tuple[dict[str, Any], bytes]:
    request = {
        "page": task.page,
        "letters": task.letters,
        "is_picture": task.is_picture,
        "cpu_seconds": task.cpu_seconds,
        "wall_seconds": task.wall_seconds,
    }
    watch = Timer(task.wall_seconds + _GRACE, process.kill)
    watch.daemon = True
    watch.start()
    try:
        socket.send_fds(connection, [b"\0"], [file.fileno()])
        with connection.makefile("wb") as requests:
            requests.write(wire.frame(request))
        with connection.makefile("rb") as answers:
            answer = json.loads(wire.read_frame(answers, wire.MAX_ANSWER_BYTES))
            return answer, wire.read_frame(answers, _MAX_PICTURE_BYTES)
    finally:
        watch.cancel()


def _end(process: subprocess.Popen[bytes], connection: socket.socket) -> None:
    with suppress(OSError):
        connection.close()
    process.kill()
    process.wait()
