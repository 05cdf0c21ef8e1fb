"""Fit the confidence, and check it on data that it was not fitted on.

    python benchmarks/confidence.py DATA [--work DIR] [--write FILE.md]

DATA holds question sets (folders with `docs/` and `questions.jsonl`). Every question of a set is asked of
the set's own documents, and of other sets' documents, which do not answer it. The fit is a logistic
regression over `confidence_features`, each set and kind of question weighing by the square root of its
number. Printed: the coefficients to put into `qa/retrieval/confidence.py`, fitted on everything; and, with
each set left out of the fit in turn, how the confidence does on that set: AUROC, balanced accuracy at the
threshold, and a reliability diagram (what was said against what was so).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from qa.embedding.loading import load_encoder
from qa.embedding.model_protocols import Encoder
from qa.index import generation
from qa.index.generation import Generation
from qa.retrieval.candidates import dense_candidates, lexical_candidates, merge
from qa.retrieval.confidence import ANSWERABLE, confidence_features
from qa.retrieval.ranking import rank
from qa.retrieval.signals import QuestionSignals
from qa.types import Query

_MOST_FROM_ELSEWHERE = 300
_BINS = 10


@dataclass
class Asked:
    """Questions of one set asked of the documents of one set: evidence, and whether they are answered."""

    documents: str
    questions: str
    evidence: list[list[float]]
    answered: list[bool]


def main() -> None:
    """Ask, fit and check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/quality"), help="where the indexes are kept")
    parser.add_argument("--write", type=Path, help="write the report to this Markdown file too")
    args = parser.parse_args()
    names = sorted(path.name for path in args.data.iterdir() if (path / "docs").is_dir())
    runs = [run for name in names for run in _ask_of(name, names, args.data, args.work)]
    report = "\n".join([*_coefficients(runs), *(line for name in names for line in _check(name, runs))])
    print(report)
    if args.write:
        args.write.write_text(
            f"# Confidence\n\n`python benchmarks/confidence.py DATA`\n\n{report}\n", "utf-8"
        )


def _ask_of(name: str, names: list[str], data: Path, work: Path) -> list[Asked]:
    """Ask every set's questions of one set's documents; a set and its halves or translations are kin."""
    index = work / name
    command = [sys.executable, "-m", "qa", "index", str(data / name / "docs"), "--index", str(index)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    encoder, corpus = load_encoder("all-MiniLM-L6-v2"), generation.load(generation.current(index))
    others = [other for other in names if other == name or _kin(other) != _kin(name)]
    return [_ask(encoder, corpus, name, other, data) for other in others]


def _kin(name: str) -> str:
    return name.split("-", 1)[0]


def _ask(encoder: Encoder, index: Generation, name: str, other: str, data: Path) -> Asked:
    lines = (data / other / "questions.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    if other != name:
        questions = questions[:: max(1, len(questions) // _MOST_FROM_ELSEWHERE)]
    vectors = encoder.encode_queries([question["question"] for question in questions])
    languages = index.store.languages()
    features = []
    for question, own in zip(questions, vectors, strict=True):
        query = Query(question["question"])
        lexical = lexical_candidates(index, query, 20, languages, None)
        candidates = merge(query, 20, lexical, dense_candidates(index, own, 20, None))
        signals = rank(index, QuestionSignals(index, candidates)).signals
        features.append(list(confidence_features(signals, candidates.fluency).values()))
    print(f"asked {len(questions)} questions of {other} of the documents of {name}", file=sys.stderr)
    answered = [other == name and bool(question["answers"]) for question in questions]
    return Asked(name, other, features, answered)


def _fit(runs: list[Asked]) -> LogisticRegression:
    weights: list[float] = []
    for run in runs:
        kinds = np.array(run.answered)
        weights += [1 / np.sqrt((kinds == kind).sum()) for kind in kinds]
    features = np.array([row for run in runs for row in run.evidence])
    answered = np.array([kind for run in runs for kind in run.answered])
    balance = np.array(weights)
    balance[answered] *= balance[~answered].sum() / balance[answered].sum()
    model = LogisticRegression(C=10.0, max_iter=5000)
    return model.fit(features, answered, sample_weight=balance * 1000 / balance.sum())


def _coefficients(runs: list[Asked]) -> list[str]:
    model = _fit(runs)
    names = list(confidence_features({"lexical": np.empty(0, np.float32)}, 1.0))
    values = ", ".join(f"{name} {value:.2f}" for name, value in zip(names, model.coef_[0], strict=True))
    return [f"Fitted on everything: intercept {model.intercept_[0]:.2f}, {values}", ""]


def _check(name: str, runs: list[Asked]) -> list[str]:
    """Return how a fit without a set, and without its kin, does on it."""
    model = _fit([run for run in runs if _kin(name) not in {_kin(run.documents), _kin(run.questions)}])
    own = [run for run in runs if run.documents == name]
    said = model.predict_proba(np.array([row for run in own for row in run.evidence]))[:, 1]
    so = np.array([kind for run in own for kind in run.answered])
    right = (np.mean(said[so] >= ANSWERABLE) + np.mean(said[~so] < ANSWERABLE)) / 2
    lines = [f"## {name}, fitted without it", ""]
    lines += [f"AUROC {roc_auc_score(so, said):.4f}, balanced accuracy {right:.4f}", ""]
    lines += ["| said | questions | answered | |", "|---|---|---|---|"]
    for low in np.arange(_BINS) / _BINS:
        inside = (said >= low) & (said < low + 1 / _BINS + (low + 1 / _BINS >= 1))
        if inside.any():
            share = float(so[inside].mean())
            bar = "█" * round(20 * share)
            lines.append(f"| {low:.1f}–{low + 1 / _BINS:.1f} | {inside.sum()} | {share:.2f} | {bar} |")
    return [*lines, ""]


if __name__ == "__main__":
    main()
