"""A sheet of questions by `qa batch`, beside as many single requests to a running service, in turn.

    python benchmarks/batch_questions.py DATA [--questions 1000] [--runs 5] [--write FILE]

DATA is a folder with `docs/` and `questions.jsonl`. The time of `qa batch` includes its start and the loading
of the model; the service of the single requests, asked by one client that keeps its connection, is warm.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import clients
import common


def main() -> None:
    """Take turns, and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", type=Path, help="write the figures to this file as JSON")
    args = parser.parse_args()
    questions = [row["question"] for row in common.read_questions(args.data)][: args.questions]
    with TemporaryDirectory() as folder:
        work = Path(folder)
        sheet = work / "questions.csv"
        with sheet.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["question"], *([question] for question in questions)])
        facts = common.build_index(args.data / "docs", work / "index")
        with common.service(work / "index", args.data / "docs") as service:
            clients.ask(service.url, 1, common.warm_up(questions))
            engines = {
                "batch": lambda: {"seconds": _batch(sheet, work)},
                "single": lambda: {"seconds": clients.ask(service.url, 1, questions).seconds},
            }
            runs = common.take_turns(engines, args.runs)
    medians = {name: common.medians(rows)["seconds"] for name, rows in runs.items()}
    ratios = [single["seconds"] / batch["seconds"] for batch, single in zip(*runs.values(), strict=True)]
    figures = {
        "questions": len(questions),
        "questions_a_second": {name: round(len(questions) / seconds, 1) for name, seconds in medians.items()},
        "ratio_of_medians": round(medians["single"] / medians["batch"], 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }
    print(figures)
    common.write_json(args.write, facts, figures)


def _batch(sheet: Path, work: Path) -> float:
    command = [
        sys.executable,
        "-m",
        "qa",
        "batch",
        str(sheet),
        "-o",
        str(work / "answers.csv"),
        "--overwrite",
    ]
    started = time.perf_counter()
    subprocess.run([*command, "--index", str(work / "index")], check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
