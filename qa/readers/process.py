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
from typing import IO, Any

from qa import readers
from qa.contracts import ReadError
from qa.readers import wire

_IDLE = 10
"""How many times as long it may last where the processor is not the cause."""


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
    for signum in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked is interrupted too, and says what follows
    with suppress(EOFError, BrokenPipeError):
        while True:
            _answer(asked, answers, seconds)


def _answer(asked: IO[bytes], answers: IO[bytes], seconds: int) -> None:
    """Read one file, and send what it holds: each document by itself."""
    request = wire.receive(asked)
    data = wire.receive_bytes(asked)
    sidecar = wire.receive_bytes(asked) if request["sidecar"] else None
    last: dict[str, Any] = {"end": True}
    found = readers.read(request["name"], data, sidecar_data=sidecar)
    try:
        for packed in _packed(found, seconds):
            wire.send(answers, packed)
    except ReadError as error:
        last = {"error": str(error)}
    wire.send(answers, last)
    answers.flush()


def _packed(found: Iterator[Any], seconds: int) -> Iterator[dict[str, Any]]:
    """Give each document, made within the limits; to send it may take as long as it likes."""
    while True:
        _allow(seconds)
        try:
            one = next(found, None)
        finally:
            _allow(0)
        if one is None:
            return
        yield wire.pack(one)


def _allow(seconds: int) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(_IDLE * seconds)
