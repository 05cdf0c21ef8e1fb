"""Fit what holds for one model, and check it on data that it was not fitted on.

    python benchmarks/fit.py DATA [--model NAME] [--work DIR] [--write FILE.md]

DATA holds question sets (see `asked.py`). Every question of a set is asked of the set's own documents, and of
those of sets without a file of the same name, which do not answer it. Three logistic regressions over
`confidence_features` are fitted: for questions that the model reads, for those that it cannot read, and for
answers in another language than the question; each set and kind of question weighs by the square root of its
number. Then, with the first of them as it is in the file, the regression of the facts is fitted so that the
product of both is likeliest; sets that the documents answer in part weigh forty times there, as what they had
must not be lost. DATA should have questions with exchanged facts for that (`exchanged.py`); the others are
fitted without them.

Printed: the numbers to put into `qa/retrieval/fits/NAME.toml`, fitted on everything; and, with each set and
its kin left out of the fit in turn, how the confidence does on that set: AUROC, balanced accuracy at the
threshold, the expected calibration error, and a reliability diagram (what was said against what was so).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from asked import Asked, Question, arguments, ask_all, kin, report
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from qa.retrieval.confidence import ANSWERABLE, confidence_features
from qa.retrieval.facts import NAMES, NEGATIONS, NUMBERS
from qa.retrieval.fits import Fit, fit_for

FEATURES = {
    "confidence": ("score", "margin", "sentence", "sentence_coverage", "illegible", "keywords"),
    "words": ("lexical", "coverage", "margin"),
    "across": ("score", "margin", "sentence", "interaction", "shared"),
}
"""The features of each regression."""

_UNMET = NAMES, NUMBERS, NEGATIONS
_KEPT = 40
_BINS = 10
_FEWEST = 20


def main() -> None:
    """Ask, fit and check."""
    args = arguments(__doc__)
    runs = list(ask_all(args.data, args.work, args.model))
    fit = fit_for(args.model)
    lines = [line for kind in FEATURES for line in _report(kind, runs, fit)]
    lines += _report_facts(runs, fit)
    report(args, "Confidence", lines)


def _report(kind: str, runs: Sequence[Asked], fit: Fit) -> list[str]:
    own = [run for run in runs if any(_of_kind(kind, run)) and not _is_nearly_answered(run.questions)]
    if not any(question.answered for run in own for question in _of_kind(kind, run)):
        return [f"## {kind}: no such questions", ""]
    model = _fit(kind, own, fit)
    values = zip(FEATURES[kind], model.coef_[0], strict=True)
    weights = ", ".join(f"{name} = {value:.2f}" for name, value in values)
    lines = [f"## {kind}", "", f"intercept = {model.intercept_[0]:.2f}", f"weights = {{ {weights} }}", ""]
    for name in sorted({run.questions for run in own}):
        lines += _check(kind, name, own, fit)
    return lines


def _is_nearly_answered(name: str) -> bool:
    """Whether the facts alone tell a set's questions from answered ones."""
    return name == "adversarial" or name.endswith("-exchanged")


def _of_kind(kind: str, run: Asked) -> list[Question]:
    return [question for question in run.all if question.kind == kind and len(question.right)]


def _matrix(kind: str, runs: Sequence[Asked], fit: Fit) -> tuple[Any, Any]:
    questions = [question for run in runs for question in _of_kind(kind, run)]
    features = [confidence_features(question.signals, fit, question.fluency) for question in questions]
    rows = [[own[name] for name in FEATURES[kind]] for own in features]
    return np.array(rows), np.array([question.answered for question in questions])


def _fit(kind: str, runs: Sequence[Asked], fit: Fit) -> LogisticRegression:
    features, answered = _matrix(kind, runs, fit)
    weights: list[float] = []
    for run in runs:
        kinds = np.array([question.answered for question in _of_kind(kind, run)])
        weights += [1 / np.sqrt((kinds == own).sum()) for own in kinds]
    balance = np.array(weights)
    balance[answered] *= balance[~answered].sum() / balance[answered].sum()
    model = LogisticRegression(C=10.0, max_iter=5000)
    return model.fit(features, answered, sample_weight=balance * 1000 / balance.sum())


