"""A reader's process: files in, the documents that they hold out, until its input ends.

Its memory and its time per document are limited, and the system ends it at the limit wherever it is: not even
a library that never returns can hold up a build.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from qa import readers
from qa.errors import ReadError
from qa.readers.recognition_options import AUTO, RecognitionOptions, using
from qa.readers.sandbox import wire
from qa.readers.sandbox.resource_limits import WALL_TIME_FACTOR, restrict_process, set_time_limit
from qa.types import ReadFailure, Reading

OUT_OF_MEMORY_MESSAGE = "needs more memory than a reader may have (read_memory)"

_MEMORY_USE = Path("/proc/self/statm")


def main(memory: int, seconds: int, ocr: str = AUTO, cache: str | None = None) -> None:
    """Serve on standard input and output.

    Args:
        memory: the limit of its address space, in bytes.
        seconds: the limit of processor time per document.
        ocr: the mode of ``RecognitionOptions``.
        cache: its folder.
    """
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is not an answer
    restrict_process(memory)
    with suppress(OSError):  # if the machine itself runs out of memory, this process is to end first
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        options = RecognitionOptions(ocr, Path(cache) if cache else None)
        with using(options), suppress(EOFError, BrokenPipeError):
            while True:
                _answer(requests, answers, memory, seconds)
    except MemoryError:
        os._exit(wire.OUT_OF_MEMORY)


def _answer(requests: IO[bytes], answers: IO[bytes], memory: int, seconds: int) -> None:
    """Read one file, and send each of its documents, or the bytes of a member."""
    request = wire.read_request(lambda: wire.read_frame(requests, sys.maxsize))
    if request.member is None:
        _send_documents(request, answers, memory, seconds)
    else:
        _send_member(request, request.member, answers, seconds)
    answers.flush()


def _send_member(request: wire.Request, member: str, answers: IO[bytes], seconds: int) -> None:
    set_time_limit(seconds, WALL_TIME_FACTOR * seconds)
    try:
        data = readers.open_member(request.name, request.data, member)
    except ReadError as failure:
        answers.write(wire.frame({"error": str(failure)}))
        return
    finally:
        set_time_limit(0, 0)
    answers.write(wire.frame({"error": None}) + wire.LENGTH.pack(len(data)))
    answers.write(data)


def _send_documents(request: wire.Request, answers: IO[bytes], memory: int, seconds: int) -> None:
    error, worn = None, False
    name, data, sidecar, _ = request
    try:
        for document in _within_limits(readers.read(name, data, sidecar_data=sidecar), seconds):
            answers.write(wire.pack(document))
    except ReadError as failure:
        error = str(failure)
    except MemoryError:
        error, worn = OUT_OF_MEMORY_MESSAGE, True
    answers.write(wire.frame({"error": error, "worn": worn or _is_swollen(memory)}))


def _within_limits(
    documents: Iterator[Reading | ReadFailure], seconds: int
) -> Iterator[Reading | ReadFailure]:
    """Yield documents, each read within the time limit. Sending one is not limited."""
    while True:
        set_time_limit(seconds, WALL_TIME_FACTOR * seconds)
        try:
            document = next(documents, None)
        finally:
            set_time_limit(0, 0)
        if document is None:
            return
        yield document


def _is_swollen(memory: int) -> bool:
    """Whether the files so far leave less than half of the memory to the next."""
    try:
        pages = int(_MEMORY_USE.read_bytes().split()[0])
    except OSError:  # not Linux
        return False
    return pages * resource.getpagesize() > memory // 2
