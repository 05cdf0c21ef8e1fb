"""The process that draws pages: a page of an open file in, its picture or the places of its letters out.

Its memory and its time per page are limited, and the system ends it at the limit wherever PDFium is. It
shares nothing with the process that started it but one socket, and ends when that is closed. It does not
watch the socket while it draws: if the service is killed then, it continues until the page is drawn or its
time is over. (PR_SET_PDEATHSIG would end it at once, but also when the thread that started it ends, while
other threads still need it.)
"""

from __future__ import annotations

import json
import os
import resource
import socket
from contextlib import suppress
from dataclasses import asdict
from typing import Any, BinaryIO

from qa.errors import NotFoundError, ReadError, RenderingError
from qa.readers.pdf.rendering import picture, sheet
from qa.readers.sandbox import wire
from qa.readers.sandbox.resource_limits import restrict_process, set_time_limit
from qa.types import Span

_NICENESS = 10
"""A search, which takes milliseconds, takes precedence over a picture."""


def main(memory: int) -> None:
    """Serve on the socket that is its standard input, until the other side closes it.

    Args:
        memory: the limit of its address space, in bytes.
    """
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    restrict_process(memory)
    with socket.socket(fileno=os.dup(0)) as connection, suppress(EOFError, BrokenPipeError, ConnectionError):
        while True:
            _answer(connection)


def _answer(connection: socket.socket) -> None:
    """Receive a file and a request, and send a frame of JSON, then one of bytes."""
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
    if not descriptors:
        raise EOFError
    with os.fdopen(descriptors[0], "rb") as file, connection.makefile("rb") as requests:
        request = json.loads(wire.read_frame(requests, wire.MAX_ANSWER_BYTES))
        set_time_limit(request["cpu_seconds"], request["wall_seconds"])
        answer, picture = _render(file, request)
        set_time_limit(0, 0)
    with connection.makefile("wb") as answers:
        answers.write(wire.frame(answer) + wire.frame(picture))


def _render(file: BinaryIO, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        page, letters = request["page"], request["letters"]
        if letters is None:
            return {}, (picture if request["is_picture"] else sheet).draw(file, page)
        if request["is_picture"]:
            return asdict(picture.locate(file, page)), b""
        return asdict(sheet.locate(file, page, Span(*letters))), b""
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
        why = "it needs too much memory"
    return f"Page {page} cannot be drawn: {why}."
