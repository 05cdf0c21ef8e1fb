"""Compare with txtai (hybrid) and Chroma on the same passages, model and questions.

    python benchmarks/peers.py DATA --python build/peers-venv/bin/python [--limit 50] [--write FILE]

DATA is a folder with `docs/` and `questions.jsonl`; questions without an answer are left out. The passages
are those that this project makes of the documents. Each run of an engine is a process of its own, the
engines take turns, and what is printed is the median of the runs. Indexing, with the model loaded, goes from
files to an index on disk here, and from the ready passages to an index in memory there. Latency is that of
one question at a time, without HTTP; the questions that warm an engine up are others. `make bench-peers`
makes the environment.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

import common
from common import Place, Row

Ask = Callable[[str], Sequence[Place]]
"""Gives the passages that an engine finds for a question, best first."""

DEPTH = 10


def main() -> None:
    """Run the engines in turn and print a row each."""
    parser = common.parser(__doc__, limit="ask only so many of the questions, evenly spaced")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    args = parser.parse_args()
    answered = [question for question in common.read_questions(args.data) if question["answers"]]
    questions = common.spaced(answered, args.limit)
    task = make_task(args.data / "docs", [question["question"] for question in questions])
    runs = common.take_turns(
        {engine: partial(measure, args.python, engine, task, questions) for engine in args.engines},
        args.runs,
    )
    rows = [{"engine": engine} | common.medians(runs_of_engine) for engine, runs_of_engine in runs.items()]
    common.show(rows)
    facts = {"set": args.data.name, "questions": len(questions), "passages": len(task["passages"])}
    common.write_json(args.write, facts | {"runs": args.runs}, {"rows": rows})


def make_task(docs: Path, questions: list[str]) -> dict[str, Any]:
    """Put down what each engine gets, the passages as this project makes them."""
    with TemporaryDirectory() as folder:
        common.build_index(docs, Path(folder))
        passages = [[*passage["place"], passage["text"]] for passage in common.read_passages(Path(folder))]
    return {
        "docs": str(docs.resolve()),
        "model": common.model_folder(),
        "passages": passages,
        "questions": questions,
        "warm_up": common.warm_up(questions),
    }


def measure(python: Path, engine: str, task: dict[str, Any], questions: Sequence[Any]) -> Row:
    """Run an engine in a new process and score what it finds."""
    result = common.run_worker(sys.executable if engine == "qa" else python, __file__, engine, task)
    scores = [
        score(places, [(answer["doc"], answer["start"], answer["end"]) for answer in question["answers"]])
        for places, question in zip(result["found"], questions, strict=True)
    ]
    row = {name: mean(each[name] for each in scores) for name in scores[0]}
    times = common.percentiles(result["ms"], 50, 99)
    return {"version": result["version"]} | row | times | {"index_seconds": result["index_seconds"]}


def score(places: Sequence[Place], answers: Sequence[Place]) -> dict[str, float]:
    """Score one question's passages, each a place, against the places of its answers."""
    gold = {(path, i) for path, start, end in answers for i in range(start, end)}
    shown = [{(path, i) for path, start, end in [place] for i in range(start, end)} for place in places]
    first = next((rank for rank, characters in enumerate(shown[:DEPTH], 1) if characters & gold), None)
    top = set().union(*shown[:5])
    return {
        "success@1": float(first == 1),
        "mrr@10": 1 / first if first else 0.0,
        "recall@5": len(top & gold) / len(gold),
        "iou@5": len(top & gold) / len(top | gold),
    }


def work(engine: str, task: dict[str, Any]) -> Row:
    """Do the task as one engine, and tell what came of it."""
    ready = ENGINES[engine](task)
    started = time.perf_counter()
    ask = ready()
    seconds = time.perf_counter() - started
    package = "chromadb" if engine == "chroma" else engine
    report: Row = {"version": version(package), "index_seconds": seconds, "ms": [], "found": []}
    for question in task["warm_up"]:
        ask(question)
    for question in task["questions"]:
        started = time.perf_counter()
        places = ask(question)
        report["ms"].append((time.perf_counter() - started) * 1000)
        report["found"].append([list(place) for place in places])
    return report


def qa(task: dict[str, Any]) -> Callable[[], Ask]:
    """Make this project ready, in its default settings."""
    from qa.config import Settings  # noqa: PLC0415
    from qa.embedding.loading import load_encoder  # noqa: PLC0415
    from qa.index import generation  # noqa: PLC0415
    from qa.indexing.build import build  # noqa: PLC0415
    from qa.retrieval.searcher import Searcher  # noqa: PLC0415
    from qa.types import Query  # noqa: PLC0415

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
            answer = collection.query(query_embeddings=model.encode([question]), n_results=DEPTH)
            return [passages[int(number)][:3] for number in answer["ids"][0]]

        return ask

    return ready


ENGINES = {"qa": qa, "txtai": txtai, "chroma": chroma}
"""Each gets the task, loads its model, and gives what builds its index and then answers."""


if __name__ == "__main__":
    common.start(main, {engine: partial(work, engine) for engine in ENGINES})
