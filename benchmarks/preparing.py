"""Measure how a model is prepared: time, peak of memory, and whether the announced times were true.

    python benchmarks/preparing.py [MODEL ...] [--write FILE]

Each model is prepared in a process of its own, into an empty cache, as the first `qa index` does before it
reads documents. The peak is that of resident memory, files that are mapped included. A step announces about
how many seconds are left; beside it stands how many were. The models' packages must be installed. By default,
all known models are measured.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import common
from common import Figure, Row

from qa.embedding.models import KNOWN, MULTILINGUAL_MODEL

MOST_MIB = {MULTILINGUAL_MODEL: 1800}
"""The bar for the peak."""

_LEFT = re.compile(r": ([^:]+), about (\d+|a) seconds? left")


def main() -> None:
    """Measure, and print what came of it."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("models", nargs="*", metavar="MODEL", default=[model.name for model in KNOWN])
    arguments.add_argument("--write", type=Path, help="write the report to this file as JSON")
    args = arguments.parse_args()
    rows = [common.run_worker(sys.executable, __file__, "prepare", {"model": name}) for name in args.models]
    for row in rows:
        print(f"\n{row['model']}, {row['precision']}\n")
        most = MOST_MIB.get(row["model"])
        figures = [
            Figure.alone("seconds", row["seconds"]),
            Figure.alone("peak of resident memory, MiB", row["peak_mib"], most=most),
        ]
        common.show([figure.row(None) for figure in figures])
        print()
        common.show(row["steps"])
    common.write_json(args.write, {}, {"models": rows})


def prepare(task: Row) -> Row:
    """Prepare a model in this process, which has done nothing else, and return what it took."""
    from qa.embedding.loading import load_encoder  # noqa: PLC0415 -- what it loads is measured, too

    messages = _Messages()
    logging.getLogger("qa").addHandler(messages)
    started = time.perf_counter()
    with TemporaryDirectory() as cache:
        encoder = load_encoder(task["model"], Path(cache))
        seconds = time.perf_counter() - started
        description = next(Path(cache).glob("encoders/*/encoder.json"), None)
        precision = json.loads(description.read_bytes())["precision"] if description else "as it is"
        del encoder
    return {
        "model": task["model"],
        "precision": precision,
        "seconds": round(seconds, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "steps": messages.steps(started + seconds),
    }


class _Messages(logging.Handler):
    """Keeps the steps that are announced."""

    def __init__(self) -> None:
        super().__init__()
        self._announced: list[tuple[float, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if match := _LEFT.search(record.getMessage()):
            self._announced.append((time.perf_counter(), match[1], match[2]))

    def steps(self, end: float) -> list[Row]:
        """Return for each step the seconds that it announced as left, and how many were left."""
        return [
            {"step": step, "seconds announced": told.replace("a", "1"), "seconds left": round(end - at, 1)}
            for at, step, told in self._announced
        ]


if __name__ == "__main__":
    common.start(main, {"prepare": prepare})
