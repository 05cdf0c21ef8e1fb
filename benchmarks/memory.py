"""Measure the memory of `qa serve` with a model, in MiB a process.

    python benchmarks/memory.py [--model multilingual-e5-small] [--write FILE]

Builds an index of the demo corpus, `docs_raw`, serves it in default settings, one process for each core,
and asks the demo questions, from sixteen clients at once. Memory is Linux's `smaps_rollup`: PSS counts a page
that processes share in parts. The first process starts the others and answers nothing: it is told apart. The
package of the model must be installed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import clients
import common
from common import Figure, Service
from serving import CLIENTS, MEMORY, family

from qa.embedding.models import DEFAULT_MODEL, MULTILINGUAL_MODEL

MOST = {DEFAULT_MODEL: 150, MULTILINGUAL_MODEL: 300}
"""MiB of a process that answers: the bars."""


def main() -> None:
    """Measure, and print what came of it."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--model", default=DEFAULT_MODEL)
    arguments.add_argument("--write", type=Path, help="write the report to this file as JSON")
    args = arguments.parse_args()
    lines = (common.ROOT / "tests" / "demo_questions.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    with TemporaryDirectory() as folder:
        common.build_index(common.ROOT / "docs_raw", Path(folder), QA_MODEL=args.model)
        with common.service(Path(folder)) as service:
            clients.ask(service.url, CLIENTS, common.warm_up(questions))
            failed = clients.ask(service.url, CLIENTS, questions).failed
            first, *others = pss(service)
    figures = [
        Figure.alone("PSS of a process that answers, MiB", mean(others), most=MOST.get(args.model)),
        Figure.alone("PSS of all, shared out among these, MiB", (first + sum(others)) / len(others)),
        Figure.alone("failed", failed, most=0),
    ]
    common.show([figure.row(None) for figure in figures])
    facts = {"model": args.model, "questions": len(questions), "clients": CLIENTS}
    common.write_json(args.write, facts, {"first_pss_mib": first, "pss_mib": others})


def pss(service: Service) -> list[float]:
    """Return the PSS of each process in MiB, the one that started the others first."""
    rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text("ascii") for pid in family(service.process))
    return [int(dict(MEMORY.findall(rollup))["Pss"]) / 1024 for rollup in rollups]


if __name__ == "__main__":
    main()