def _check(kind: str, name: str, runs: Sequence[Asked], fit: Fit) -> list[str]:
    """Return how a fit without a set, and without its kin, does on it."""
    others = [run for run in runs if kin(name) not in {kin(run.documents), kin(run.questions)}]
    home = next((run.documents for run in runs if run.questions == name and _is_answered(run)), None)
    own = [
        run
        for run in runs
        if run.documents == home and (run.questions == name or kin(run.questions) != kin(name))
    ]
    if home is None or {so for run in others for so in map(_answered, _of_kind(kind, run))} != {True, False}:
        return []
    features, so = _matrix(kind, own, fit)
    if len(so) < _FEWEST or so.all() or not so.any():
        return []
    said = _fit(kind, others, fit).predict_proba(features)[:, 1]
    return [
        f"### {name}, fitted without it",
        "",
        _score(said, so),
        "",
        *_diagram(said, so),
    ]


def _report_facts(runs: Sequence[Asked], fit: Fit) -> list[str]:
    """Return the regression of the facts, and how the product does on each nearly answered set left out."""
    intercept, *weights = _fit_facts(runs, fit)
    named = ", ".join(f"{name} = {value:.2f}" for name, value in zip(_UNMET, weights, strict=True))
    lines = ["## facts", "", f"intercept = {intercept:.2f}", f"weights = {{ {named} }}", ""]
    for run in runs:
        questions = _of_kind("confidence", run)
        so = np.array([question.answered for question in questions])
        if len(so) < _FEWEST or so.all() or not so.any():
            continue
        others = [
            other for other in runs if kin(run.questions) not in {kin(other.documents), kin(other.questions)}
        ]
        said = _both(*_about_and_unmet([run], fit)[:2], _fit_facts(others, fit))
        lines += [
            f"### {run.questions}, facts fitted without it",
            "",
            _score(said, so),
            "",
            *_diagram(said, so),
        ]
    return lines


def _fit_facts(runs: Sequence[Asked], fit: Fit) -> Any:
    """Return the intercept and the weights that make the product of both probabilities likeliest."""
    about, unmet, answered = _about_and_unmet(runs, fit)
    weights = np.concatenate([_weights(run) for run in runs])
    weights /= weights.sum()

    def loss(values: Any) -> Any:
        said = np.clip(_both(about, unmet, values), 1e-6, 1 - 1e-6)
        return -(weights * np.where(answered, np.log(said), np.log1p(-said))).sum()

    return minimize(loss, [3.0, -1.0, -1.0, -1.0], method="L-BFGS-B").x


def _about_and_unmet(runs: Sequence[Asked], fit: Fit) -> tuple[Any, Any, Any]:
    """Return the log odds that each first passage is about the question, what it lacks, and what is so."""
    questions = [question for run in runs for question in _of_kind("confidence", run)]
    features = [confidence_features(question.signals, fit, question.fluency) for question in questions]
    about = np.array([fit.confidence.log_odds(own) for own in features])
    unmet = np.array([[own[name] for name in _UNMET] for own in features])
    return about, unmet, np.array([question.answered for question in questions])


def _both(about: Any, unmet: Any, values: Any) -> Any:
    return 1 / (1 + np.exp(-about)) / (1 + np.exp(-values[0] - unmet @ values[1:]))


def _weights(run: Asked) -> Any:
    answered = np.array([question.answered for question in _of_kind("confidence", run)], bool)
    counts = np.where(answered, answered.sum(), (~answered).sum())
    kept = _KEPT if run.questions.endswith("-half") or run.questions == run.documents == "seeds" else 1
    return kept / np.sqrt(counts)


def _answered(question: Question) -> bool:
    return question.answered


def _is_answered(run: Asked) -> bool:
    return any(map(_answered, run.all))


def _score(said: Any, so: Any) -> str:
    """Return AUROC, balanced accuracy, and the expected calibration error (Guo et al., ICML 2017, eq. 3)."""
    right = (np.mean(said[so] >= ANSWERABLE) + np.mean(said[~so] < ANSWERABLE)) / 2
    places = np.minimum((said * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(places, said, _BINS) - np.bincount(places, so, _BINS)
    error = np.abs(gaps).sum() / len(so)
    return (
        f"AUROC {roc_auc_score(so, said):.4f}, balanced accuracy {right:.4f}, calibration error {error:.3f}"
    )


def _diagram(said: Any, so: Any) -> list[str]:
    lines = ["| said | questions | answered | |", "|---|---|---|---|"]
    for low in np.arange(_BINS) / _BINS:
        inside = (said >= low) & (said < low + 1 / _BINS + (low + 1 / _BINS >= 1))
        if inside.any():
            share = float(so[inside].mean())
            bar = "█" * round(20 * share)
            lines.append(f"| {low:.1f}–{low + 1 / _BINS:.1f} | {inside.sum()} | {share:.2f} | {bar} |")
    return [*lines, ""]


if __name__ == "__main__":
    main()
