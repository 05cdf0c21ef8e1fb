"""Measure `qa serve` on a fresh index: start, latency, questions a second and memory, with txtai beside it.

    python benchmarks/serving.py DATA --python build/peers-venv/bin/python [--runs 3] [--write FILE]

DATA is a folder with `docs/` and `questions.jsonl`. A run is, in default settings, a service anew for each:

- from the start of the process to the whole first answer; then one client, with a connection that is kept,
  asks question after question of `/api/v1/search?k=10&mode=hybrid`;
- sixteen such clients at once, each of which asks what is left as soon as it has the answer before;
  then the memory of all processes of the service;
- the same sixteen over the demo corpus, `docs_raw`, for the memory alone;
- txtai in its process, hybrid, without HTTP, on as many threads as it takes: it gives the numbers of the same
  passages for question after question, where the service answers with texts, sentences and sources, as JSON;
- this project in its process, too, without HTTP, on one core.

Every question of the set is asked once of each service, in the same order, after others that warm it up. An
answer counts if its status is 200 and it has passages for that question; answers are checked after the clock.
The clients are one thread that shares the machine's cores with the service; its processor time is told. Files
are in the system's cache. Memory is Linux's `smaps_rollup`: PSS counts a page that processes share in parts,
RSS whole in each. `make bench-serve DATA=...` makes the environment.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import clients
import common
from common import Figure, Row, Service

PEER = "txtai"
CLIENTS = 16

_PEER_SCRIPT = str(Path(__file__).with_name("peers.py"))
MEMORY = re.compile(r"^(Rss|Pss): +(\d+) kB$", re.MULTILINE)


def main() -> None:
    """Run both in turn and print what came of it."""
    args = common.parser(__doc__, limit="ask only so many of the questions, evenly spaced").parse_args()
    distinct = dict.fromkeys(question["question"].strip() for question in common.read_questions(args.data))
    questions = common.spaced(list(distinct), args.limit)
    with TemporaryDirectory() as folder:
        indexes = {"set": Path(folder) / "set", "demo": Path(folder) / "demo"}
        docs = args.data / "docs"
        counts = common.build_index(docs, indexes["set"])
        common.build_index(common.ROOT / "docs_raw", indexes["demo"])
        task = make_task(docs, indexes["set"], questions)
        engines = {
            "qa": partial(ours, indexes, questions),
            "qa in process": partial(alone, sys.executable, "qa", task),
            PEER: partial(alone, args.python, PEER, task),
        }
        runs = common.take_turns(engines, args.runs)
    facts = {"set": args.data.name, "questions": len(questions), "runs": args.runs, "clients": CLIENTS}
    facts |= {name: counts[name] for name in ("documents", "passages")}
    facts["version"] = runs[PEER][0]["version"]
    common.report(args.write, facts, PEER, list(_figures(runs)), runs)


def make_task(docs: Path, index: Path, questions: list[str]) -> Row:
    """Put down what an engine in its own process gets, as the comparison of the engines gives it."""
    passages = [[*passage["place"], passage["text"]] for passage in common.read_passages(index)]
    warm_up = common.warm_up(questions)
    return {
        "docs": str(docs.resolve()), "model": common.model_folder(), "passages": passages,
        "questions": questions, "warm_up": warm_up,
    }  # fmt: skip


def alone(python: str | Path, engine: str, task: Row) -> Row:
    """Ask an engine in its own process, this project's on as many cores as the service gives a request."""
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} if engine == "qa" else {}
    result = common.run_worker(python, _PEER_SCRIPT, engine, task, **environment)
    return {"version": result["version"]} | common.percentiles(result["ms"], 50, 95, 99)


def ours(indexes: Mapping[str, Path], questions: Sequence[str]) -> Row:
    """Start services and ask them."""
    with common.service(indexes["set"]) as service:
        clients.ask(service.url, 1, ["What is asked first?"])
        row: Row = {"start_seconds": time.perf_counter() - service.started}
        row |= _alone(service, questions)
    with common.service(indexes["set"]) as service:
        row |= _together(service, questions) | _memory(service, "set")
    with common.service(indexes["demo"]) as service:
        _together(service, questions)
        return row | _memory(service, "demo")


def _alone(service: Service, questions: Sequence[str]) -> Row:
    clients.ask(service.url, 1, common.warm_up(questions))
    load = clients.ask(service.url, 1, questions)
    return {"failed_alone": load.failed} | common.percentiles(load.ms, 50, 95, 99)


def _together(service: Service, questions: Sequence[str]) -> Row:
    clients.ask(service.url, CLIENTS, common.warm_up(questions))
    load = clients.ask(service.url, CLIENTS, questions)
    times = common.percentiles(load.ms, 50, 99)
    return {
        "questions_per_second": (len(questions) - load.failed) / load.seconds,
        "failed_together": load.failed,
        "client_cpu_share": load.cpu_seconds / load.seconds,
    } | {f"{name}_together": value for name, value in times.items()}


def _memory(service: Service, name: str) -> Row:
    """Read the memory of the service's processes, in MiB: of the largest, and of all."""
    sizes: dict[str, list[float]] = {"Rss": [], "Pss": []}
    for process in family(service.process):
        facts = Path(f"/proc/{process}/smaps_rollup").read_text("ascii")
        for kind, size in MEMORY.findall(facts):
            sizes[kind].append(int(size) / 1024)
    return {
        f"{name}_rss_mib": max(sizes["Rss"]),
        f"{name}_all_rss_mib": sum(sizes["Rss"]),
        f"{name}_all_pss_mib": sum(sizes["Pss"]),
    }


def family(process: int) -> Iterator[int]:
    """Return a process and all that it has started."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text("ascii").split():
            yield from family(int(child))


def _figures(runs: Mapping[str, Sequence[Row]]) -> Iterator[Figure]:
    peer, row = common.medians(runs[PEER]), common.medians(runs["qa"])
    yield Figure.alone("seconds from start to first answer", row["start_seconds"], most=2)
    yield Figure.alone("one client, p50 ms", row["ms_p50"], most=5)
    yield Figure.alone("one client, p99 ms", row["ms_p99"], most=12)
    yield Figure.of_time(f"one client beside {PEER}, p50 ms", peer["ms_p50"], row["ms_p50"], least=4)
    inside = common.medians(runs["qa in process"])
    measure = f"one client beside {PEER}, both in process, p50 ms"
    yield Figure.of_time(measure, peer["ms_p50"], inside["ms_p50"])
    for percent in ("p95", "p99"):
        measure = f"one client beside {PEER}, {percent} ms"
        yield Figure.of_time(measure, peer[f"ms_{percent}"], row[f"ms_{percent}"])
    together = f"{CLIENTS} clients"
    yield Figure.alone(f"{together}, questions/s", row["questions_per_second"], least=350)
    for percent in ("p50", "p99"):
        yield Figure.alone(f"{together}, {percent} ms", row[f"ms_{percent}_together"])
    yield Figure.alone(f"{together}, their own share of one core", row["client_cpu_share"])
    failed = sum(run["failed_alone"] + run["failed_together"] for run in runs["qa"])
    yield Figure.alone("failed, all runs", failed, most=0)
    for name in ("set", "demo"):
        of = f"memory on the {name}, MiB resident, "
        yield Figure.alone(of + "of the largest process", row[f"{name}_rss_mib"], most=350)
        for kind in ("rss", "pss"):
            yield Figure.alone(f"{of}of all, {kind.upper()}", row[f"{name}_all_{kind}_mib"])


if __name__ == "__main__":
    main()
