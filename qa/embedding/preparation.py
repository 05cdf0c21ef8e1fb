"""What is said while a model is prepared: the step at work, and about how long the rest will take."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

_FINE_SECONDS, _COARSE_STEP = 10, 5
"""From so many seconds on, a time is told in steps of so many: it is an estimate."""

_log = logging.getLogger(__name__)


class Preparation:
    """The steps of preparing a model, told as warnings.

    How long the rest takes is estimated from the steps that are done: how long this machine took for their
    work.
    """

    def __init__(self, what: str, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start the clock.

        Args:
            what: what is done, such as "preparing the model 'x'".
            clock: returns the time in seconds.
        """
        self._what = what
        self._clock = clock
        self._started = self._step_started = clock()
        self._step: str | None = None
        self._work: dict[str, float] = {}
        self._work_done = self._seconds = 0.0

    def expect(self, work: Mapping[str, float]) -> None:
        """Name the steps that are still to begin, with how much work each is relative to the others."""
        self._work = dict(work)

    def begin(self, step: str) -> None:
        """Say that a step begins. The one before it is done."""
        once = " (once)" if self._step is None else ""
        self._end_step()
        self._step = step
        left = self.seconds_left()
        time_left = "" if left is None else f", about {_told(left)} left"
        _log.warning("%s%s: %s%s", self._what, once, step, time_left)

    def finish(self) -> None:
        """Say that all is done, and how long it took."""
        _log.warning("%s: done in %s", self._what, _plural(round(self._clock() - self._started)))

    def seconds_left(self) -> float | None:
        """Return about how long the steps take that are not done; None if no step tells it yet."""
        return self._seconds * sum(self._work.values()) / self._work_done if self._work_done else None

    def _end_step(self) -> None:
        now = self._clock()
        if self._step in self._work:
            self._work_done += self._work.pop(self._step)
            self._seconds += now - self._step_started
        self._step_started = now


def _told(seconds: float) -> str:
    step = 1 if seconds < _FINE_SECONDS else _COARSE_STEP
    return _plural(step * round(seconds / step))


def _plural(seconds: int) -> str:
    return f"{seconds} seconds" if seconds > 1 else "a second"
