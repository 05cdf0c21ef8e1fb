"""Compare the service of two checkouts, block by block in turn, so that what slows one slows both.

    python benchmarks/in_turn.py DATA BEFORE AFTER [--rounds 8] [--write FILE]

DATA is a folder with `docs/` and `questions.jsonl`; BEFORE and AFTER are checkouts (`git worktree add
../before COMMIT` makes one) whose dependencies this Python has. Each checkout builds its own index and serves
it in default settings. A round asks each service in turn:

- one client, question after question, on a connection that is kept;
- the same with a pause of 20 ms before each question: cores sleep and caches cool;
- sixteen clients, each of which asks as soon as it has its answer: questions a second;
- one client that asks while seventy others ask `/healthz` without a pause.

The figures are medians over the rounds, but for the failures, which are added up.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from urllib.parse import urlsplit

import clients
import common

CLIENTS = 16
RESTLESS = 70
PAUSE_SECONDS = 0.02
BLOCK = 150

_EACH_PAUSED = 40


def main() -> None:
    """Build and serve both, ask them in turn, and print what came of it."""
    parser = common.parser(__doc__, peers=False)
    parser.add_argument("before", type=Path, help="a checkout")
    parser.add_argument("after", type=Path, help="another")
    parser.add_argument("--rounds", type=int, default=8)
    args = parser.parse_args()
    questions = list(dict.fromkeys(one["question"].strip() for one in common.read_questions(args.data)))
    with TemporaryDirectory() as folder, ExitStack() as stack:
        urls = {
            name: stack.enter_context(serving(checkout.resolve(), args.data / "docs", Path(folder) / name))
            for name, checkout in (("before", args.before), ("after", args.after))
        }
        for url in urls.values():
            clients.ask(url, CLIENTS, questions[:BLOCK])
        rounds: dict[str, list[common.Row]] = {name: [] for name in urls}
        for number in range(args.rounds):
            block = [questions[(number * BLOCK + at) % len(questions)] for at in range(BLOCK)]
            for name in sorted(urls, reverse=bool(number % 2)):
                rounds[name].append(_round(urls[name], block))
    figures = {
        name: common.medians(rows) | {"failed": sum(row["failed"] for row in rows)}
        for name, rows in rounds.items()
    }
    for measure, before in figures["before"].items():
        after = figures["after"][measure]
        ratio = f"{after / before:.3f}" if before else "-"
        sys.stdout.write(f"{measure:28} {before:10.2f} {after:10.2f}  {ratio}\n")
    facts = {"set": args.data.name, "rounds": args.rounds, "commits": commits(args.before, args.after)}
    common.write_json(args.write, facts, {"medians": figures, "each_round": rounds})


@contextmanager
def serving(checkout: Path, docs: Path, index: Path) -> Iterator[str]:
    """Build an index with a checkout's code and serve it."""
    environment = {name: value for name, value in os.environ.items() if name[:3] != "QA_"}
    environment |= {"PYTHONPATH": str(checkout), "HF_HUB_OFFLINE": "1"}
    qa = [sys.executable, "-m", "qa"]
    subprocess.run([*qa, "index", str(docs), "--index", str(index)], env=environment, check=True)
    command = [*qa, "serve", "--index", str(index), "--docs", str(docs), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None  # noqa: S101 -- it was asked for
        for line in process.stderr:
            if "Serving on" in line:
                yield line.split()[-1]
                break
        process.send_signal(signal.SIGTERM)


def _round(url: str, questions: Sequence[str]) -> common.Row:
    alone, many = clients.ask(url, 1, questions), clients.ask(url, CLIENTS, questions)
    paused = _ask_with_pauses(url, questions[:_EACH_PAUSED])
    with _restless(url):
        among = clients.ask(url, 1, questions[:_EACH_PAUSED])
    return {
        "one client, p50 ms": statistics.median(alone.ms),
        "one client, p99 ms": _percentile(alone.ms, 99),
        "after a pause, p50 ms": statistics.median(paused),
        "16 clients, questions/s": len(questions) / many.seconds,
        "among 70 restless, p50 ms": statistics.median(among.ms),
        "among 70 restless, max ms": max(among.ms),
        "failed": (alone.failed + many.failed + among.failed),
    }


def _ask_with_pauses(url: str, questions: Sequence[str]) -> list[float]:
    times = []
    for question in questions:
        time.sleep(PAUSE_SECONDS)
        times += clients.ask(url, 1, [question]).ms
    return times


@contextmanager
def _restless(url: str) -> Iterator[None]:
    """Let many clients ask for a probe over and over, on connections that are kept."""
    parts, over = urlsplit(url), Event()

    def run() -> None:
        connection = HTTPConnection(str(parts.hostname), parts.port, timeout=30)
        while not over.is_set():
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        connection.close()

    threads = [Thread(target=run) for _ in range(RESTLESS)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _percentile(times: Sequence[float], percent: int) -> float:
    return sorted(times)[min(len(times) - 1, len(times) * percent // 100)]


def commits(*checkouts: Path) -> Mapping[str, str]:
    """Return the commits of the checkouts ``before`` and ``after``."""
    names = ("before", "after")
    command = ["git", "rev-parse", "HEAD"]
    runs = [
        subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
        for checkout in checkouts
    ]
    return {name: run.stdout.strip() for name, run in zip(names, runs, strict=True)}


if __name__ == "__main__":
    main()
