"""A batch that is killed leaves no process behind, and goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from qa.batch.draft import path_for
from qa.config import Settings
from qa.embedding.export.encoder import ExportedEncoder
from qa.indexing.build import build

_QUESTIONS = 400
_DEADLINE = 60  # seconds that a step may take on a busy machine

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see processes")


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_a_batch_that_is_killed_goes_on(default: ExportedEncoder, settings: Settings, tmp_path: Path) -> None:
    build(replace(settings, model=default.name), default)
    asked, output = tmp_path / "asked.csv", tmp_path / "answers.jsonl"
    asked.write_text("".join(f"Who is number {n}?\n" for n in range(_QUESTIONS)), "utf-8")
    command = [sys.executable, "-m", "qa", "batch", str(asked), "--jobs", "2", "-o", str(output)]
    environment = os.environ | {"QA_INDEX": str(settings.index)}
    draft = path_for(output)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        _wait(lambda: draft.exists() and draft.read_bytes().count(b"\n") > 1)
        children = _children(process.pid)
        process.send_signal(signal.SIGKILL)
    assert len(children) >= 2
    _wait(lambda: not any(map(_runs, children)))
    known = draft.read_bytes().count(b"\n") - 1
    assert 0 < known < _QUESTIONS
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f" of {_QUESTIONS} questions answered" in done.stderr
    assert len(output.read_text("utf-8").splitlines()) == _QUESTIONS
    assert not draft.exists()
