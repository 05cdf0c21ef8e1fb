"""The index follows what people change on the page: ``qa index`` runs as a process of its own.

The lock of the index lets one build run at a time, whoever starts it: if `qa watch` has begun one, this waits
until it has ended, and then finds nothing left to do.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time

from qa import config
from qa.config import Settings
from qa.indexing import lock

_LOOK = 0.5
"""Seconds between two looks at whether another build has ended."""

_FINE = frozenset({0, 3})
"""Exit codes of a build that was finished; with 3, some files could not be read."""

_MOST_TRIES = 20

_log = logging.getLogger(__name__)


class Updates:
    """Brings the index up to date in the background. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wanted = threading.Event()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def request(self) -> None:
        """Have the index brought up to date soon, and return at once. One build serves several requests."""
        with self._guard:
            self._wanted.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="updates", daemon=True)
                self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the index is being brought up to date, by this or any other process."""
        return self._thread is not None or lock.is_held(self._settings.index)

    def _run(self) -> None:
        while self._is_wanted():
            while lock.is_held(self._settings.index):
                time.sleep(_LOOK)
            self._wanted.clear()
            self._build()

    def _is_wanted(self) -> bool:
        """Whether there is something to do; if not, the next request starts another thread."""
        with self._guard:
            if not self._wanted.is_set():
                self._thread = None
            return self._wanted.is_set()

    def _build(self) -> None:
        for _ in range(_MOST_TRIES):
            command = [sys.executable, "-m", "qa", "index"]
            environment = config.environment(self._settings)
            done = subprocess.run(  # noqa: S603 -- all of it is constant
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
            if done.returncode in _FINE:
                return
            if not lock.is_held(self._settings.index):
                message = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
                _log.warning("The index could not be brought up to date: %s", message)
                return
            time.sleep(_LOOK)
