"""A command gets the news on its standard input, and says with its exit code whether it has it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from qa.errors import DeliveryError
from qa.news.command import run
from qa.news.destinations import Command

BODY = '{"question": "Сколько?"}'.encode()


def _python(program: str, *arguments: str) -> Command:
    return Command((sys.executable, "-c", program, *arguments))


def test_it_reads_the_news_and_its_arguments_as_they_are(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    copy = tmp_path / "copy"
    program = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read()); print(sys.argv[2])"
    run(_python(program, str(copy), "$(touch x); *"), BODY, 60)
    assert copy.read_bytes() == BODY
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "$(touch x); *\n")


def test_one_that_reads_nothing_may_end_well() -> None:
    run(_python("pass"), BODY * 100_000, 60)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("raise SystemExit(3)", "failed with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by signal 9"),
    ],
)
def test_one_that_fails_is_said(program: str, message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        run(_python(program), BODY, 60)


def test_one_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="none cannot be started: No such file"):
        run(Command((str(tmp_path / "none"),)), BODY, 60)
    with pytest.raises(DeliveryError, match="cannot be started: Permission denied"):
        run(Command((str(tmp_path),)), BODY, 60)


def test_one_that_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; child = os.fork()\n"
        "if child: open(sys.argv[1], 'w').write(f'{child}\\n')\n"
        "time.sleep(600)"
    )
    pid = tmp_path / "pid"
    with pytest.raises(DeliveryError, match="takes more than 3 seconds"):
        run(_python(program, str(pid)), BODY * 100_000, 3)
    ends = time.monotonic() + 30
    while _lives(int(pid.read_text())):
        assert time.monotonic() < ends
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    return state != "Z"
