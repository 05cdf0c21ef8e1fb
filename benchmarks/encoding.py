"""Compare the encoder's speed and vectors with sentence-transformers' own.

    python benchmarks/encoding.py DATA --python build/peers-venv/bin/python [--runs 3] [--write FILE]

DATA is a folder with `docs/` and `questions.jsonl`. The texts are every paragraph of the documents, as this
project makes them, and every sentence of each. The same model encodes them, each run in a process of its own,
in turn, on as many threads as each takes by itself:

- sentence-transformers in its defaults, `SentenceTransformer(model).encode(texts)`: all texts in one call;
- this project with every paragraph and every sentence as a text of its own;
- this project as it indexes: one pass a paragraph, with title and section before it, gives the paragraph's
  vector and its sentences', and token vectors, which sentence-transformers does not give here.

Tokens are those that sentence-transformers reads of these texts, special ones and all, for all three alike:
the third is told what it would have had to read. Not timed: loading the model, one small call, and the
questions. This project gets as many passages a call as `qa index` gives its encoder, and keeps the vectors as
it goes. MRR@10 ranks the paragraphs by the cosine with the question alone, of their own vector or of the
nearest sentence's: no words, no late interaction. `make bench-encode DATA=...` makes the environment.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import common
import numpy as np
from common import Figure, Row

if TYPE_CHECKING:  # the other engine does without this project
    from qa.types import PassageInput

PEER = "sentence-transformers"
APART = "qa, every text by itself"
LATE = "qa, one pass a paragraph"

DEPTH = 10
_SMALL = 32
_TOGETHER = 512
"""How many texts the encoder is given at once. A build gives it fewer, but two groups at a time."""

_KINDS = ("paragraphs", "sentences", "questions")


@dataclass(frozen=True)
class Vectors:
    """The unit vectors that an engine made, a row each; sentences in their paragraphs' order."""

    paragraphs: Any
    sentences: Any
    questions: Any


def main() -> None:
    """Run the engines in turn; print speed, ranking and cosines."""
    args = common.parser(__doc__, limit="encode only so many paragraphs, the first").parse_args()
    questions = [question for question in common.read_questions(args.data) if question["answers"]]
    with TemporaryDirectory() as folder:
        task = make_task(args.data / "docs", questions, args.limit, folder)
        runs = common.take_turns(
            {
                PEER: partial(common.run_worker, args.python, __file__, PEER, task),
                APART: partial(common.run_worker, sys.executable, __file__, APART, task),
                LATE: partial(common.run_worker, sys.executable, __file__, LATE, task),
            },
            args.runs,
        )
        vectors = {engine: _load(Path(folder), engine) for engine in runs}
    rows = {engine: common.medians(runs_of_engine) for engine, runs_of_engine in runs.items()}
    facts = {"set": args.data.name, "runs": args.runs, "tokens": rows[PEER]["tokens"]}
    facts |= {"version": rows[PEER]["version"]} | {kind: len(getattr(vectors[PEER], kind)) for kind in _KINDS}
    figures = [*_speed(rows), *_ranking(vectors, task["passages"], questions), *_cosines(vectors)]
    common.report(args.write, facts, PEER, figures, runs)


def make_task(docs: Path, questions: Sequence[Row], limit: int | None, folder: str) -> Row:
    """Put down what each engine gets: passages, questions, the model, and where to put the vectors."""
    with TemporaryDirectory() as index:
        common.build_index(docs, Path(index))
        passages = common.read_passages(Path(index))[:limit]
    asked = [question["question"] for question in questions]
    return {"passages": passages, "questions": asked, "model": common.model_folder(), "folder": folder}


def sentence_transformers(task: Row) -> Row:
    """Encode paragraphs and sentences with the defaults of sentence-transformers."""
    import sentence_transformers as library  # noqa: PLC0415 -- the other engine's environment has it

    model = library.SentenceTransformer(task["model"])
    texts = _texts(task)
    model.encode(texts[:_SMALL])
    started = time.perf_counter()
    vectors = model.encode(texts)
    seconds = time.perf_counter() - started
    count = len(task["passages"])
    _save(task, PEER, Vectors(vectors[:count], vectors[count:], model.encode(task["questions"])))
    read = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length)["input_ids"]
    return {"version": library.__version__, "seconds": seconds, "tokens": sum(map(len, read))}


def apart(task: Row) -> Row:
    """Encode paragraphs and sentences with this project, each as a text of its own."""
    from qa.types import PassageInput, Span  # noqa: PLC0415

    inputs = [PassageInput("", text, (Span(0, len(text)),)) for text in _texts(task)]
    seconds, (vectors, _) = _encode(inputs)
    count = len(task["passages"])
    _save(task, APART, Vectors(vectors[:count], vectors[count:], _questions(task)))
    return {"seconds": seconds}


