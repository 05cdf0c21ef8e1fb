"""The systemd units are valid, and as closed as they can be."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qa.cli import main

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(path.name for path in DEPLOY.glob("*.service"))

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with the units, and the program that they start."""
    units, program = tmp_path / "etc/systemd/system", tmp_path / "opt/qa/bin/qa"
    for unit in UNITS:
        units.mkdir(parents=True, exist_ok=True)
        shutil.copy(DEPLOY / unit, units)
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    shutil.copytree("/usr/lib/systemd/system", tmp_path / "usr/lib/systemd/system", symlinks=True)
    return tmp_path


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_valid(root: Path, unit: str) -> None:
    command = ["systemd-analyze", "verify", "--recursive-errors=no", f"--root={root}", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_hardened(unit: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(DEPLOY / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_starts_a_command_that_there_is(unit: str) -> None:
    started = re.search(r"^ExecStart=/opt/qa/bin/qa (\w+)$", (DEPLOY / unit).read_text("utf-8"), re.MULTILINE)
    assert started is not None
    assert started[1] in main.commands
