"""Keep the index up to date: build after every change of the documents folder, once it has come to rest."""

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
"""How long nothing must change, in milliseconds (chosen): files are copied and saved piece by piece."""

_LONGEST_WAIT = 60_000
"""When to build although something, such as a log, keeps changing, in milliseconds (chosen)."""

_LOOK = 500  # milliseconds between two looks at whether to stop or to try again
_RETRY = 10.0  # seconds after which a failed build is tried again
_RETRY_SHARE = 20
"""While documents are gone, scanning their folder takes at most a twentieth of the time."""

_TIDY = 3600.0
"""How often to remove what has been kept long enough, in seconds (chosen)."""


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
        build: brings the index up to date. If it raises a QAError, it is called again after the next change
            or some seconds.
        complain: called with each such error; only once while documents stay gone.
        stop: ends watching.
        own: absolute paths of files and folders that qa itself writes: their changes do not count.
        tidy: called now and then to remove what has been kept long enough; may raise QAError, too.

    Raises:
        BuildError: the folder does not exist or cannot be watched.
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
    """The state of ``watch``: what it does, and when next."""

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
        """Watch the folder that is there now, until another one replaces it."""
        # Earlier changes are not reported: the first build comes once the folder is watched.
        self.due, watched = 0.0, _identity(self.docs)
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
            if (now := _identity(self.docs)) != watched and now:
                return

    def _attempt(self) -> None:
        """Build, and decide when to try again although nothing changes."""
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
        """Whether a change counts: those of files that qa writes, and of hidden files, do not."""
        try:
            inside = Path(path).relative_to(self.docs.absolute())
        except ValueError:
            return True
        place = self.docs.resolve() / inside
        if any(own in self.own for own in (place, *place.parents)):
            return False
        return not any(part.startswith(".") for part in inside.parts)


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what stays the same for a folder whose content changes, unlike a file's stamp."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
