"""The reader as a build uses it: it reads files within limits, in a process that may die without harm."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from types import TracebackType
from typing import Self

from qa.errors import ReadError
from qa.readers import size_limits
from qa.readers.nested import most_inside
from qa.readers.sandbox import child, resource_limits, wire
from qa.readers.sandbox.resource_limits import Limits
from qa.types import ReadFailure, Reading

_CODE = (
    "import sys; sys.path[:] = {path!r}; from qa.readers.sandbox.child import main; "
    "main({memory}, {seconds}, {ocr!r}, {cache!r})"
)

_ONE_THREAD = {"OMP_THREAD_LIMIT": "1"}
"""Tesseract's threads wait for one another more than they work, and each counts as processor time."""

_GRACE = 10
"""Seconds that a process gets beyond its limits: to start, and to be ended by the system."""

_MAX_ANSWERS = size_limits.MAX_ROWS + size_limits.MAX_FAILURES + 1

_BLOCK = 1 << 16
_PIPE = 1 << 15
"""Bytes that can be written though nobody reads them yet: half of what a pipe holds."""

_MAX_QUEUED = 16
"""Files that are sent ahead while one is read: more gained nothing."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A file to read: its name, its bytes and those of its sidecar, or the ``error`` why it has no bytes."""

    name: str
    data: bytes = b""
    sidecar: bytes | None = None
    error: str | None = None

    @property
    def frames(self) -> list[bytes]:
        """The request to read it."""
        return [] if self.error else wire.request(self.name, self.data, self.sidecar)


