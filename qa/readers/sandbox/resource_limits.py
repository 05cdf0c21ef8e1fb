"""Limits of time and memory for processes that handle untrusted files. The system enforces them."""

from __future__ import annotations

import math
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from qa.readers.recognition_options import RecognitionOptions

WALL_TIME_FACTOR = 10
"""A reader's limit by the clock, times its limit of processor time: the machine may be busy."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one document may take, and do.

    Attributes:
        seconds: of processor time.
        memory: in bytes.
        recognition: whether pictures of text are recognised, and where the results are kept.
    """

    seconds: int
    memory: int
    recognition: RecognitionOptions = field(default_factory=RecognitionOptions)


def restrict_process(memory: int) -> None:
    """Limit this process's address space, in bytes, and let the system's timers end it. It dumps no core."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):  # some systems lack this limit, or do not let it be changed
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for signum in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(signum, signal.SIG_DFL)
    # An interrupt goes to the parent process too, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def set_time_limit(cpu_seconds: float, wall_seconds: float) -> None:
    """End this process with SIGPROF or SIGALRM after so much processor or wall time from now; 0: no limit."""
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds)


@contextmanager
def own_time(cpu_seconds: float) -> Iterator[None]:
    """Give a step so much processor time of its own: what is left for the rest is the same afterwards."""
    left = signal.getitimer(signal.ITIMER_PROF)[0]
    if left:
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    try:
        yield
    finally:
        if left:
            signal.setitimer(signal.ITIMER_PROF, left)


def seconds_left() -> float:
    """Return how much processor time ``set_time_limit`` leaves to this process; infinity without a limit."""
    return signal.getitimer(signal.ITIMER_PROF)[0] or math.inf


def wall_seconds_left() -> float:
    """Return how much time by the clock ``set_time_limit`` leaves; infinity without a limit."""
    return signal.getitimer(signal.ITIMER_REAL)[0] or math.inf
