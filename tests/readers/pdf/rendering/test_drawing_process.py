"""The drawing process, spoken to through its socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qa.errors import ReadError, RenderingError
from qa.readers.pdf.rendering.drawing_process import _reason
from qa.readers.sandbox import wire
from readers.samples import make_pdf

CODE = "from qa.readers.pdf.rendering.drawing_process import main; main(2**30)"
DRAW = {"page": 1, "letters": None, "is_picture": False, "cpu_seconds": 5, "wall_seconds": 20}


@contextmanager
def _process() -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    ours, theirs = socket.socketpair()
    process = subprocess.Popen([sys.executable, "-c", CODE], stdin=theirs.fileno())
    theirs.close()
    try:
        yield process, ours
    finally:
        ours.close()
        process.kill()
        process.wait()


def _request(
    connection: socket.socket, path: Path, request: dict[str, object]
) -> tuple[dict[str, object], bytes]:
    with path.open("rb") as file:
        socket.send_fds(connection, [b"\0"], [file.fileno()])
    with connection.makefile("wb") as requests:
        requests.write(wire.frame(request))
    with connection.makefile("rb") as answers:
        return json.loads(wire.read_frame(answers, 2**20)), wire.read_frame(answers, 2**25)


def test_it_draws_locates_and_names_what_is_wrong_until_its_socket_closes(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(make_pdf([(72, 700, "One is here.")]))
    (tmp_path / "bad.pdf").write_bytes(b"no PDF")
    with _process() as (process, connection):
        answer, picture = _request(connection, path, DRAW)
        assert answer == {}
        assert picture[:4] == b"RIFF"
        answer, picture = _request(connection, path, DRAW | {"letters": [0, 3]})
        assert len(answer["lines"]) == 1
        assert picture == b""
        assert _request(connection, path, DRAW | {"page": 2}) == ({"missing": "There is no page 2."}, b"")
        answer, _ = _request(connection, tmp_path / "bad.pdf", DRAW)
        assert answer["error"].startswith("Page 1 cannot be drawn: the file is not a PDF")
        if sys.platform == "linux":
            assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(
                19, os.getpriority(os.PRIO_PROCESS, 0) + 10
            )
        connection.shutdown(socket.SHUT_RDWR)
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RenderingError("Too large."), "Too large."),
        (ReadError("is damaged"), "Page 3 cannot be drawn: the file is damaged."),
        (MemoryError(), "Page 3 cannot be drawn: it needs too much memory."),
        (IndexError("secret text"), "Page 3 cannot be drawn: IndexError."),
    ],
)
def test_a_reason_quotes_nothing_of_the_file(error: Exception, reason: str) -> None:
    assert _reason(error, 3) == reason
