"""Score the service on question sets, over its API: one index and one service a set, default settings.

    python benchmarks/quality.py DATA SCORER [--sets seeds xquad-en] [--work DIR] [--write FILE]

A set is a folder with `docs/` and `questions.jsonl`; the scorer gets the set and the service's address and
prints one line of JSON. Indexes are kept under --work and only brought up to date.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SERVING = re.compile(r"Serving on (http://\S+)")


def main() -> None:
    """Score the sets and print a row each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("scorer", type=Path)
    parser.add_argument("--sets", nargs="+", help="names of folders in DATA; all by default")
    parser.add_argument("--work", type=Path, default=Path("build/quality"), help="where the indexes are kept")
    parser.add_argument("--write", type=Path, help="write the rows to this file as JSON")
    args = parser.parse_args()
    names = args.sets or sorted(path.name for path in args.data.iterdir() if (path / "docs").is_dir())
    rows = []
    for name in names:
        rows.append(score(args.data / name, args.scorer, args.work / name))
        print(json.dumps(rows[-1]), flush=True)
    if args.write:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)  # noqa: S607
        report = {"commit": commit.stdout.strip(), "python": platform.python_version(), "rows": rows}
        args.write.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def score(data: Path, scorer: Path, index: Path) -> dict[str, Any]:
    """Index a set's documents, serve them and have the scorer ask all questions."""
    built = subprocess.run(
        [sys.executable, "-m", "qa", "index", str(data / "docs"), "--index", str(index), "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    with _service(index) as url:
        command = [sys.executable, str(scorer), str(data), "--url", url]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    facts = json.loads(built.stdout)
    return json.loads(found.stdout) | {name: facts[name] for name in ("documents", "passages")}


@contextmanager
def _service(index: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "qa", "serve", "--index", str(index), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None  # noqa: S101 -- it was asked for
        for line in process.stderr:
            if found := _SERVING.search(line):
                break
        else:
            raise SystemExit("the service did not start")
        try:
            yield found[1]
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
