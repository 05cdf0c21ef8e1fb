"""What `scale.py` does in processes of their own."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import common
import numpy as np
from common import Row
from synthetic_questions import Questions
from synthetic_text import Library
from synthetic_vectors import Questioner, StandIn, neighbourhood

from qa.config import Settings
from qa.embedding.loading import open_encoder
from qa.index import generation
from qa.index.dense.vectors import VectorIndex
from qa.index.generation import Generation
from qa.retrieval.searcher import Searcher
from qa.text.segmentation.passages import context
from qa.types import Float32, Int64, Passage, PassageInput, Query, Span

QUESTIONS = 500

_K = 10
_POOL = 100
"""How many sentences a search asks for."""

_EXACT = 1000
_SURROUNDINGS = 2500
_GIB = 2**30
_STATUS = re.compile(r"^(VmHWM|VmRSS|RssAnon|RssFile):\s+(\d+) kB$", re.MULTILINE)
_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)
_MAPPING = re.compile(
    r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ +(\S.*)\n(?:\w+:.*\n)*?Rss: +(\d+) kB$", re.MULTILINE
)


def write(task: Row) -> Row:
    """Write the documents."""
    started = time.perf_counter()
    library = Library(json.loads((Path(task["fit"]) / "sources.json").read_bytes()))
    facts = library.write(Path(task["work"]) / "docs", task["passages"])
    return facts | {"write_seconds": time.perf_counter() - started}


def build(task: Row) -> Row:
    """Bring the index up to date with the documents."""
    from qa.indexing import build as builder  # noqa: PLC0415 -- its memory is not the service's

    settings = Settings(docs=Path(task["work"]) / "docs", index=Path(task["work"]) / "index")
    encoder = StandIn(Path(task["fit"]))
    with _PeakOfOwn() as own:
        report = builder.build(settings, encoder)
    manifest = generation.Manifest.read(generation.current(settings.index))
    files = {name: facts["bytes"] for name, facts in manifest.files.items()}
    return {
        "changed": report.changed,
        "built_passages": report.passages,
        "sentences": manifest.sentences,
        "build_seconds": report.seconds,
        "build_drawing_seconds": encoder.seconds,
        "build_cpu_seconds": time.process_time(),
        "build_rss_gib": memory()["VmHWM"],
        "build_own_gib": own.most,
        "index_gib": sum(files.values()) / _GIB,
        "index_bytes": files,
        "vectors": dict(manifest.vectors),
    }


def questions(task: Row) -> Row:
    """Make questions about passages from all over the index; tell how near its sentences are."""
    corpus, fit = open_index(task), Path(task["fit"])
    random = np.random.default_rng(0)
    rows = random.choice(len(corpus.passages), QUESTIONS + common.WARM_UP, replace=False).tolist()
    passages = corpus.store.passages(rows)
    inputs = [_as_embedded(passage) for passage in passages]
    chosen = [int(random.integers(len(one.sentences))) for one in inputs]
    made = StandIn(fit).encode_passages(inputs)
    asked, vectors = Questions(fit).make(
        [one.sentences[at].slice(one.text) for one, at in zip(inputs, chosen, strict=True)],
        np.stack([one.sentences[at] for one, at in zip(made, chosen, strict=True)]),
    )
    np.save(Path(task["work"]) / "questions.npy", vectors)
    kept = {"questions": asked, "answers": [passage.id for passage in passages]}
    (Path(task["work"]) / "questions.json").write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
    return {"neighbourhood": _surroundings(corpus, Questions(fit))}


def _surroundings(corpus: Generation, made: Questions) -> Row:
    """Measure the first passages' neighbourhood: as many as there are real ones, or about."""
    starts = np.asarray(corpus.sentence_starts[: _SURROUNDINGS + 1])
    sentences = corpus.sentences.vectors(np.arange(starts[-1]))
    asked = np.random.default_rng(1).choice(sentences, 2 * QUESTIONS, replace=False)
    return neighbourhood(sentences, starts, made.vectors(asked))


def serve(task: Row) -> Row:
    """Open the index as the service does, ask, and read the memory."""
    started = time.perf_counter()
    searcher = _searcher(task, open_index(task))
    opened = time.perf_counter() - started
    asked, answers, _ = read_made(task)
    ask(searcher, asked[: common.WARM_UP])
    ms, hits = ask(searcher, asked[common.WARM_UP :])
    shared = _PSS.findall(Path("/proc/self/smaps_rollup").read_text("ascii"))
    met = [answer in rows for answer, rows in zip(answers[common.WARM_UP :], hits, strict=True)]
    return {
        "open_seconds": opened,
        **common.percentiles(ms, 50, 95, 99),
        **{f"serve_{name}_gib": value for name, value in memory().items()},
        "serve_Pss_gib": int(shared[0]) * 1024 / _GIB,
        "serve_mapped_gib": _mapped(Path(task["work"])),
        "passage_in_hits": float(np.mean(met)),
    }


