"""Swap two names until killed, to race whoever opens one of them: ``swapper.py ONE OTHER``."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_EXCHANGE = 2
_FROM_HERE = -100


def swap(one: str, other: str) -> None:
    """Let two names change places in one step, where the system can, or else in three."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if not renameat2 or renameat2(_FROM_HERE, os.fsencode(one), _FROM_HERE, os.fsencode(other), _EXCHANGE):
        aside = Path(f"{other}.aside")
        Path(one).rename(aside)
        Path(other).rename(one)
        aside.rename(other)


if __name__ == "__main__":
    print("ready", flush=True)  # noqa: T201
    while True:
        swap(*sys.argv[1:])
