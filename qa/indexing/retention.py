"""How long an index keeps what is not live: earlier generations, and vectors of passages that are gone.

These still hold what has left the documents folder. They go ``retention_days`` after the live generation
replaced them, with the next `qa index`, or while `qa watch` runs. A generation that somebody reads stays
until the next time.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from qa.config import Settings
from qa.errors import IndexUnavailableError, LockedError
from qa.index import generation
from qa.indexing import lock, vector_cache
from qa.stores import publication

_GENERATIONS_KEPT = 2
"""The live one, and the one before it, which a service may still read."""

_DAY = 86_400


def clean(index: Path, days: int) -> None:
    """Remove what an unfinished build left and what has been kept long enough. The caller holds the lock."""
    for folder in earlier(index)[: 1 - _GENERATIONS_KEPT or None]:
        generation.remove_unless_read(folder)
    remove_drafts(index)
    expire(index, days)


def expire(index: Path, days: int) -> None:
    """Remove what has been kept for so many days. The caller holds the lock."""
    if is_over(index, days):
        for folder in earlier(index):
            generation.remove_unless_read(folder)
    vector_cache.expire(index, days * _DAY)


def expire_unless_locked(index: Path, days: int) -> None:
    """Do what ``expire`` does, unless another process is building the index, which does the same."""
    try:
        with lock.hold(index):
            expire(index, days)
    except LockedError:
        pass


def expire_published(settings: Settings) -> None:
    """Drop earlier generations from the Milvus of the settings, too, once their time is over.

    Raises:
        StoreUnavailableError: the Milvus does not answer.
    """
    if is_over(settings.index, settings.retention_days):
        publication.drop_earlier(settings)


def is_over(index: Path, days: int) -> bool:
    """Whether the live generation has been live for so many days."""
    try:
        generation.current(index)
        return time.time() - (index / generation.POINTER).stat().st_mtime >= days * _DAY
    except (OSError, IndexUnavailableError):
        return False


def earlier(index: Path) -> list[Path]:
    """Return the folders of the finished generations that are not live, oldest first."""
    try:
        live = generation.current(index)
    except IndexUnavailableError:
        live = None
    return [folder for folder in _folders(index) if not folder.name.startswith(".") and folder != live]


def remove_drafts(index: Path) -> None:
    """Remove what an unfinished build left. The caller holds the lock."""
    for folder in _folders(index):
        if folder.name.startswith("."):
            shutil.rmtree(folder)


def _folders(index: Path) -> list[Path]:
    return sorted(path for path in (index / generation.GENERATIONS).glob("*") if path.is_dir())
