"""Files read within limits, in a process that may die of one without harm."""

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
from qa.readers.sandbox import child, wire
from qa.types import ReadFailure, Reading

_CODE = (
    "import sys; sys.path[:] = {path!r}; from qa.readers.sandbox.child import main; main({memory}, {seconds})"
)

_GRACE = 10
"""Seconds that a process has longer than its own limits allow: to start, and to be ended by the system."""

_MOST_ANSWERS = size_limits.MAX_ROWS + size_limits.MAX_FAILURES + 1

_BLOCK = 1 << 16
_PIPE = 1 << 15
"""Bytes that can surely be written though nobody reads them yet: half of what a pipe holds."""

_MOST_AHEAD = 16
"""How many files wait at most while one is read: more gain nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may take: ``seconds`` of the processor's time, and ``memory`` in bytes."""

    seconds: int
    memory: int


@dataclass(frozen=True, slots=True)
class Contents:
    """A file to read: its name and bytes and those of its sidecar, or the ``error`` why it has none."""

    name: str
    data: bytes = b""
    sidecar: bytes | None = None
    error: str | None = None

    @property
    def frames(self) -> list[bytes]:
        """What asks a process to read it."""
        return [] if self.error else wire.request(self.name, self.data, self.sidecar)


class Reader:
    """Reads files one after another. Its process is started when first needed, and anew if it has died."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: _Process | None = None
        self._sent = 0  # how many of the files that wait the process has

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def read_all(self, files: Iterable[Contents]) -> Iterator[Iterator[Reading | ReadFailure]]:
        """Yield what each file holds, as ``readers.read`` does, while the next small ones are read.

        Each is to be taken before the next. It raises ReadError as there, also where it takes more than the
        limits allow.
        """
        waiting: deque[Contents] = deque()
        try:
            for file in files:
                waiting.append(file)
                self._send_ahead(waiting)
                while len(waiting) > _MOST_AHEAD or sum(map(_size, waiting)) > _PIPE:
                    yield from self._next(waiting)
            while waiting:
                yield from self._next(waiting)
        finally:
            if self._sent:  # what nobody waits for any more
                self._end()

    def _next(self, waiting: deque[Contents]) -> Iterator[Iterator[Reading | ReadFailure]]:
        answered: list[wire.End] = []
        try:
            yield self._documents(waiting, answered)
        finally:
            if not answered or answered[0].worn:  # it died, or has more to say of it, or little room left
                self._end()
            waiting.popleft()
            self._sent = max(0, self._sent - 1)

    def _documents(
        self, waiting: deque[Contents], answered: list[wire.End]
    ) -> Iterator[Reading | ReadFailure]:
        """Yield what the first file that waits holds, and keep the last answer on it."""
        file = waiting[0]
        if file.error:
            answered.append(wire.End(file.error, worn=False))
            raise ReadError(file.error)
        if self._process and not self._process.is_alive():  # since the last file
            self._end()
        reader = self._process = self._process or _Process(self._limits)
        rows = characters = 0
        try:
            if not self._sent:
                reader.send(file.frames)
                self._sent = 1
            while not isinstance(answer := reader.answer(), wire.End):
                rows += 1
                characters += len(answer.text) if isinstance(answer, Reading) else 0
                _check_amount(rows, characters, len(file.data))
                yield answer
        except (OSError, EOFError, wire.BadAnswerError) as error:
            raise ReadError(reader.why(error)) from None
        answered.append(answer)
        if answer.error is not None:
            raise ReadError(answer.error)

    def _send_ahead(self, waiting: deque[Contents]) -> None:
        """Send what waits, as much as a pipe takes though nobody reads it yet."""
        sizes = list(accumulate(map(_size, waiting)))
        while self._process and self._sent < len(waiting) and sizes[self._sent] <= _PIPE:
            try:
                self._process.send(waiting[self._sent].frames)
            except OSError:  # it has died
                self._end()
            else:
                self._sent += 1

    def _end(self) -> None:
        reader, self._process, self._sent = self._process, None, 0
        if reader:
            reader.end()


class _Process:
    """A reader's process. Whatever it does, nobody waits for it longer than its limits allow."""

    def __init__(self, allowed: Limits) -> None:
        code = _CODE.format(path=sys.path, memory=allowed.memory, seconds=allowed.seconds)
        self._seconds = allowed.seconds
        self._popen = subprocess.Popen(  # noqa: S603 -- nothing in it comes from a file
            [sys.executable, "-I", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
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
        """Whether it can be asked."""
        return self._popen.poll() is None

    def send(self, parts: Sequence[bytes]) -> None:
        """Write, or raise OSError where it does not read."""
        until = self._until()
        for part in parts:
            rest = memoryview(part)
            while rest:
                _wait(self._writable, until)
                rest = rest[os.write(self._input, rest) :]

    def answer(self) -> Reading | ReadFailure | wire.End:
        """Return its next answer.

        Raises:
            OSError: it does not answer in time.
            EOFError: it has ended.
            BadAnswerError: the answer is none.
        """
        return wire.read_answer(partial(self._frame, self._until()))

    def why(self, error: Exception) -> str:
        """Return why a file cannot be read over which it has failed."""
        if isinstance(error, wire.BadAnswerError):
            return "cannot be read: the reader broke down over it (its answer makes no sense)"
        if isinstance(error, TimeoutError):
            self._popen.kill()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(_GRACE)
        code = self._popen.poll()
        if code == wire.OUT_OF_MEMORY:
            return child.OF_MEMORY
        if code == -signal.SIGPROF:
            return f"takes more than {self._seconds} seconds to read, which is the limit (read_seconds)"
        if isinstance(error, TimeoutError) or code == -signal.SIGALRM:
            return f"is not read after {child.IDLE * self._seconds} seconds, {child.IDLE} times read_seconds"
        return (
            f"cannot be read: the reader broke down over it ({_how(code)}), perhaps for want of read_memory"
        )

    def end(self) -> None:
        """End it, if it has not ended."""
        self._popen.kill()
        with self._popen:  # closes the pipes and waits
            pass

    def _until(self) -> float:
        return time.monotonic() + child.IDLE * self._seconds + _GRACE

    def _frame(self, until: float, most: int) -> bytes:
        (length,) = wire.LENGTH.unpack(self._take(wire.LENGTH.size, until))
        if length > most:
            raise wire.BadAnswerError
        return self._take(length, until)

    def _take(self, count: int, until: float) -> bytes:
        while len(self._received) < count:
            _wait(self._readable, until)
            block = os.read(self._output, _BLOCK)
            if not block:
                raise EOFError
            self._received += block
        with memoryview(self._received) as received:
            taken = bytes(received[:count])
        del self._received[:count]
        return taken


def _size(file: Contents) -> int:
    return len(file.data) + len(file.sidecar or b"") + len(file.name)


def _check_amount(rows: int, characters: int, size: int) -> None:
    """See that no more comes of a file than can be in it."""
    if rows > _MOST_ANSWERS or characters > size + size_limits.MAX_CHARACTERS:
        raise wire.BadAnswerError


def _wait(pipe: select.poll, until: float) -> None:
    """Wait until a pipe can be used, or raise TimeoutError."""
    if not pipe.poll(max(0, until - time.monotonic()) * 1000):
        raise TimeoutError


def _how(code: int | None) -> str:
    if code is None:
        return "it fell silent"
    if code >= 0:
        return f"exit code {code}"
    names = {one.value: one.name for one in signal.Signals}
    return names.get(-code, f"signal {-code}")