class Reader:
    """Reads files one after another. Its process starts when first needed, and again if it has died."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: _Process | None = None
        self._sent = 0  # how many of the queued files the process has

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def read_all(self, files: Iterable[Contents]) -> Iterator[Iterator[Reading | ReadFailure]]:
        """Yield each file's documents as ``readers.read`` does, while the process reads small files ahead.

        Take those of one file before those of the next. They raise ReadError as there, and if reading the
        file exceeds the limits.
        """
        queue: deque[Contents] = deque()
        try:
            for file in files:
                queue.append(file)
                self._send_ahead(queue)
                while len(queue) > _MAX_QUEUED or sum(map(_size, queue)) > _PIPE:
                    yield from self._next(queue)
            while queue:
                yield from self._next(queue)
        finally:
            if self._sent:  # files whose documents nobody will take
                self._end()

    def _next(self, queue: deque[Contents]) -> Iterator[Iterator[Reading | ReadFailure]]:
        answered: list[wire.End] = []
        try:
            yield self._documents(queue, answered)
        finally:
            if (
                not answered or answered[0].worn
            ):  # it died, sends more of this file, or has little memory left
                self._end()
            queue.popleft()
            self._sent = max(0, self._sent - 1)

    def _documents(self, queue: deque[Contents], answered: list[wire.End]) -> Iterator[Reading | ReadFailure]:
        """Yield the documents of the first queued file, and append the last answer on it to ``answered``."""
        file = queue[0]
        if file.error:
            answered.append(wire.End(file.error, worn=False))
            raise ReadError(file.error)
        if self._process and not self._process.is_alive():  # since the last file
            self._end()
        reader = self._process = self._process or _Process(self._limits)
        rows = characters = 0
        most = len(file.data) + size_limits.MAX_CHARACTERS
        try:
            if not self._sent:
                reader.send(file.frames)
                self._sent = 1
            while not isinstance(answer := reader.read_answer(), wire.End):
                rows += 1
                if isinstance(answer, Reading):
                    characters += len(answer.text)
                    most = max(most, most_inside(len(file.data)) if answer.member else 0)
                _check_amount(rows, characters, most)
                yield answer
        except (OSError, EOFError, wire.BadAnswerError) as error:
            raise ReadError(reader.reason(error)) from None
        answered.append(answer)
        if answer.error is not None:
            raise ReadError(answer.error)

    def _send_ahead(self, queue: deque[Contents]) -> None:
        """Send as many queued files as a pipe takes though nobody reads them yet."""
        sizes = list(accumulate(map(_size, queue)))
        while self._process and self._sent < len(queue) and sizes[self._sent] <= _PIPE:
            try:
                self._process.send(queue[self._sent].frames)
            except OSError:  # it has died
                self._end()
            else:
                self._sent += 1

    def _end(self) -> None:
        reader, self._process, self._sent = self._process, None, 0
        if reader:
            reader.end()


def open_member(limits: Limits, name: str, data: bytes, member: str) -> bytes:
    """Return the bytes of a file inside a file, unpacked within limits by a process of its own.

    Args:
        limits: what it may take.
        name: the name of the file that holds it.
        data: its bytes.
        member: the path inside it.

    Raises:
        ReadError: there is no such member, or it cannot be unpacked within the limits.
    """
    process = _Process(limits)
    try:
        process.send(wire.request(name, data, None, member))
        return process.read_member(most_inside(len(data)))
    except (OSError, EOFError, wire.BadAnswerError) as error:
        raise ReadError(process.reason(error)) from None
    finally:
        process.end()


class _Process:
    """A reader's process. Whatever it does, waiting for it ends when its limits do."""

    def __init__(self, limits: Limits) -> None:
        mode, cache = limits.recognition.mode, limits.recognition.cache
        code = _CODE.format(
            path=sys.path,
            memory=limits.memory,
            seconds=limits.seconds,
            ocr=mode,
            cache=None if cache is None else str(cache),
        )
        self._seconds = limits.seconds
        self._popen = subprocess.Popen(  # noqa: S603 -- nothing in it comes from a file
            [sys.executable, "-I", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=os.environ | _ONE_THREAD,
        )
        assert self._popen.stdin  # noqa: S101 -- both are pipes
        assert self._popen.stdout  # noqa: S101
        self._input, self._output = self._popen.stdin.fileno(), self._popen.stdout.fileno()
        os.set_blocking(self._input, False)
        self._writable, self._readable = select.poll(), select.poll()
        self._writable.register(self._input, select.POLLOUT)
        self._readable.register(self._output, select.POLLIN)
        self._received = bytearray()

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._popen.poll() is None

    def send(self, parts: Sequence[bytes]) -> None:
        """Send a request, or raise OSError if it does not read it."""
        deadline = self._deadline()
        for part in parts:
            rest = memoryview(part)
            while rest:
                _wait(self._writable, deadline)
                rest = rest[os.write(self._input, rest) :]

    def read_answer(self) -> Reading | ReadFailure | wire.End:
        """Return its next answer.

        Raises:
            OSError: it does not answer in time.
            EOFError: it has ended.
            BadAnswerError: the answer is invalid.
        """
        return wire.read_answer(partial(self._read_frame, self._deadline()))

    def read_member(self, max_bytes: int) -> bytes:
        """Return the bytes of a member. Raises as ``wire.read_member`` and ``read_answer`` do."""
        return wire.read_member(partial(self._read_frame, self._deadline()), max_bytes)

    def reason(self, error: Exception) -> str:
        """Return why the file cannot be read on which it failed with ``error``."""
        if isinstance(error, wire.BadAnswerError):
            return "cannot be read: the reader crashed (its answer is invalid)"
        if isinstance(error, TimeoutError):
            self._popen.kill()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(_GRACE)
        code = self._popen.poll()
        if code == wire.OUT_OF_MEMORY:
            return child.OUT_OF_MEMORY_MESSAGE
        if code == -signal.SIGPROF:
            return f"takes more than {self._seconds} seconds to read, which is the limit (read_seconds)"
        if isinstance(error, TimeoutError) or code == -signal.SIGALRM:
            factor = resource_limits.WALL_TIME_FACTOR
            return f"is not read after {factor * self._seconds} seconds, which is {factor} times read_seconds"
        return f"cannot be read: the reader crashed ({_exit_reason(code)}); more read_memory may help"

    def end(self) -> None:
        """End it, if it still runs."""
        self._popen.kill()
        with self._popen:  # closes the pipes and waits
            pass

    def _deadline(self) -> float:
        return time.monotonic() + resource_limits.WALL_TIME_FACTOR * self._seconds + _GRACE

    def _read_frame(self, deadline: float, max_bytes: int) -> bytes:
        (length,) = wire.LENGTH.unpack(self._read(wire.LENGTH.size, deadline))
        if length > max_bytes:
            raise wire.BadAnswerError
        return self._read(length, deadline)

    def _read(self, count: int, deadline: float) -> bytes:
        while len(self._received) < count:
            _wait(self._readable, deadline)
            block = os.read(self._output, _BLOCK)
            if not block:
                raise EOFError
            self._received += block
        with memoryview(self._received) as received:
            data = bytes(received[:count])
        del self._received[:count]
        return data


def _size(file: Contents) -> int:
    return len(file.data) + len(file.sidecar or b"") + len(file.name)


def _check_amount(rows: int, characters: int, most: int) -> None:
    """Raise BadAnswerError if there are more rows, or characters, than the ``most`` that a file holds."""
    if rows > _MAX_ANSWERS or characters > most:
        raise wire.BadAnswerError


def _wait(pipe: select.poll, deadline: float) -> None:
    """Wait until a pipe can be used, or raise TimeoutError."""
    if not pipe.poll(max(0, deadline - time.monotonic()) * 1000):
        raise TimeoutError


def _exit_reason(code: int | None) -> str:
    if code is None:
        return "it closed its output"
    if code >= 0:
        return f"exit code {code}"
    names = {known.value: known.name for known in signal.Signals}
    return names.get(-code, f"signal {-code}")
