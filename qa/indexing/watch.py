"""The index kept up to date: a build after every change of the documents folder, once it has come to rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from watchfiles import watch as changes_of

from qa.errors import BuildError, DocumentsGoneError, QAError
from qa.indexing.folder import check_is_folder

_REST = 1000
"""How long nothing must change, in milliseconds: whoever copies or saves a file writes it piece by piece."""

_LONGEST_WAIT = 60_000
"""After this time, in milliseconds, a build is made though something keeps changing, such as a log."""

_LOOK = 500
_RETRY = 10.0
_RETRY_SHARE = 20
"""While documents are gone, their folder is looked through again and again, for a twentieth of the time."""

_TIDY = 3600.0
"""How often what has been kept long enough is removed, in seconds."""


def _nothing() -> None:
    """Do nothing."""


def watch(
    docs: Path,
    build: Callable[[], object],
    complain: Callable[[QAError], None],
    stop: threading.Event,
    *,
    own: Collection[Path] = (),
    tidy: Callable[[], object] = _nothing,
) -> None:
    """Build now, and then after changes, until ``stop`` is set.

    Args:
        docs: the documents folder.
        build: brings the index up to date. If it raises a QAError it is tried again, after the next change or
            some seconds.
        complain: is told of each such error; that documents are gone it is told once, until they are back.
        stop: ends it.
        own: absolute paths of files and folders that qa itself writes: their changes do not count.
        tidy: removes what has been kept long enough; is called now and then, and may raise QAError, too.

    Raises:
        BuildError: the folder is not there or cannot be watched.
    """
    check_is_folder(docs)
    watching = _Watch(docs, build, complain, stop, own, tidy)
    while not stop.is_set():
        try:
            watching.follow()
        except (OSError, RuntimeError) as error:  # the system may watch no more than so many
            raise BuildError(f"{docs} cannot be watched: {error}") from error


@dataclass(slots=True)
class _Watch:
    """What ``watch`` does, and when it does so next."""

    docs: Path
    build: Callable[[], object]
    complain: Callable[[QAError], None]
    stop: threading.Event
    own: Collection[Path]
    tidy: Callable[[], object]
    due: float = 0.0
    tidy_due: float = 0.0
    is_gone: bool = False

    def follow(self) -> None:
        """Follow the folder that is there now, until another takes its place."""
        # What changed before is not told: the first build comes when it is watched.
        self.due, which = 0.0, _identity(self.docs)
        for changes in changes_of(
            self.docs,
            watch_filter=lambda _, path: self._counts(path),
            debounce=_LONGEST_WAIT,
            step=_REST,
            rust_timeout=_LOOK,
            yield_on_timeout=True,
            stop_event=self.stop,
            ignore_permission_denied=True,
        ):
            if changes or time.monotonic() >= self.due:
                self._attempt()
            if time.monotonic() >= self.tidy_due:
                self._tidy()
            if (now := _identity(self.docs)) != which and now:
                return

    def _attempt(self) -> None:
        """Build, and note when to try again though nothing changes."""
        begun = time.monotonic()
        try:
            self.build()
        except DocumentsGoneError as error:
            if not self.is_gone:
                self.complain(error)
            self.is_gone = True
            spent = time.monotonic() - begun
            self.due = time.monotonic() + max(_RETRY, _RETRY_SHARE * spent)
        except QAError as error:
            self.complain(error)
            self.due = time.monotonic() + _RETRY
        else:
            self.due, self.is_gone = float("inf"), False

    def _tidy(self) -> None:
        try:
            self.tidy()
        except QAError as error:
            self.complain(error)
        self.tidy_due = time.monotonic() + _TIDY

    def _counts(self, path: str) -> bool:
        """Leave out what qa writes, and what is hidden, as the drafts of editors often are."""
        try:
            inside = Path(path).relative_to(self.docs.absolute())
        except ValueError:
            return True
        place = self.docs.resolve() / inside
        if any(own in self.own for own in (place, *place.parents)):
            return False
        return not any(part.startswith(".") for part in inside.parts)


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
