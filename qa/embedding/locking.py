"""A folder of the cache, which one process at a time writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qa import files


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from writing into a folder. The system releases a dead process's lock."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        files.lock(descriptor)
        yield
    finally:
        os.close(descriptor)
