"""Question sets asked in this process: the signals of the likeliest passages, and which are right.

A set is a folder with `questions.jsonl` and, unless they are another set's, `docs/`. The documents of
`xquad-ru-en-half` are those of `xquad-en-half`, those of `xquad-en-slips` are those of `xquad-en`: the name
less some of its parts. What was asked is kept beside the index, as asking takes minutes.
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from qa.embedding.loading import load_encoder
from qa.embedding.model_protocols import Encoder
from qa.embedding.models import DEFAULT_MODEL
from qa.index import generation
from qa.index.generation import Generation
from qa.retrieval.candidates import dense_candidates, lexical_candidates, merge
from qa.retrieval.ranking import rank
from qa.retrieval.signals import FOREIGN, QuestionSignals, Signals
from qa.text.language import LEGIBLE
from qa.types import Query

_DEPTH = 20
_MOST, _MOST_FROM_ELSEWHERE = 400, 60
"""So many questions of a set are asked of its own documents, and of other sets', evenly drawn."""


@dataclass(frozen=True)
class Question:
    """A question that was asked.

    Attributes:
        signals: signals of the likeliest passages, best first.
        right: which of them are right.
        fluency: how well the model knows the question's language.
        answered: whether the documents answer it.
        sentences: signals of the sentences of the first right passage; none if no passage is right.
        marked: which of these sentences overlap an answer.
    """

    signals: Signals
    right: Any
    fluency: float
    answered: bool
    sentences: Signals
    marked: Any

    @property
    def kind(self) -> str:
        """Which of a fit's regressions is asked: ``words``, ``across`` or ``confidence``."""
        if self.fluency < LEGIBLE:
            return "words"
        return "across" if FOREIGN in self.signals and self.signals[FOREIGN][:1].any() else "confidence"


@dataclass(frozen=True)
class Asked:
    """The questions of a set, asked of the documents of a set."""

    documents: str
    questions: str
    all: list[Question]


def arguments(doc: str | None) -> argparse.Namespace:
    """Return the arguments of a program that fits: the sets, the model, and where things go."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--work", type=Path, default=Path("build/fit"), help="where the indexes are kept")
    parser.add_argument("--write", type=Path, help="write the report to this Markdown file too")
    return parser.parse_args()


def report(args: argparse.Namespace, subject: str, lines: Sequence[str]) -> None:
    """Print a report, and write it to the file of the arguments, if there is one."""
    print("\n".join(lines))
    if args.write:
        command = f"python benchmarks/{Path(sys.argv[0]).name} DATA --model {args.model}"
        title = f"# {subject} of {args.model}\n\n`{command}`\n\n"
        args.write.write_text(title + "\n".join(lines) + "\n", "utf-8")


def ask_all(data: Path, work: Path, model: str, *, elsewhere: bool = True) -> Iterator[Asked]:
    """Ask every set's questions of its own documents and, unless told otherwise, of others' too.

    Those are documents that do not answer them: sets that have files of the same name are kept apart.
    """
    encoder = load_encoder(model)
    sets = {path.parent.name for path in data.glob("*/questions.jsonl")}
    homes = {name: home for name in sorted(sets) if (home := documents_of(name, data)) is not None}
    files = {
        home: {path.name for path in (data / home / "docs").rglob("*") if path.is_file()}
        for home in homes.values()
    }
    for home in sorted(files):
        for name, own_home in homes.items():
            if own_home == home or (elsewhere and files[home].isdisjoint(files[own_home])):
                yield _kept(data, work / model.replace("/", "_"), home, name, encoder, own=own_home == home)


def kin(name: str) -> str:
    """Return what a set has in common with its halves and translations."""
    return name.partition("-")[0]


def documents_of(name: str, data: Path) -> str | None:
    """Return the set whose documents a set's questions are about.

    It keeps as much of the name as it can, rather its end: questions of ``xquad-ru-en`` are in Russian, about
    documents in English.
    """
    parts = name.split("-")
    shorter = (
        "-".join(kept)
        for count in range(len(parts), 0, -1)
        for kept in reversed(list(combinations(parts, count)))
    )
    return next((one for one in shorter if (data / one / "docs").is_dir()), None)


def _kept(data: Path, work: Path, home: str, name: str, encoder: Encoder, *, own: bool) -> Asked:
    index = work / home
    command = [sys.executable, "-m", "qa", "index", str(data / home / "docs"), "--index", str(index)]
    subprocess.run([*command, "--model", encoder.name], check=True, stdout=subprocess.DEVNULL)
    folder = generation.current(index)
    kept = work / f"{home}~{name}~{folder.name}.pickle"
    if not kept.exists():
        asked = list(_ask(generation.load(folder), encoder, data / name / "questions.jsonl", own=own))
        kept.write_bytes(pickle.dumps(asked))
        print(f"asked {len(asked)} questions of {name} of the documents of {home}", file=sys.stderr)
    return Asked(home, name, pickle.loads(kept.read_bytes()))  # noqa: S301 -- written here


def _ask(index: Generation, encoder: Encoder, path: Path, *, own: bool) -> Iterator[Question]:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    lines = lines[:: max(1, len(lines) // (_MOST if own else _MOST_FROM_ELSEWHERE))]
    languages = index.store.languages()
    vectors = encoder.encode_queries([line["question"] for line in lines])
    for line, vector in zip(lines, vectors, strict=True):
        query = Query(line["question"])
        lexical = lexical_candidates(index, query, _DEPTH, languages, None)
        candidates = merge(query, _DEPTH, lexical, dense_candidates(index, vector, _DEPTH, None))
        signals = QuestionSignals(index, candidates)
        ranking = rank(index, signals)
        answers = line["answers"] if own else []
        passages = index.store.passages(ranking.rows.tolist())
        right = np.array([_is_right(passage, answers) for passage in passages], bool)
        first = ranking.rows[right.argmax() :][: int(right.any())]
        sentences, _ = signals.score_sentences(first)
        marked = _marked(passages[int(right.argmax())], answers) if len(first) else np.empty(0, bool)
        yield Question(ranking.signals, right, candidates.fluency, bool(answers), sentences, marked)


def _marked(passage: Any, answers: list[dict[str, Any]]) -> Any:
    """Return which sentences of a passage overlap an answer; none if answers name pages only."""
    places = [(answer["start"], answer["end"]) for answer in answers if "page" not in answer]
    return np.array(
        [
            any(min(span.end, end) > max(span.start, start) for start, end in places)
            for span in passage.sentences
        ],
        bool,
    )


def _is_right(passage: Any, answers: list[dict[str, Any]]) -> bool:
    return any(
        passage.document.path == answer["doc"]
        and (
            passage.page == answer["page"]
            if "page" in answer
            else min(passage.span.end, answer["end"]) > max(passage.span.start, answer["start"])
        )
        for answer in answers
    )
