"""A reader's process: files in, what they hold out, until nothing more comes.

It has so much memory and no more, and so many seconds for each document: the system ends it where it takes
longer, wherever it is then, so that not even a library that never comes back can hold a build.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from qa import readers
from qa.errors import ReadError
from qa.readers.sandbox import wire
from qa.types import ReadFailure, Reading

IDLE = 10
"""How many times as long it may last where the processor is not the cause."""

_SIZES = Path("/proc/self/statm")

OF_MEMORY = "takes more memory to read than a reader may have (read_memory)"


def main(memory: int, seconds: int) -> None:
    """Serve on standard input and output.

    Args:
        memory: the address space that it may have, in bytes.
        seconds: of the processor's time that one document may take.
    """
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):  # not every system knows it, or lets it be changed
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    with suppress(OSError):  # where the machine itself has no memory left, this process is to go first
        Path("/proc/self/oom_score_adj").write_text("1000")
    for signum in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked is interrupted too, and says what follows
    try:
        with suppress(EOFError, BrokenPipeError):
            while True:
                _answer(asked, answers, memory, seconds)
    except MemoryError:
        os._exit(wire.OUT_OF_MEMORY)


def _answer(asked: IO[bytes], answers: IO[bytes], memory: int, seconds: int) -> None:
    """Read one file, and send what it holds: each document by itself."""
    name, data, sidecar = wire.read_request(lambda: wire.read_frame(asked, sys.maxsize))
    error, worn = None, False
    try:
        for document in _within(readers.read(name, data, sidecar_data=sidecar), seconds):
            answers.write(wire.pack(document))
    except ReadError as failure:
        error = str(failure)
    except MemoryError:
        error, worn = OF_MEMORY, True
    answers.write(wire.frame({"error": error, "worn": worn or _is_swollen(memory)}))
    answers.flush()


def _within(documents: Iterator[Reading | ReadFailure], seconds: int) -> Iterator[Reading | ReadFailure]:
    """Yield each document, made within the limits; to send it may take as long as it likes."""
    while True:
        _allow(seconds)
        try:
            document = next(documents, None)
        finally:
            _allow(0)
        if document is None:
            return
        yield document


def _allow(seconds: int) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(IDLE * seconds)


def _is_swollen(memory: int) -> bool:
    """Whether the files so far have left less than half of the memory to the next."""
    try:
        pages = int(_SIZES.read_bytes().split()[0])
    except OSError:  # not every system tells
        return False
    return pages * resource.getpagesize() > memory // 2
