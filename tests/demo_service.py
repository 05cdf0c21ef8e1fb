"""A real service over the demo corpus, for programs that use it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pages import ROOT


@contextmanager
def demo_service(folder: Path) -> Iterator[str]:
    """Build an index in ``folder`` and serve it; return the service's address."""
    command = [sys.executable, "-m", "qa"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QA_")}
    environment |= {"PYTHONPATH": str(ROOT), "QA_WORKERS": "1"}
    subprocess.run([*command, "index", ROOT / "docs_raw"], cwd=folder, env=environment, check=True)
    with subprocess.Popen(
        [*command, "serve", "--port", "0", "--docs", ROOT / "docs_raw"],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as service:
        try:
            line = service.stderr.readline()
            assert line.startswith("Serving on "), line
            yield line.split()[-1]
        finally:
            service.terminate()
