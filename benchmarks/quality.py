"""Score the service on question sets, over its API: one index and one service a set, default settings.

    python benchmarks/quality.py DATA SCORER [--model NAME] [--sets NAME …] [--work DIR] [--write FILE]

A set is a folder with `questions.jsonl` and, unless they are another set's (see `asked.py`), `docs/`; the
scorer gets the set and the service's address and prints a line of JSON last. Indexes are kept under --work,
by model, and only brought up to date.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import common
from asked import documents_of

from qa.embedding.models import DEFAULT_MODEL


def main() -> None:
    """Score the sets and print a row each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("scorer", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--sets", nargs="+", help="names of folders in DATA; all by default")
    parser.add_argument("--work", type=Path, default=Path("build/quality"), help="where the indexes are kept")
    parser.add_argument("--write", type=Path, help="write the rows to this file as JSON")
    args = parser.parse_args()
    work = args.work / args.model.replace("/", "_")
    rows = []
    for name in args.sets or sorted(path.parent.name for path in args.data.glob("*/questions.jsonl")):
        home = documents_of(name, args.data)
        if home is None:
            raise SystemExit(f"{args.data / name} has no documents")
        docs = args.data / home / "docs"
        rows.append(score(args.data / name, docs, args.scorer, work / home, args.model))
        print(json.dumps(rows[-1]), flush=True)
    common.write_json(args.write, {}, {"model": args.model, "rows": rows})


def score(data: Path, docs: Path, scorer: Path, index: Path, model: str) -> dict[str, Any]:
    """Index the documents of a set, serve them and have the scorer ask all questions."""
    facts = common.build_index(docs, index, QA_MODEL=model)
    with common.service(index, docs) as service:
        command = [sys.executable, str(scorer), str(data), "--url", service.url]
        process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # 1: not all right
    scores: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return scores | {name: facts[name] for name in ("documents", "passages")}


if __name__ == "__main__":
    main()
