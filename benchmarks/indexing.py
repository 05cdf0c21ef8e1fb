"""Compare the time from nothing to an index on disk with txtai's, each as a whole process.

    python benchmarks/indexing.py DATA --python build/peers-venv/bin/python [--runs 3] [--write FILE]

DATA is a folder with `docs/`. Each run is a process of its own, from its start to its end, in turn:

- `qa index`: reads the files, finds passages and sentences, embeds them, writes, checks every byte and
  passage, and publishes; into an empty folder, and once more with nothing changed;
- txtai, hybrid: imports, loads the model, indexes the passages that this project has made, and saves. It gets
  them ready, keeps no texts, no sentences and no metadata, and checks nothing: all that is in its favour.

Before that, each has one run that is not counted. This project's is the first on a machine: what it keeps
for later runs, the exported model in the folder that QA_CACHE names, it makes then; that run is told apart.
The files of both are in the system's cache. `make bench-index DATA=...` makes the environment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import common
from common import Figure, Row

PEER = "txtai"


def main() -> None:
    """Run both in turn and print how long they take."""
    args = common.parser(__doc__).parse_args()
    docs = (args.data / "docs").resolve()
    with TemporaryDirectory() as cache:
        index = partial(ours, docs, cache)
        first, passages = _first(docs, cache)
        task = {"model": common.model_folder(), "passages": [passage["text"] for passage in passages]}
        other = partial(theirs, args.python, task)
        other()
        runs = common.take_turns({PEER: other, "qa": index}, args.runs)
    peer, row = (common.medians(runs[engine]) for engine in (PEER, "qa"))
    sentences = sum(len(passage["sentences"]) for passage in passages)
    facts = {"set": args.data.name, "runs": args.runs, "version": peer["version"]}
    facts |= {"documents": row["documents"], "passages": len(passages), "sentences": sentences}
    figures = [
        Figure.of_time("seconds to an index on disk", peer["seconds"], row["seconds"], least=2.5),
        Figure.alone("seconds where nothing has changed", row["unchanged_seconds"]),
        Figure.alone("seconds to the first index on a machine", first),
    ]
    common.report(args.write, facts, PEER, figures, runs)


def _first(docs: Path, cache: str) -> tuple[float, list[Row]]:
    """Time the first index on a machine; give its passages too."""
    with TemporaryDirectory() as index:
        seconds, _ = _timed(partial(common.build_index, docs, Path(index), QA_CACHE=cache))
        return seconds, common.read_passages(Path(index))


def ours(docs: Path, cache: str) -> Row:
    """Time `qa index` on an empty folder, and again on the index that it made."""
    with TemporaryDirectory() as index:
        run = partial(common.build_index, docs, Path(index), QA_CACHE=cache)
        seconds, report = _timed(run)
        unchanged, again = _timed(run)
    if again["changed"]:
        raise SystemExit(f"`qa index` built again what had not changed: {again['reason']}")
    return {"seconds": seconds, "unchanged_seconds": unchanged, "documents": report["documents"]}


def theirs(python: Path, task: Row) -> Row:
    """Time txtai from the start of its process to the end."""
    with TemporaryDirectory() as folder:
        save = {"folder": str(Path(folder) / "index")}
        seconds, result = _timed(partial(common.run_worker, python, __file__, PEER, task | save))
    if result["count"] != len(task["passages"]):
        raise SystemExit(f"txtai has {result['count']} of {len(task['passages'])} passages")
    return {"version": result["version"], "seconds": seconds}


def txtai(task: Row) -> Row:
    """Index and save as txtai: vectors and BM25 in its own proportion."""
    import txtai as library  # noqa: PLC0415 -- the other engine's environment has it

    embeddings = library.Embeddings(path=task["model"], hybrid=True)
    embeddings.index(task["passages"])
    embeddings.save(task["folder"])
    return {"version": version("txtai"), "count": embeddings.count()}


def _timed(run: Callable[[], Row]) -> tuple[float, Row]:
    started = time.perf_counter()
    result = run()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    common.start(main, {PEER: txtai})
