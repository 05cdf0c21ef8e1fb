"""Compare how fast PDFs are read, in pages a second: this checkout, an earlier one, and pypdf.

    python benchmarks/pdf_reading.py FOLDER --before CHECKOUT --python PYTHON [--runs 5] [--write FILE]

FOLDER has PDFs; PYTHON is an interpreter with pypdf (`make build/peers-venv/.installed` makes one). Each
engine reads all files in a process of its own, on one thread, in turn with the others. The time is that of
reading alone: the process has started and has read one file before.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import common

PEER = "pypdf"
OURS = "this project"
BEFORE = "before"

_SLOWER_AT_MOST = 2 / 3
"""The bar beside the earlier checkout: at most a third slower."""


def main() -> None:
    """Run the engines in turn and print pages a second."""
    parser = common.parser(__doc__)
    parser.add_argument("--before", type=Path, required=True, help="an earlier checkout")
    args = parser.parse_args()
    task = {"files": [str(path.resolve()) for path in sorted(args.data.rglob("*.pdf"))]}
    checkouts = {OURS: common.ROOT, BEFORE: args.before.resolve()}
    engines = {
        name: partial(common.run_worker, sys.executable, __file__, OURS, task, PYTHONPATH=str(checkout))
        for name, checkout in checkouts.items()
    }
    engines[PEER] = partial(common.run_worker, args.python, __file__, PEER, task)
    runs = common.take_turns(engines, args.runs)
    speed = {name: common.medians(rows)["pages_a_second"] for name, rows in runs.items()}
    figures = [
        common.Figure.of_rate("pages a second, beside pypdf", speed[PEER], speed[OURS], least=1),
        common.Figure.of_rate(
            "pages a second, beside the earlier checkout", speed[BEFORE], speed[OURS], least=_SLOWER_AT_MOST
        ),
    ]
    facts = {"files": len(task["files"]), "pages": runs[OURS][0]["pages"], "runs": args.runs}
    common.report(args.write, facts, PEER, figures, runs)


def read_ours(task: common.Row) -> common.Row:
    """Read the files with the reader on PYTHONPATH."""
    from qa import readers  # noqa: PLC0415 -- the peer's interpreter does without

    def read(path: str) -> int:
        readings = readers.read(path, Path(path).read_bytes())
        return sum(len(getattr(reading, "pages", ())) for reading in readings)

    return _timed(task, read)


def read_pypdf(task: common.Row) -> common.Row:
    """Read the files with pypdf."""
    from pypdf import PdfReader  # noqa: PLC0415 -- only the peers' interpreter has it

    def read(path: str) -> int:
        return len([page.extract_text() for page in PdfReader(path).pages])

    return _timed(task, read)


def _timed(task: common.Row, read: Callable[[str], int]) -> common.Row:
    os.environ["OMP_NUM_THREADS"] = "1"
    read(min(task["files"], key=os.path.getsize))
    started = time.perf_counter()
    pages = sum(map(read, task["files"]))
    seconds = time.perf_counter() - started
    return {"pages": pages, "seconds": seconds, "pages_a_second": pages / seconds}


if __name__ == "__main__":
    common.start(main, {OURS: read_ours, PEER: read_pypdf})
