from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from qa.errors import GoneError, NotFoundError, QAError, RenderingBusyError, RenderingError
from qa.readers.pdf.rendering.drawing_worker import Task, Worker
from qa.readers.pdf.rendering.renderer import Renderer
from qa.types import Span
from readers.pdf.rendering.pdf_samples import bomb_pdf, picture_pdf, slow_pdf
from readers.samples import make_pdf

LINUX = pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")


@pytest.fixture
def pdf(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.pdf"
        path.write_bytes(data)
        return path

    return write


def outcome(work: Callable[[], object]) -> object:
    try:
        return work()
    except QAError as error:
        return type(error)


def process_of(worker: Worker) -> subprocess.Popen[bytes]:
    assert worker._process
    return worker._process


def test_a_page_is_drawn_and_its_letters_are_found(pdf) -> None:
    path = pdf(make_pdf([(72, 700, "One is here.")], [(72, 700, "Two is here.", 40)]))
    renderer = Renderer(2)
    image = Image.open(BytesIO(renderer.draw("a", 2, lambda: path.open("rb"))))
    assert image.convert("L").getextrema()[0] < 100
    sheet = renderer.locate("a", 2, Span(0, 3), lambda: path.open("rb"))
    assert sheet.ratio == pytest.approx(image.height / image.width, abs=0.01)
    assert len(sheet.lines) == 1
    with pytest.raises(NotFoundError):
        renderer.draw("a", 3, lambda: path.open("rb"))


def test_a_page_that_takes_too_long_ends_soon_for_all_that_want_it_and_keeps_nobody_else(pdf) -> None:
    slow, quick = pdf(slow_pdf()), pdf(make_pdf([(72, 700, "Text.")]))
    renderer = Renderer(3)
    opened: list[Path] = []

    def open_slow():
        opened.append(slow)
        return slow.open("rb")

    ends: list[object] = []
    started = time.monotonic()
    waiting = [
        threading.Thread(target=lambda: ends.append(outcome(lambda: renderer.draw("slow", 1, open_slow))))
        for _ in range(2)
    ]
    for thread in waiting:
        thread.start()
    while renderer._slots._value > 1:  # type: ignore[attr-defined]
        time.sleep(0.01)
    assert renderer.draw("quick", 1, lambda: quick.open("rb"))
    renderer._slots.acquire()
    assert outcome(lambda: renderer.draw("quick", 1, lambda: quick.open("rb"))) is RenderingBusyError
    renderer._slots.release()
    for thread in waiting:
        thread.join()
    assert time.monotonic() - started < 15
    assert [issubclass(end, RenderingError) for end in ends] == [True, True]
    assert opened == [slow]  # the two shared one drawing
    again = time.monotonic()
    assert issubclass(outcome(lambda: renderer.draw("slow", 1, open_slow)), RenderingError)
    assert time.monotonic() - again < 0.1
    with pytest.raises(RenderingError):
        renderer.check("slow", 1)
    renderer.check("quick", 1)
    assert renderer.draw("quick", 1, lambda: quick.open("rb"))


def test_a_page_that_takes_too_much_memory_is_refused_and_the_next_is_drawn(pdf) -> None:
    worker = Worker(memory=400 * 2**20)
    hostile = pdf(bomb_pdf(300 * 2**20))
    with hostile.open("rb") as file, pytest.raises(RenderingError, match="memory"):
        worker.run(Task("a", 1), file)
    with pdf(make_pdf([(72, 700, "Text.")])).open("rb") as file:
        _, picture = worker.run(Task("b", 1), file)
    assert picture[8:12] == b"WEBP"
    worker.stop()


@pytest.mark.parametrize(
    "data", [b"", b"no PDF", b"%PDF-1.7\n", picture_pdf(50_000, 50_000), slow_pdf(fills=1)[:-200]]
)
def test_a_file_that_cannot_be_drawn_is_an_error_of_its_own(pdf, data: bytes) -> None:
    path = pdf(data)
    end = outcome(lambda: Renderer(1).draw("a", 1, lambda: path.open("rb")))
    assert isinstance(end, bytes) or end is RenderingError


def test_a_file_that_is_gone_takes_no_place(pdf) -> None:
    path, renderer = pdf(make_pdf([(72, 700, "Text.")])), Renderer(1)

    def gone():
        raise GoneError

    for _ in range(5):
        assert outcome(lambda: renderer.draw("a", 1, gone)) is GoneError
    assert renderer.draw("a", 1, lambda: path.open("rb"))


def test_a_process_that_was_killed_is_begun_anew(pdf) -> None:
    worker = Worker()
    path = pdf(make_pdf([(72, 700, "Text.")]))
    for _ in range(2):
        with path.open("rb") as file:
            assert worker.run(Task("a", 1), file)[1]
        process_of(worker).kill()
        process_of(worker).wait()
    worker.stop()


@LINUX
def test_a_process_has_no_descriptor_of_the_service(pdf) -> None:
    worker = Worker()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.set_inheritable(True)
        with pdf(make_pdf([(72, 700, "Text.")])).open("rb") as file:
            worker.run(Task("a", 1), file)
            folder = Path(f"/proc/{process_of(worker).pid}/fd")
            held = [str(one.readlink()) for one in folder.iterdir()]
    sockets = {one for one in held if one.startswith("socket:")}
    assert len(sockets) == 1
    assert not any(one.endswith(".pdf") for one in held)
    worker.stop()


@LINUX
@pytest.mark.parametrize("end", ["sys.exit()", "os.kill(os.getpid(), 9)"])
def test_a_process_ends_with_the_service(pdf, end: str) -> None:
    path = pdf(make_pdf([(72, 700, "Text.")]))
    code = f"""
import os, sys
from qa.readers.pdf.rendering.drawing_worker import Task, Worker
worker = Worker()
with open({str(path)!r}, "rb") as file:
    worker.run(Task("a", 1), file)
print(worker._process.pid, flush=True)
{end}
"""
    service = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False, timeout=60)
    pid = int(service.stdout)
    until = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < until
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text("utf-8")
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_the_signals_that_end_a_page_are_told_from_others(pdf) -> None:
    worker = Worker()
    with pdf(make_pdf([(72, 700, "Text.")])).open("rb") as file:
        worker.run(Task("a", 1), file)
    os.kill(process_of(worker).pid, signal.SIGSEGV)
    process_of(worker).wait()
    assert "SIGSEGV" in str(worker._reason(Task("a", 1)))
    worker.stop()


def test_where_no_process_can_be_started_the_page_may_be_asked_for_again(pdf) -> None:
    path, renderer = pdf(make_pdf([(72, 700, "Text.")])), Renderer(1)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with path.open("rb") as file:
        resource.setrlimit(resource.RLIMIT_NOFILE, (file.fileno() + 1, limits[1]))
        try:
            end = outcome(lambda: renderer.draw("a", 1, lambda: file))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert end is RenderingBusyError
    assert renderer.draw("a", 1, lambda: path.open("rb"))
