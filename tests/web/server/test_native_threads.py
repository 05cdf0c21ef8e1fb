"""A request has one core, unless the user decided otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("variable", "threads"), [(None, 1), ("3", 3)])
def test_native_libraries_take_one_thread_unless_the_user_set_more(
    variable: str | None, threads: int
) -> None:
    script = (
        "import numpy, threadpoolctl\n"
        "from qa.web.server.native_threads import limit_native_threads\n"
        "limit_native_threads()\n"
        "import faiss\n"
        "print(max(pool['num_threads'] for pool in threadpoolctl.threadpool_info()))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    if variable:
        environment["OMP_NUM_THREADS"] = variable
    command = [sys.executable, "-c", script]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert int(printed) == threads
