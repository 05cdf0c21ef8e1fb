"""Compare the time to an index in one process with that on a Ray cluster of this machine's own processors.

    python benchmarks/ray_build.py DATA... [--runs 3] [--write FILE]

Each run is `qa index`, or `qa index --ray local`, into an empty folder, as a whole process from its start to
its end, in turn; Ray is started and ended within. Each has one run before that is not counted, in which the
model is made ready. On one machine Ray has no more processors than a process alone, which uses all of them:
what it takes longer is what sharing out costs. Sets of several sizes tell what of that is the same for all.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import common
from common import Row


def main() -> None:
    """Run both in turn on each set, and print how long they take."""
    parser = common.parser(__doc__, peers=False, several=True)
    parser.add_argument("--runs", type=int, default=3, help="runs of each, 3 by default")
    args = parser.parse_args()
    rows, every = [], {}
    for data in args.data:
        engines = {
            name: partial(_timed, data / "docs", ray) for name, ray in (("alone", ""), ("ray", "local"))
        }
        for run in engines.values():
            run()
        runs = every[data.name] = common.take_turns(engines, args.runs)
        alone, ray = (common.medians(runs[name]) for name in engines)
        row = {"set": data.name, "passages": alone["passages"]}
        row |= {"seconds alone": alone["seconds"], "seconds with Ray": ray["seconds"]}
        rows.append(row | {"times as long": ray["seconds"] / alone["seconds"]})
    common.show(rows)
    common.write_json(args.write, {"runs": args.runs}, {"rows": rows, "each_run": every})


def _timed(docs: Path, ray: str) -> Row:
    with TemporaryDirectory() as index:
        started = time.perf_counter()
        report = common.build_index(docs.resolve(), Path(index), QA_RAY=ray)
        return {"seconds": time.perf_counter() - started, "passages": report["passages"]}


if __name__ == "__main__":
    main()
