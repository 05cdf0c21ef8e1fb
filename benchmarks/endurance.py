"""Ask a service a hundred thousand questions, and watch whether its memory grows: ``make endurance``.

The index is that of ``docs_raw``; the questions are drawn by chance from its words, so that no two are alike.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from clients import ask

_ROOT = Path(__file__).parent.parent
_OWN = re.compile(r"^(?:Private_Dirty|Private_Clean|Swap):\s+(\d+) kB", re.MULTILINE)
_WARM_UP = 5_000


def _questions(count: int) -> list[str]:
    """Draw questions of three to eight words of the documents."""
    chance = random.Random(11)  # noqa: S311 -- the same every time
    text = " ".join(path.read_text("utf-8") for path in sorted((_ROOT / "docs_raw").rglob("*.md")))
    words = sorted(set(re.findall(r"\w{3,}", text)))
    return [f"{' '.join(chance.choices(words, k=chance.randint(3, 8)))} {number}?" for number in range(count)]


def own_mib(master: int) -> float:
    """Return the memory that the service's processes have for themselves, together, in MiB."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in [str(master), *children])
    return sum(int(size) for rollup in rollups for size in _OWN.findall(rollup)) / 1024


def main() -> None:
    """Run it, and print what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=4)
    given = parser.parse_args()
    with TemporaryDirectory() as index:
        qa = [sys.executable, "-m", "qa"]
        subprocess.run([*qa, "index", "docs_raw", "--index", index], cwd=_ROOT, check=False)
        command = [*qa, "serve", "--index", index, "--port", "0"]
        with subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.PIPE, text=True) as service:
            try:
                print(json.dumps(_endure(service, given.requests, given.clients), indent=1))
            finally:
                service.terminate()


def _endure(service: subprocess.Popen[str], requests: int, clients: int) -> dict[str, object]:
    line = ""
    while "Serving on" not in line:
        line = service.stderr.readline() if service.stderr else ""
        if not line:
            raise SystemExit("the service has ended")
    url = line.split()[-1]
    failed = ask(url, clients, _questions(_WARM_UP)).failed
    memory = [round(own_mib(service.pid), 1)]
    seconds = 0.0
    questions = _questions(requests)
    step = max(requests // 10, 1)
    for start in range(0, requests, step):
        load = ask(url, clients, questions[start : start + step])
        failed, seconds = failed + load.failed, seconds + load.seconds
        memory.append(round(own_mib(service.pid), 1))
    return {"requests": requests, "failed": failed, "seconds": round(seconds), "own_mib_each_tenth": memory}


if __name__ == "__main__":
    main()
