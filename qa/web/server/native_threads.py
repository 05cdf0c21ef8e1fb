"""How many threads the native libraries take for one request: BLAS, OpenMP and what is built on them."""

from __future__ import annotations

import os

from threadpoolctl import threadpool_limits


def limit_native_threads() -> None:
    """Let a request have one core, unless the user set OMP_NUM_THREADS: a question is too short to share out.

    Call it before those libraries are loaded; numpy alone may be loaded already.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = "1"  # libraries read it when they are loaded
        threadpool_limits(1)  # for numpy