def late(task: Row) -> Row:
    """Encode paragraphs with this project, and sentences out of the same pass."""
    from qa.types import PassageInput, Span  # noqa: PLC0415

    inputs = [
        PassageInput(one["context"], one["text"], tuple(Span(*span) for span in one["sentences"]))
        for one in task["passages"]
    ]
    seconds, (paragraphs, sentences) = _encode(inputs)
    _save(task, LATE, Vectors(paragraphs, sentences, _questions(task)))
    return {"seconds": seconds}


def _texts(task: Row) -> list[str]:
    """Return the paragraphs, then their sentences."""
    passages = task["passages"]
    return [
        *(passage["text"] for passage in passages),
        *(passage["text"][start:end] for passage in passages for start, end in passage["sentences"]),
    ]


def _encode(inputs: Sequence[PassageInput]) -> tuple[float, tuple[Any, Any]]:
    """Time this project's encoder; give its passages' and its sentences' vectors too."""
    encoder = _encoder()
    encoder.encode_passages(inputs[:_SMALL])
    started = time.perf_counter()
    passages, sentences = [], []
    for at in range(0, len(inputs), _TOGETHER):
        for vectors in encoder.encode_passages(inputs[at : at + _TOGETHER]):
            passages.append(vectors.passage)
            sentences.append(vectors.sentences)
    seconds = time.perf_counter() - started
    return seconds, (np.stack(passages), np.concatenate(sentences))


def _questions(task: Row) -> Any:
    return np.stack([vectors.vector for vectors in _encoder().encode_queries(task["questions"])])


@cache
def _encoder() -> Any:
    from qa.config import Settings  # noqa: PLC0415
    from qa.embedding.loading import load_encoder  # noqa: PLC0415

    return load_encoder(Settings().model)


def _save(task: Row, engine: str, vectors: Vectors) -> None:
    for kind in _KINDS:
        np.save(Path(task["folder"]) / f"{engine}.{kind}.npy", getattr(vectors, kind))


def _load(folder: Path, engine: str) -> Vectors:
    kinds = (np.load(folder / f"{engine}.{kind}.npy").astype(np.float64) for kind in _KINDS)
    return Vectors(*(rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in kinds))


def _speed(rows: Row) -> Iterable[Figure]:
    """Compare the tokens a second; those of the one pass are the tokens of all the texts."""
    tokens, theirs = rows[PEER]["tokens"], rows[PEER]["seconds"]
    for engine, bar in ((APART, 3.5), (LATE, None)):
        ours = rows[engine]["seconds"]
        measure = engine.replace("qa,", "tokens/s,")
        yield Figure.of_rate(measure, tokens / theirs, tokens / ours, least=bar)


def _ranking(
    vectors: dict[str, Vectors], passages: Sequence[Row], questions: Sequence[Row]
) -> Iterable[Figure]:
    gold = np.array([_holds(passages, question) for question in questions])
    starts = np.cumsum([0, *(len(passage["sentences"]) for passage in passages)])[:-1]
    scores = {engine: _mrr(of_engine, gold, starts) for engine, of_engine in vectors.items()}
    for engine, bar in ((APART, -0.002), (LATE, None)):
        for by in scores[engine]:
            measure = f"MRR@{DEPTH} by {by}, {engine.removeprefix('qa, ')}"
            yield Figure.of_score(measure, scores[PEER][by], scores[engine][by], least=bar)


def _holds(passages: Sequence[Row], question: Row) -> list[bool]:
    """Return of each passage whether it holds a part of an answer."""
    answers = question["answers"]
    return [
        any(answer["doc"] == path and answer["start"] < end and start < answer["end"] for answer in answers)
        for path, start, end in (passage["place"] for passage in passages)
    ]


def _mrr(vectors: Vectors, gold: Any, starts: Any) -> dict[str, float]:
    """Rank paragraphs by their own vector and by their nearest sentence's; where none is right, don't ask."""
    asked = gold.any(axis=1)
    questions = vectors.questions[asked]
    own = questions @ vectors.paragraphs.T
    nearest = np.maximum.reduceat(questions @ vectors.sentences.T, starts, axis=1)
    return {
        "own vector": _reciprocal(own, gold[asked]),
        "nearest sentence": _reciprocal(nearest, gold[asked]),
    }


def _reciprocal(scores: Any, gold: Any) -> float:
    order = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    right = np.take_along_axis(gold, order, axis=1)
    ranks = np.where(right.any(axis=1), right.argmax(axis=1) + 1, np.inf)
    return float(np.mean(1 / ranks))


def _cosines(vectors: dict[str, Vectors]) -> Iterable[Figure]:
    """Compare the vectors of the same texts."""
    for kind in _KINDS:
        theirs, ours = getattr(vectors[PEER], kind), getattr(vectors[APART], kind)
        cosines = np.minimum(np.einsum("ij,ij->i", theirs, ours), 1)
        yield Figure.alone(f"cosine with {PEER}, {kind}, mean", float(cosines.mean()))
        yield Figure.alone(f"cosine with {PEER}, {kind}, least", float(cosines.min()))


if __name__ == "__main__":
    common.start(main, {PEER: sentence_transformers, APART: apart, LATE: late})
