"""A few of the kills that ``make kills`` makes by the hundred."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_a_killed_build_loses_nothing() -> None:
    script = Path(__file__).parents[1] / "kill_builds.py"
    # In a process of its own: it forks, which one with threads should not.
    done = subprocess.run(
        [sys.executable, script, "--sample", "12"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["kills"] >= 6
    assert counts["kills"] + counts["finished before the kill"] == 12
