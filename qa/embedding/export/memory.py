"""Memory that a step of an export took, and the next doesn't need."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress


def return_memory() -> None:
    """Return to the system what is no longer used.

    Modules refer to each other, so only the collector of garbage frees them; and glibc keeps much of it.
    """
    gc.collect()
    with suppress(OSError, AttributeError):  # other C libraries have no such function
        ctypes.CDLL(None).malloc_trim(0)
