"""The process that draws pages: a page of an open file in, its picture or the places of its letters out.

It has so much memory and no more, and so many seconds for each page: the system ends it where a page takes
longer, wherever PDFium is then. It holds nothing of the process that started it but its end of one socket,
and ends when that is closed. While it draws it does not look at the socket: if the service is killed then, it
goes on until the page is drawn or its seconds are over. (PR_SET_PDEATHSIG would end it at once, but also
whenever the thread that started it ends, while others of the service still need it.)
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
from contextlib import suppress
from dataclasses import asdict
from typing import Any, BinaryIO

from qa.errors import NotFoundError, ReadError, RenderingError
from qa.readers.pdf.rendering import sheet
from qa.readers.sandbox import wire
from qa.types import Span

_MEEKNESS = 10
"""Its niceness: a search, which takes milliseconds, comes before a picture."""


def main(memory: int) -> None:
    """Serve on the socket that is standard input, until the other side closes it.

    Args:
        memory: the address space that it may have, in bytes.
    """
    os.nice(_MEEKNESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with suppress(ValueError, OSError):  # not every system knows it, or lets it be changed
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for signum in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service is interrupted too, and closes the socket
    with socket.socket(fileno=os.dup(0)) as connection, suppress(EOFError, BrokenPipeError, ConnectionError):
        while True:
            _answer(connection)


def _answer(connection: socket.socket) -> None:
    """Take a file and what is wanted of it, and send that: a frame of JSON, then one of bytes."""
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
    if not descriptors:
        raise EOFError
    with os.fdopen(descriptors[0], "rb") as file, connection.makefile("rb") as requests:
        request = json.loads(wire.read_frame(requests, wire.MAX_ANSWER_BYTES))
        _allow(request["seconds"], request["longest"])
        answer, picture = _render(file, request)
        _allow(0, 0)
    with connection.makefile("wb") as answers:
        answers.write(wire.frame(answer) + wire.frame(picture))


def _render(file: BinaryIO, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        if request["letters"] is None:
            return {}, sheet.draw(file, request["page"])
        return asdict(sheet.locate(file, request["page"], Span(*request["letters"]))), b""
    except NotFoundError as error:
        return {"missing": str(error)}, b""
    except Exception as error:  # noqa: BLE001 -- PDFium and Pillow raise anything on damaged or hostile bytes
        return {"error": _reason(error, request["page"])}, b""


def _reason(error: Exception, page: int) -> str:
    if isinstance(error, RenderingError):
        return str(error)
    why = type(error).__name__
    if isinstance(error, ReadError):
        why = f"the file {error}"
    elif isinstance(error, MemoryError):
        why = "it takes too much memory"
    return f"Page {page} cannot be drawn: {why}."


def _allow(seconds: float, longest: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, longest)