def compare(task: Row) -> Row:
    """Compare what is found with what is there, by sentences and by the hits of whole searches."""
    corpus = open_index(task)
    asked, _, vectors = read_made(task)
    nearest = exactly_nearest(corpus.sentences, vectors)
    shares = [
        np.isin(rows[:_K], corpus.sentences.score(vector).nearest(_POOL)[:_K]).mean()
        for vector, rows in zip(vectors, nearest, strict=True)
    ]
    _, usual = ask(_searcher(task, corpus), asked)
    _, best = ask(_searcher(task, _exact(corpus, vectors, nearest)), asked)
    same = [len({*some} & {*every}) / len(every) for some, every in zip(usual, best, strict=True)]
    return {"recall_sentences": float(np.mean(shares)), "recall_hits": float(np.mean(same))}


def open_index(task: Row) -> Generation:
    """Open the index."""
    return generation.load(generation.current(Path(task["work"]) / "index"))


def _searcher(task: Row, corpus: Generation) -> Searcher:
    """Search with the drawn vectors, in the time that the real encoder takes."""
    encoder = open_encoder(Settings().model, Path(task["fit"]) / "encoder")
    asked, _, vectors = read_made(task)
    return Searcher(corpus, Questioner(encoder, dict(zip(asked, vectors, strict=True))))


def read_made(task: Row) -> tuple[list[str], list[str], Float32]:
    """Read the questions, the passages that they are about, and their vectors."""
    content = json.loads((Path(task["work"]) / "questions.json").read_bytes())
    return content["questions"], content["answers"], np.load(Path(task["work"]) / "questions.npy")


def _as_embedded(passage: Passage) -> PassageInput:
    """Return what the encoder read of a passage."""
    start = passage.span.start
    sentences = tuple(Span(first - start, last - start) for first, last in passage.sentences)
    return PassageInput(context(passage.document.metadata, passage.section), passage.text, sentences)


def ask(searcher: Searcher, asked: Sequence[str]) -> tuple[list[float], list[list[str]]]:
    """Ask one after the other: give the milliseconds and the passages."""
    ms, hits = [], []
    for question in asked:
        started = time.perf_counter()
        result = searcher.search(Query(question, k=_K))
        ms.append((time.perf_counter() - started) * 1000)
        hits.append([hit.passage.id for hit in result.hits])
    return ms, hits


# Exact search


def _exact(corpus: Generation, queries: Float32, nearest: Int64) -> Generation:
    """Return a generation that knows these questions' nearest sentences."""
    known = {query.tobytes(): rows for query, rows in zip(queries, nearest, strict=True)}
    return replace(corpus, sentences=_ExactSentences(corpus.sentences, known))


@dataclass(frozen=True, slots=True)
class _ExactSentences:
    """Sentences of which the nearest are known for some questions."""

    sentences: VectorIndex
    nearest: Mapping[bytes, Int64]

    def ask(self, query: Float32) -> _ExactCosines:
        """Compare with one of those questions."""
        return _ExactCosines(self.sentences, query, self.nearest[query.tobytes()])


@dataclass(frozen=True, slots=True)
class _ExactCosines:
    """One question's cosines with those sentences."""

    sentences: VectorIndex
    query: Float32
    rows: Int64
    every: None = None

    def of(self, rows: Int64) -> Float32:
        """Return those of these rows."""
        return self.sentences.vectors(rows) @ self.query

    def nearest(self, count: int, _allowed: None = None) -> Int64:
        """Return the rows with the greatest."""
        if count > len(self.rows) < len(self.sentences):
            raise SystemExit(f"a search asked for {count} sentences, of which {_EXACT} are known")
        return self.rows[:count]


def exactly_nearest(sentences: VectorIndex, queries: Float32) -> Int64:
    """Compare with all: give each query's nearest rows, the best first, ``_EXACT`` at the most."""
    rows = np.empty((len(queries), 0), np.int64)
    cosines = np.empty((len(queries), 0), np.float32)
    for first, block in sentences.blocks():
        products = queries @ block.T
        best = np.argpartition(-products, min(_EXACT, products.shape[1]) - 1, axis=1)[:, :_EXACT]
        rows = np.hstack([rows, best + first])
        cosines = np.hstack([cosines, np.take_along_axis(products, best, 1)])
        order = np.lexsort((rows, -cosines), axis=1)[:, :_EXACT]
        rows, cosines = np.take_along_axis(rows, order, 1), np.take_along_axis(cosines, order, 1)
    return rows


# Memory


class _PeakOfOwn:
    """Watches what a process has in memory of its own, mapped files left out."""

    def __init__(self) -> None:
        self.most = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.most = max(self.most, memory()["RssAnon"])


def memory() -> dict[str, float]:
    """Read this process's memory, in GiB."""
    sizes = _STATUS.findall(Path("/proc/self/status").read_text("ascii"))
    return {name: int(size) * 1024 / _GIB for name, size in sizes}


def _mapped(folder: Path) -> dict[str, float]:
    """Read how much of each mapped file below a folder is resident, in GiB."""
    sizes: dict[str, float] = {}
    for name, size in _MAPPING.findall(Path("/proc/self/smaps").read_text("utf-8")):
        if name.startswith(str(folder.resolve())):
            sizes[Path(name).name] = sizes.get(Path(name).name, 0) + int(size) * 1024 / _GIB
    return sizes
