"""Files read within limits, in a process that may die of one without harm."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from qa import readers
from qa.contracts import ReadError, ReadFailure, Reading
from qa.readers import wire

_SMALL = 64 * 1024
"""Text up to so many bytes is read here: no reader of text takes more than some seconds for it."""

_CODE = "import sys; sys.path[:] = {path!r}; from qa.readers.process import main; main({memory}, {seconds})"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may take: ``seconds`` of the processor's time, and ``memory`` in bytes."""

    seconds: int
    memory: int


class Reader:
    """Reads files one after another. Its process is started when first needed, and anew if it has died."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def read(self, name: str, data: bytes, *, sidecar_data: bytes | None) -> Iterator[Reading | ReadFailure]:
        """Read a file as ``readers.read`` does.

        Raises:
            ReadError: while iterating, as there; also where it takes more than the limits allow.
        """
        if len(data) <= _SMALL and readers.is_text(Path(name)):
            return readers.read(name, data, sidecar_data=sidecar_data)
        return self._read(name, data, sidecar_data)

    def _read(self, name: str, data: bytes, sidecar: bytes | None) -> Iterator[Reading | ReadFailure]:
        whole = False
        try:
            yield from self._answers(name, data, sidecar)
            whole = True
        except (EOFError, BrokenPipeError):
            raise ReadError(self._why()) from None
        except ReadError:
            whole = True
            raise
        finally:
            if not whole:  # it has died, or still has something to say of this file
                self._end()

    def _answers(self, name: str, data: bytes, sidecar: bytes | None) -> Iterator[Reading | ReadFailure]:
        if self._process and self._process.poll() is not None:  # since the last file
            self._end()
        process = self._process = self._process or self._start()
        assert process.stdin  # noqa: S101 -- both are pipes
        assert process.stdout  # noqa: S101
        wire.send(process.stdin, {"name": name, "sidecar": sidecar is not None})
        wire.send(process.stdin, data)
        if sidecar is not None:
            wire.send(process.stdin, sidecar)
        process.stdin.flush()
        while "end" not in (answer := wire.receive(process.stdout)):
            if "error" in answer:
                raise ReadError(answer["error"])
            yield wire.unpack(answer)

    def _start(self) -> subprocess.Popen[bytes]:
        code = _CODE.format(path=sys.path, memory=self._limits.memory, seconds=self._limits.seconds)
        return subprocess.Popen(  # noqa: S603 -- nothing in it comes from a file
            [sys.executable, "-I", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _why(self) -> str:
        """Tell from how its process has ended why a file cannot be read."""
        assert self._process  # noqa: S101 -- it was started to read the file
        code = self._process.wait()
        if code in {-signal.SIGPROF, -signal.SIGALRM}:
            return (
                f"takes more than {self._limits.seconds} seconds to read, which is the limit (read_seconds)"
            )
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"cannot be read: the reader broke down over it ({how})"

    def _end(self) -> None:
        process, self._process = self._process, None
        if process:
            process.kill()
            process.communicate()
