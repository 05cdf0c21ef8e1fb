"""The reader's process, spoken to through its pipes."""

from __future__ import annotations

import io
import signal
import subprocess
import sys

import pytest

from qa import readers
from qa.errors import ReadError
from qa.readers.sandbox import child, wire
from qa.readers.sandbox.wire import End
from qa.types import ReadFailure, Reading

CODE = "from qa.readers.sandbox.child import main; main({memory}, {seconds})"


def _serve(
    *requests: tuple[str, bytes, bytes | None], memory: int = 2**30, seconds: int = 5
) -> tuple[list[list[Reading | ReadFailure | End]], int]:
    """Return the answers on each file, the last of them its end, and the exit code."""
    process = subprocess.run(
        [sys.executable, "-c", CODE.format(memory=memory, seconds=seconds)],
        input=b"".join(part for request in requests for part in wire.request(*request)),
        capture_output=True,
        timeout=120,
        check=False,
    )
    stream, answers = io.BytesIO(process.stdout), [[]]
    while stream.tell() < len(process.stdout):
        answers[-1].append(wire.read_answer(lambda max_bytes: wire.read_frame(stream, max_bytes)))
        if isinstance(answers[-1][-1], End):
            answers.append([])
    return answers[:-1], process.returncode


def test_files_are_read_until_the_input_ends() -> None:
    table = b'{"id": "a", "text": "One."}\n{"id": "b"}\n'
    requests = [("a.txt", b"Text.", b"title = 'T'"), ("t.jsonl", table, None), ("a.pdf", b"no PDF", None)]
    answers, code = _serve(*requests)
    assert code == 0
    for (name, data, sidecar), (*documents, end) in zip(requests[:2], answers[:2], strict=True):
        assert documents == list(readers.read(name, data, sidecar_data=sidecar))
        assert end == End(None, worn=False)
    (end,) = answers[2]
    with pytest.raises(ReadError) as raised:
        list(readers.read("a.pdf", b"no PDF"))
    assert end == End(str(raised.value), worn=False)


def test_a_request_that_is_cut_is_not_answered() -> None:
    sent = b"".join(wire.request("a.txt", b"Text.", None))[:-1]
    process = subprocess.run(
        [sys.executable, "-c", CODE.format(memory=2**30, seconds=5)],
        input=sent,
        capture_output=True,
        check=False,
    )
    assert (process.stdout, process.returncode) == (b"", 0)


def test_a_file_that_takes_too_long_ends_the_process() -> None:
    answers, code = _serve(("slow.md", b"[" * 2_000_000, None), seconds=1)
    assert (answers, code) == ([], -signal.SIGPROF)


def test_memory_that_files_have_left_behind_wears_the_process_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    use = tmp_path / "statm"
    monkeypatch.setattr(child, "_MEMORY_USE", use)
    assert not child._is_swollen(2**30)  # not every system has such a file
    pages = 2**29 // child.resource.getpagesize()
    use.write_text(f"{pages} 1 1")
    assert not child._is_swollen(2**30)
    use.write_text(f"{pages + 1} 1 1")
    assert child._is_swollen(2**30)
