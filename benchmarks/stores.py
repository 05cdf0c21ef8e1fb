"""Compare the local store with a Milvus on the same passages: upload, latency, memory, and what is found.

    python benchmarks/stores.py DATA... [--size N] [--store SETTING --pid PID] [--work DIR] [--write FILE]

The passages and questions are those of `scale.py`, whose files are taken where they are there. The index is
put into the Milvus that the package `milvus` carries, started for it on this machine, unless --store names
another: a server, whose process --pid may name, or a file of Milvus Lite. Once the server is quiet, each
store is asked the same questions by a process of its own, on one core, one question after another, after
others that warm it up. Both have the same encoder, whose time is in the figures.

Told are, beside the local store's: the share of its first ten passages that the Milvus gives too; and of the
ten sentences that are nearest to each question, by comparing with all, the share that a search finds among a
hundred. The memory is that of the process that serves; that of a Milvus Lite is in it, that of a server is
told apart. Linux only.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import common
import numpy as np
import scale
import scale_jobs
import synthetic_fit
from common import Row
from synthetic_vectors import Questioner

sys.path.append(str(common.ROOT / "tests/stores/milvus"))
from server import Server

from qa.config import Settings
from qa.embedding.loading import open_encoder
from qa.retrieval.searcher import Searcher
from qa.stores.milvus.aliases import live
from qa.stores.milvus.client import Client
from qa.stores.milvus.corpus import MilvusCorpus
from qa.stores.milvus.upload import publish
from qa.stores.protocol import Corpus

_K, _POOL, _GIB = 10, 100, 2**20  # the last in kB
_PATIENCE = 60.0
_STARVED = 60
"""For how many seconds the Milvus may hear nothing of itself: all that runs here shares its processors."""

_QUIET, _LOOKED_FOR, _MOST_MINUTES = 0.2, 10.0, 15
"""Quiet is what takes less than a fifth of a processor for ten seconds; that is waited for, some minutes."""

_RSS = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


def main() -> None:
    """Measure both and print what came of it."""
    parser = common.parser(__doc__, peers=False, several=True)
    parser.add_argument("--size", type=int, default=100_000, help="how many passages")
    parser.add_argument("--store", help="a Milvus, as in the setting; by default one is started")
    parser.add_argument("--pid", type=int, help="the process of the Milvus, to read its memory")
    parser.add_argument("--work", type=Path, default=common.ROOT / "build/scale", help="folder for the files")
    args = parser.parse_args()
    fitted = scale.fitted_to(args.work / "fit", [path.resolve() for path in args.data])
    folder = args.work / str(args.size)
    task = {"work": str(folder), "fit": str(args.work / "fit"), "passages": args.size}
    scale.built(task, fitted["fingerprint"], rebuild=False)
    if not (folder / "questions.json").exists():
        _work("questions", task)
    with _milvus(folder / "milvus", args.store, args.pid) as (store, pid):
        task |= {"store": store, "pid": pid}
        rows = {"upload": _work("upload", task)}
        if pid:
            rows["upload"]["seconds until the server was quiet"] = _quiet(pid)
        rows |= {store: _work(store, task, OMP_NUM_THREADS="1") for store in ("local", "milvus")}
    hits = [rows[store].pop("hits") for store in ("local", "milvus")]
    same = [len({*some} & {*others}) / max(len(some), 1) for some, others in zip(*hits, strict=True)]
    rows["milvus"]["overlap@10 with local"] = float(np.mean(same))
    common.show([{"store": store, **row} for store, row in rows.items() if store != "upload"])
    common.show([rows["upload"]])
    common.write_json(args.write, {"sets": [path.name for path in args.data], "passages": args.size}, rows)


@contextmanager
def _milvus(folder: Path, store: str | None, pid: int | None) -> Iterator[tuple[str, int | None]]:
    """Return the Milvus that is named and its process; by default start one, and end it."""
    if store:
        yield store, pid
        return
    server = Server(folder, ttl=_STARVED)
    server.start()
    try:
        server.wait()
        yield server.store, server.pid
    finally:
        server.kill()
        server.remove()


def _quiet(pid: int) -> float:
    """Wait until a process has next to nothing to do: a Milvus goes on to index what it was given."""
    started = time.monotonic()
    before = _processor_seconds(pid)
    while time.monotonic() - started < _MOST_MINUTES * 60:
        time.sleep(_LOOKED_FOR)
        now = _processor_seconds(pid)
        if now - before < _QUIET * _LOOKED_FOR:
            break
        before = now
    return time.monotonic() - started


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def upload(task: Row) -> Row:
    """Put the index into the Milvus."""
    corpus = scale_jobs.open_index(task)
    started = time.perf_counter()
    done = publish(task["store"], corpus, None)
    return {"upload seconds": time.perf_counter() - started, "rows": done.rows}


def local(task: Row) -> Row:
    """Ask the local index."""
    started = time.perf_counter()
    corpus = scale_jobs.open_index(task)
    row = _asked(task, corpus, time.perf_counter() - started)
    _, _, vectors = scale_jobs.read_made(task)
    nearest = scale_jobs.exactly_nearest(corpus.sentences, vectors)
    np.save(Path(task["work"]) / "nearest.npy", nearest[:, :_K])
    shares = [
        np.isin(rows[:_K], corpus.sentences.score(vector).nearest(_POOL)).mean()
        for vector, rows in zip(vectors, nearest, strict=True)
    ]
    return row | {"recall@10, sentences": float(np.mean(shares))}


def milvus(task: Row) -> Row:
    """Ask the Milvus."""
    client = Client(task["store"], patience=_PATIENCE)
    started = time.perf_counter()
    corpus = MilvusCorpus(client, str(live(client)), Path(task["work"]) / "cache")
    row = _asked(task, corpus, time.perf_counter() - started)
    if task["pid"]:
        row["server GiB"] = _resident(task["pid"])
    _, _, vectors = scale_jobs.read_made(task)
    nearest, shares = np.load(Path(task["work"]) / "nearest.npy"), []
    for vector, rows in zip(vectors, nearest, strict=True):
        got = corpus.client.search(
            corpus.sentences, "vector", vector.tolist(), limit=_POOL, where="", fields=["row"],
            parameters=corpus.layout.search,
        )  # fmt: skip
        shares.append(np.isin(rows, [one["id"] for one in got]).mean())
    client.close()
    return row | {"recall@10, sentences": float(np.mean(shares))}


def _asked(task: Row, corpus: Corpus, opened: float) -> Row:
    """Ask the questions; give the times, the memory, and what was found."""
    encoder = open_encoder(Settings().model, Path(task["fit"]) / "encoder")
    asked, answers, vectors = scale_jobs.read_made(task)
    searcher = Searcher(corpus, Questioner(encoder, dict(zip(asked, vectors, strict=True))))
    scale_jobs.ask(searcher, asked[: common.WARM_UP])
    ms, hits = scale_jobs.ask(searcher, asked[common.WARM_UP :])
    met = [answer in some for answer, some in zip(answers[common.WARM_UP :], hits, strict=True)]
    return {
        "open seconds": opened,
        **common.percentiles(ms, 50, 95, 99),
        "GiB": _resident("self"),
        "passage in hits": float(np.mean(met)),
        "hits": hits,
    }


def _resident(pid: object) -> float:
    match = _RSS.search(Path(f"/proc/{pid}/status").read_text("ascii"))
    return int(match[1]) / _GIB if match else 0.0


def _work(job: str, task: Row, **environment: str) -> Row:
    return common.run_worker(sys.executable, __file__, job, task, **environment)


if __name__ == "__main__":
    jobs = (scale_jobs.write, scale_jobs.build, scale_jobs.questions, upload, local, milvus)
    common.start(main, {"fit": synthetic_fit.fit} | {job.__name__: job for job in jobs})
