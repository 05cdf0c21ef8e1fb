"""Fit the weights of a model's signals: of passages, and of the sentences that answer.

    python benchmarks/weights.py DATA [--model NAME] [--work FOLDER] [--write FILE]

DATA holds sets as `asked.py` describes; each one's questions are asked of its own documents. The weights put
the right passage first, of the twenty likeliest, and the right sentence, of those of the right passage: they
maximise the mean reciprocal rank by coordinate ascent from the weights in the model's file (Metzler and
Croft, Linear Feature-Based Models for Information Retrieval, 2007, section 4.1). A set counts as the square
root of its number of questions; with fewer than twenty of a kind it is left out.

Printed: the numbers to put into `qa/retrieval/fits/NAME.toml`, fitted on everything; and how each set does
with the weights that stand there, with the new ones, and with such as were fitted without it and its kin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from asked import Asked, Question, arguments, ask_all, kin, report

from qa.retrieval.fits import AcrossLanguages, Fit, Weights, fit_for
from qa.retrieval.signals import Signals

_INTERACTION = 2.0
"""Weights are written so that this is the weight of late interaction: only their shares matter."""

_STEPS = 0.0, 0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0
"""What a weight is multiplied by, in turn, to see what is best."""

_SMALLEST = 0.05
"""A weight of 0 is tried with this."""

_FEWEST = 20

_LEAST_GAIN = 5e-4
"""A weight changes only for so much, and the search ends when none does: less is chance."""


@dataclass(frozen=True)
class Choice:
    """One question's passages or sentences: their signals as columns, and which are right."""

    features: Any
    right: Any


@dataclass(frozen=True)
class Part:
    """What is fitted together.

    Attributes:
        title: what it is.
        names: the signals.
        current: their weights in the model's file.
        choices: returns what there is to choose from for a question; None if the part isn't for it.
    """

    title: str
    names: tuple[str, ...]
    current: Weights
    choices: Callable[[Question], Choice | None]


def main() -> None:
    """Ask, fit and check."""
    args = arguments(__doc__)
    runs = list(ask_all(args.data, args.work, args.model, elsewhere=False))
    lines = [line for part in _parts(fit_for(args.model)) for line in _report(part, runs)]
    report(args, "Weights", lines)


def _parts(fit: Fit) -> list[Part]:
    passages = {**fit.dense, **fit.lexical}
    sentences = {**fit.answer_dense, **fit.answer_lexical}
    parts = [
        Part("passages", tuple(passages), passages, partial(_passages, fit)),
        Part("sentences", tuple(sentences), sentences, partial(_sentences, fit)),
    ]
    if fit.across:
        across = fit.across.weights
        parts.append(Part("across", tuple(across), across, partial(_across, fit.across)))
    return parts


def _passages(fit: Fit, question: Question) -> Choice | None:
    if question.kind == "across":
        return None
    return _choice(question.signals, question.right, fit.lexical, fit.dense, question.fluency)


def _sentences(fit: Fit, question: Question) -> Choice | None:
    if question.kind == "across":
        return None
    signals = question.sentences
    return _choice(signals, question.marked, fit.answer_lexical, fit.answer_dense, question.fluency)


def _across(across: AcrossLanguages, question: Question) -> Choice | None:
    return _choice(question.signals, question.right, across.weights) if question.kind == "across" else None


def _choice(
    signals: Signals, right: Any, names: Iterable[str], dense: Iterable[str] = (), fluency: float = 1.0
) -> Choice | None:
    """Return a choice, if something in it is right and something isn't. The dense signals come first."""
    if not right.any() or right.all():
        return None
    shares = [(name, fluency) for name in dense] + [(name, 1.0) for name in names]
    columns = [signals[name] * share if name in signals else np.zeros(len(right)) for name, share in shares]
    return Choice(np.stack(columns, axis=1), right)


def _report(part: Part, runs: Sequence[Asked]) -> list[str]:
    sets = {run.questions: [own for q in run.all if (own := part.choices(q))] for run in runs}
    sets = {name: choices for name, choices in sets.items() if len(choices) >= _FEWEST}
    if not sets:
        return [f"## {part.title}: no such questions", ""]
    current = np.array([part.current[name] for name in part.names])
    fitted = _fit(list(sets.values()), current)
    scale = _INTERACTION / fitted[part.names.index("interaction")]
    weights = ", ".join(f"{name} = {v:.2f}" for name, v in zip(part.names, scale * fitted, strict=True))
    lines = [f"## {part.title}", "", f"weights = {{ {weights} }}", ""]
    lines += ["First place and mean reciprocal rank of the right one, among those that are looked at:", ""]
    lines += ["| set | questions | as they are | fitted | fitted without it |", "|---|---|---|---|---|"]
    for name, choices in sets.items():
        others = [own for other, own in sets.items() if kin(other) != kin(name)]
        scores = [_score(choices, current), _score(choices, fitted)]
        scores.append(_score(choices, _fit(others, current)) if others else "–")
        lines.append(f"| {name} | {len(choices)} | {' | '.join(scores)} |")
    return [*lines, ""]


def _fit(sets: Sequence[Sequence[Choice]], start: Any) -> Any:
    """Return the weights that do best, by changing one at a time."""
    best, most = start, _mean_reciprocal_rank(sets, start)
    while True:
        before = most
        for place in range(len(best)):
            for step in _STEPS:
                tried = best.copy()
                tried[place] = step * (best[place] or _SMALLEST)
                gained = _mean_reciprocal_rank(sets, tried)
                if gained > most + _LEAST_GAIN:
                    best, most = tried, gained
        if most == before:
            return best


def _mean_reciprocal_rank(sets: Sequence[Sequence[Choice]], weights: Any) -> float:
    means = [np.mean(1 / _ranks(choices, weights)) for choices in sets]
    return float(np.average(means, weights=np.sqrt([len(choices) for choices in sets])))


def _score(choices: Sequence[Choice], weights: Any) -> str:
    ranks = _ranks(choices, weights)
    return f"{np.mean(ranks == 1):.4f}, {np.mean(1 / ranks):.4f}"


def _ranks(choices: Sequence[Choice], weights: Any) -> Any:
    """Return the place of the best right one in each choice, after all wrong ones that are as good."""
    scores = np.concatenate([choice.features for choice in choices]) @ weights
    parts = np.split(scores, np.cumsum([len(choice.right) for choice in choices])[:-1])
    return np.array(
        [
            1 + np.sum(own[~choice.right] >= own[choice.right].max())
            for own, choice in zip(parts, choices, strict=True)
        ]
    )


if __name__ == "__main__":
    main()
