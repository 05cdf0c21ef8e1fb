"""The threads of a process allocate from few arenas, unless the user decided otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

_SCRIPT = """
import ctypes, sys
from threading import Barrier, Thread
from qa.web.server.native_memory import limit_arenas

limit_arenas()
libc, at_once, kept = ctypes.CDLL(None), Barrier(8), []

def allocate():
    at_once.wait()
    kept.append(libc.malloc(50_000))

threads = [Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
@pytest.mark.parametrize(("variable", "most"), [(None, 2), ("1", 1)])
def test_eight_threads_allocate_from_few_arenas(tmp_path, variable: str | None, most: int) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    if variable:
        environment["MALLOC_ARENA_MAX"] = variable
    subprocess.run([sys.executable, "-c", _SCRIPT, tmp_path / "heaps.xml"], env=environment, check=True)
    assert 1 <= (tmp_path / "heaps.xml").read_text("ascii").count("<heap nr=") <= most
