"""Score the service on question sets, over its API: one index and one service a set, default settings.

    python benchmarks/quality.py DATA SCORER [--sets seeds xquad-en] [--work DIR] [--write FILE]

A set is a folder with `docs/` and `questions.jsonl`; the scorer gets the set and the service's address and
prints a line of JSON last. Indexes are kept under --work and only brought up to date.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import common


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
    common.write_json(args.write, {}, {"rows": rows})


def score(data: Path, scorer: Path, index: Path) -> dict[str, Any]:
    """Index a set's documents, serve them and have the scorer ask all questions."""
    facts = common.build_index(data / "docs", index)
    with common.service(index, data / "docs") as service:
        command = [sys.executable, str(scorer), str(data), "--url", service.url]
        process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # 1: not all right
    scores: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return scores | {name: facts[name] for name in ("documents", "passages")}


if __name__ == "__main__":
    main()
