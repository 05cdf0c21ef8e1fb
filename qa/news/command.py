"""Give news to a command, on its standard input."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

from qa.errors import DeliveryError
from qa.news.destinations import Command

_STANDARD_ERROR = 2  # what it prints is no data of ours


def run(command: Command, body: bytes, seconds: float) -> None:
    """Run a command with news on its standard input; return once it has ended well.

    Args:
        command: what to run, without a shell.
        body: the news as JSON.
        seconds: how long it may take; then it is killed, with all that it started.

    Raises:
        DeliveryError: it cannot be started, fails or takes too long.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 -- saved.toml names it, and no shell reads it
            command.arguments, stdin=subprocess.PIPE, stdout=_STANDARD_ERROR, start_new_session=True
        )
    except OSError as error:
        raise DeliveryError(f"{command.arguments[0]} cannot be started: {error.strerror}") from error
    try:
        process.communicate(body, seconds)
    except subprocess.TimeoutExpired:
        raise DeliveryError(f"{command.arguments[0]} takes more than {seconds:g} seconds") from None
    finally:
        if process.poll() is None:
            _kill(process)
    if process.returncode < 0:
        raise DeliveryError(f"{command.arguments[0]} was killed by signal {-process.returncode}")
    if process.returncode:
        raise DeliveryError(f"{command.arguments[0]} failed with exit code {process.returncode}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        with suppress(OSError):  # what is left of the news cannot be written any more
            process.stdin.close()
