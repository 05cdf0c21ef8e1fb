"""One process at a time changes the folder of an index."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from qa import files
from qa.errors import BuildError, LockedError


@contextmanager
def hold(index: Path) -> Iterator[None]:
    """Hold the index for writing.

    Raises:
        LockedError: another process holds it.
        BuildError: the folder cannot be written or locked.
    """
    try:
        index.mkdir(parents=True, exist_ok=True)
        file = (index / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise BuildError(f"{index} cannot be written: {error.strerror}") from error
    with file:
        _lock(file, index)
        file.truncate(0)
        file.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        file.flush()
        yield


def is_held(index: Path) -> bool:
    """Whether a process is changing the index now."""
    try:
        with (index / ".lock").open("rb") as file:
            return not files.lock(file, shared=True, wait=False)
    except OSError:
        return False


def _lock(file: TextIO, index: Path) -> None:
    try:
        locked = files.lock(file, wait=False)
    except OSError as error:
        raise BuildError(f"{index} cannot be locked: {error.strerror}") from error
    if not locked:
        file.seek(0)
        holder = file.read().strip() or "another process"
        raise LockedError(f"{index} is being built by {holder}: wait until it has finished")
