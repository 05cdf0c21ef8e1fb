"""A drawing process as the service sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import NotFoundError, RenderingBusyError, RenderingError
from qa.readers.pdf.rendering import drawing_worker
from qa.readers.pdf.rendering.drawing_worker import Task, Worker
from qa.types import Span
from readers.samples import make_pdf


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.pdf"
    path.write_bytes(make_pdf([(72, 700, "One is here.")]))
    return path


@pytest.fixture
def _busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow for a machine that is busy with other tests."""
    monkeypatch.setattr(Task, "wall_seconds", property(lambda _: 60.0))


def test_a_task_for_letters_is_shorter_and_stands_for_those_of_any_letters() -> None:
    draw, some, other = Task("a", 1), Task("a", 1, Span(0, 3)), Task("a", 1, Span(5, 9))
    assert some.cpu_seconds < draw.cpu_seconds < draw.wall_seconds
    assert some.on_any_letters == other.on_any_letters != draw.on_any_letters == draw


@pytest.mark.usefixtures("_busy_machine")
def test_one_process_does_one_task_after_the_other(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing_worker, "_MAX_TASKS", 2)
    worker = Worker()
    pids = []
    for task in (Task("a", 1), Task("a", 1, Span(0, 3)), Task("a", 1)):
        with path.open("rb") as file:
            answer, picture = worker.run(task, file)
        assert bool(picture) != bool(answer)
        pids.append(worker._process.pid)
    assert pids[0] == pids[1] != pids[2]  # replaced after the second task
    worker.stop()
    assert worker._process is None
    worker.stop()  # there is none


@pytest.mark.usefixtures("_busy_machine")
def test_a_missing_page_leaves_the_process_and_a_bad_one_replaces_it(path: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.pdf").write_bytes(b"no PDF")
    worker = Worker()
    with path.open("rb") as file, pytest.raises(NotFoundError, match="There is no page 7"):
        worker.run(Task("a", 7), file)
    assert worker._process is not None
    with (
        (tmp_path / "bad.pdf").open("rb") as file,
        pytest.raises(RenderingError, match=r"^Page 1 cannot be drawn"),
    ):
        worker.run(Task("b", 1), file)
    assert worker._process is None


@pytest.mark.parametrize(
    ("work", "message"),
    [
        ("while True: pass", "takes more than .* seconds of processor time|takes more than"),
        ("os.abort()", r"PDFium crashed \(SIGABRT; it may need more than 1024 MB of memory\)"),
        ("sys.exit(3)", r"PDFium crashed \(exit code 3\)"),
        ("os.kill(os.getpid(), signal.SIGPROF)", "it takes more than 3 seconds of processor time"),
        ("os.kill(os.getpid(), signal.SIGALRM)", "cannot be drawn now: it takes more than 5 seconds"),
    ],
)
def test_a_process_that_fails_is_an_error_that_says_how(
    path: Path, monkeypatch: pytest.MonkeyPatch, work: str, message: str
) -> None:
    code = "import os, signal, socket, sys; signal.setitimer(signal.ITIMER_PROF, 0.2)\n"
    code += "connection = socket.socket(fileno=os.dup(0)); socket.recv_fds(connection, 1, 1)\n"
    monkeypatch.setattr(drawing_worker, "_CODE", (code + work).replace("{", "{{").replace("}", "}}"))
    worker = Worker()
    with path.open("rb") as file, pytest.raises(RenderingError, match=message):
        worker.run(Task("a", 1), file)
    assert worker._process is None


def test_without_a_process_the_service_is_busy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing_worker.sys, "executable", str(path.parent / "missing"))
    with path.open("rb") as file, pytest.raises(RenderingBusyError):
        Worker().run(Task("a", 1), file)
