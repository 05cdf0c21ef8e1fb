"""Index a great many tiny files, as a whole process, and watch time and memory: ``make tiny-files``.

Each holds one sentence of its own, in folders of a thousand. They are indexed from nothing with the default
model, then once more with nothing changed, then after a hundredth was changed, removed and added; each index
must hold every file, and pass ``qa verify``. A million take some 4 GB for the files and 8 GB for the index.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import common
from common import Row

_A_FOLDER = 1000
_CHANGED = 100
"""One in so many files is changed, and one removed."""


def main() -> None:
    """Run it, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--work", type=Path, default=common.ROOT / "build", help="folder for the files")
    parser.add_argument("--write", type=Path, help="write the report to this file as JSON")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=given.work) as folder:
        rows = _measure(Path(folder), given.files)
    common.show(rows)
    common.write_json(given.write, {"files": given.files}, {"runs": rows})


def _measure(work: Path, count: int) -> list[Row]:
    docs = work / "docs"
    for number in range(count):
        _put(docs, number, "has")
    rows = [_indexed(work, "from nothing", count), _indexed(work, "nothing changed", count)]
    for number in range(0, count, _CHANGED):
        _put(docs, number, "had")
        _path(docs, number + 1).unlink()
        _put(docs, count + number, "has")
    return [*rows, _indexed(work, "one in a hundred changed, removed and added", count)]


def _path(docs: Path, number: int) -> Path:
    return docs / str(number // _A_FOLDER) / f"{number}.txt"


def _put(docs: Path, number: int, has: str) -> None:
    path = _path(docs, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"The house with the number {number} {has} {number % 7 + 1} rooms.\n", "utf-8")


def _indexed(work: Path, what: str, count: int) -> Row:
    """Run `qa index`, hold the index against the files, and tell what it took."""
    command = [sys.executable, "-m", "qa"]
    index = ["--index", str(work / "index")]
    started = time.perf_counter()
    with subprocess.Popen(
        [*command, "index", str(work / "docs"), *index, "--json"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 -- it was asked for
        report = json.loads(process.stdout.read())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode or report["documents"] != count or report["failures"]:
        raise SystemExit(f"{count} files came out as {report}")
    subprocess.run([*command, "verify", *index], stdout=subprocess.DEVNULL, check=True)
    return {
        "run": what,
        "seconds": round(seconds, 1),
        "processor seconds": round(used.ru_utime + used.ru_stime, 1),
        "most memory, MiB": round(used.ru_maxrss / 1024),
        "embedded": report["embedded"],
    }


if __name__ == "__main__":
    main()
