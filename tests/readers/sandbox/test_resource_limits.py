"""Limits that the system enforces, each in a process of its own."""

from __future__ import annotations

import math
import resource
import signal
import subprocess
import sys
import time

import pytest

from qa.readers.sandbox import resource_limits

LIMITS = "from qa.readers.sandbox.resource_limits import restrict_process, set_time_limit\n"


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LIMITS + code], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("limits", "work", "ended_by"),
    [
        ("0.1, 50", "while True: pass", signal.SIGPROF),
        ("50, 0.1", "import time; time.sleep(50)", signal.SIGALRM),
    ],
)
def test_a_process_ends_at_its_time_limit(limits: str, work: str, ended_by: signal.Signals) -> None:
    assert _run(f"restrict_process(2**32); set_time_limit({limits})\n{work}").returncode == -ended_by


def test_a_lifted_time_limit_no_longer_holds() -> None:
    code = "import time; restrict_process(2**32); set_time_limit(0.2, 0.2); set_time_limit(0, 0)"
    assert _run(f"{code}; time.sleep(0.5)").returncode == 0


def test_memory_has_a_limit_and_there_are_no_core_dumps() -> None:
    code = (
        "import resource; restrict_process(2**28)\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0], *resource.getrlimit(resource.RLIMIT_CORE))\n"
        "bytes(2**29)"
    )
    process = _run(code)
    if sys.platform == "linux":
        assert process.stdout.split() == [str(2**28), "0", "0"]
        assert "MemoryError" in process.stderr
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 2**28  # of this process


def test_a_step_with_time_of_its_own_takes_none_of_the_rest() -> None:
    resource_limits.set_time_limit(100, 1000)
    try:
        with resource_limits.own_time(30):
            assert 0 < resource_limits.seconds_left() <= 30.1  # rounded up to the clock's tick
            end = time.process_time() + 0.05
            while time.process_time() < end:
                pass
        assert 99.9 < resource_limits.seconds_left() <= 100.1
    finally:
        resource_limits.set_time_limit(0, 0)


def test_without_a_limit_a_step_has_none() -> None:
    with resource_limits.own_time(30):
        assert resource_limits.seconds_left() == math.inf
