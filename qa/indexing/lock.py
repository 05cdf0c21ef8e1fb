"""One process at a time changes the folder of an index."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from qa.errors import BuildError, LockedError


@contextmanager
def hold(index: Path) -> Iterator[None]:
    """Hold the index for writing. The system lets go of a dead process's lock by itself.

    Raises:
        LockedError: another process holds it.
        BuildError: the folder cannot be written.
    """
    try:
        index.mkdir(parents=True, exist_ok=True)
        file = (index / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise BuildError(f"{index} cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise LockedError(f"{index} is being built by {holder}: wait until it has finished") from error
        file.truncate(0)
        file.write(f"process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        file.flush()
        yield
