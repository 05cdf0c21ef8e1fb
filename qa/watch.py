"""The index kept up to date: a build after every change of the documents folder, once it has come to rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from watchfiles import watch as changes_of

from qa.contracts import BuildError, QAError

_REST = 1000
"""How long nothing must change, in milliseconds: whoever copies or saves a file writes it piece by piece."""

_LONGEST_WAIT = 60_000
"""After this time, in milliseconds, a build is made though something keeps changing, such as a log."""

_LOOK = 500
_RETRY = 10.0


def watch(
    docs: Path, build: Callable[[], object], complain: Callable[[QAError], None], stop: threading.Event
) -> None:
    """Build now, and then after changes, until ``stop`` is set.

    Args:
        docs: the documents folder.
        build: brings the index up to date. If it raises a QAError it is tried again, after the next change or
            some seconds.
        complain: is told of each such error.
        stop: ends it.

    Raises:
        BuildError: the folder cannot be watched.
    """
    if not docs.is_dir():
        raise BuildError(f"the documents folder {docs} is not there")
    while not stop.is_set():
        try:
            _watch_one(docs, build, complain, stop)
        except (OSError, RuntimeError) as error:  # the system may watch no more than so many
            raise BuildError(f"{docs} cannot be watched: {error}") from error


def _watch_one(
    docs: Path, build: Callable[[], object], complain: Callable[[QAError], None], stop: threading.Event
) -> None:
    """Follow the folder that is there now, until another takes its place."""
    due, which = (
        0.0,
        _identity(docs),
    )  # what changed before is not told: the first build comes when it is watched
    for changes in changes_of(
        docs,
        watch_filter=lambda _, path: _counts(docs, path),
        debounce=_LONGEST_WAIT,
        step=_REST,
        rust_timeout=_LOOK,
        yield_on_timeout=True,
        stop_event=stop,
        ignore_permission_denied=True,
    ):
        if changes or time.monotonic() >= due:
            due = _attempt(build, complain)
        if (now := _identity(docs)) != which and now:
            return


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _attempt(build: Callable[[], object], complain: Callable[[QAError], None]) -> float:
    """Build, and tell when to try again though nothing changes."""
    try:
        build()
    except QAError as error:
        complain(error)
        return time.monotonic() + _RETRY
    return float("inf")


def _counts(docs: Path, path: str) -> bool:
    """Leave out what is hidden, as the drafts of editors often are."""
    try:
        parts = Path(path).relative_to(docs.absolute()).parts
    except ValueError:
        return True
    return not any(part.startswith(".") for part in parts)
