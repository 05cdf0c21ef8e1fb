"""Two runs over the same questions: what differs, and how likely chance alone makes such a difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from qa.evaluation.measures import Floats, Outcome, auroc, summarise
from qa.evaluation.runs import Run

DRAWS = 9999  # p is then a multiple of 1/10,000
TEST = f"paired randomisation test, two-sided, {DRAWS:,} draws"

_BATCH = 10_000_000  # numbers drawn together: 80 MB
_SEED = 0  # any: the same runs get the same p


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric before and now, over the questions in common. ``p`` is None if it is not tested."""

    before: float
    now: float
    p: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """A question that went better or worse than before."""

    id: str
    question: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs compared.

    Attributes:
        common: number of questions that both have, with the same answers.
        only_before: number of questions that only the earlier run has.
        only_now: number of questions that only the later run has.
        metrics: by name.
        better: the questions that went better, the largest change first.
        worse: the questions that went worse, the largest change first.
        test: which test ``p`` comes from.
    """

    common: int
    only_before: int
    only_now: int
    metrics: Mapping[str, Difference]
    better: tuple[Change, ...]
    worse: tuple[Change, ...]
    test: str = TEST


def compare(before: Run, now: Run) -> Comparison:
    """Compare two runs over the questions that both have with the same answers.

    Each ``p`` is that of its metric alone: with many metrics, some are small by chance.
    """
    earlier = {outcome.question: outcome for outcome in before.outcomes}
    pairs = [
        _comparable(earlier[outcome.question], outcome)
        for outcome in now.outcomes
        if outcome.question in earlier
    ]
    counts = (len(pairs), len(before.outcomes) - len(pairs), len(now.outcomes) - len(pairs))
    if not pairs:
        return Comparison(*counts, {}, (), ())
    sides = [summarise(side, intervals=False) for side in zip(*pairs, strict=True)]
    metrics = {
        name: Difference(sides[0][name].value, metric.value, _p(name, pairs))
        for name, metric in sides[1].items()
        if name in sides[0]
    }
    changes = sorted(((_gain(*pair), pair) for pair in pairs), key=lambda change: -abs(change[0]))
    better, worse = (tuple(_change(*pair) for gain, pair in changes if gain * sign > 0) for sign in (1, -1))
    return Comparison(*counts, metrics, better, worse)


def _comparable(before: Outcome, now: Outcome) -> tuple[Outcome, Outcome]:
    """Return two outcomes of a question, without their confidences if one of them has none."""
    if before.confidence is not None and now.confidence is not None:
        return before, now
    return _unsure(before), _unsure(now)


def _unsure(outcome: Outcome) -> Outcome:
    values = {name: value for name, value in outcome.values.items() if name != "brier"}
    return replace(outcome, confidence=None, values=values)


def _p(name: str, pairs: Sequence[tuple[Outcome, Outcome]]) -> float | None:
    """Return the chance of a difference this large if the two outcomes of any question could be swapped."""
    if name in {"ece", "ms_p50", "ms_p99"}:
        return None
    if name == "auroc":
        pairs = [pair for pair in pairs if pair[0].confidence is not None]
    answered = np.array([bool(before.question.answers) for before, _ in pairs])
    if name == "auroc":
        confidences = [np.array([pair[side].confidence for pair in pairs]) for side in (0, 1)]
        same = np.array_equal(confidences[0], confidences[1])
        return 1.0 if same else _randomise(confidences, partial(_auroc_difference, answered))
    if name == "balanced":
        share = np.where(answered, 1 / answered.sum(), 1 / (~answered).sum())
        gains = np.array([float(now.answerable) - before.answerable for before, now in pairs]) * share
        gains[~answered] *= -1
    else:
        gains = np.array(
            [now.values[name] - before.values[name] for before, now in pairs if name in now.values]
        )
    gains = gains[gains != 0]  # the others can be swapped without effect
    return _randomise([gains], _sum) if len(gains) > 1 else 1.0


def _randomise(samples: Sequence[Floats], statistic: Any) -> float:
    from scipy.stats import permutation_test  # slow to load

    result = permutation_test(
        samples,
        statistic,
        permutation_type="samples",
        vectorized=True,
        n_resamples=DRAWS,
        batch=max(1, _BATCH // len(samples[0])),
        rng=np.random.default_rng(_SEED),
    )
    return float(result.pvalue)


def _sum(gains: Floats, axis: int = -1) -> Any:
    return gains.sum(axis=axis)


def _auroc_difference(answered: Any, before: Floats, now: Floats, axis: int = -1) -> Any:
    areas = [
        auroc(confidences[..., answered], confidences[..., ~answered])
        for confidences in (np.moveaxis(before, axis, -1), np.moveaxis(now, axis, -1))
    ]
    return areas[1] - areas[0]


def _gain(before: Outcome, now: Outcome) -> float:
    """Return how much better a question went: by reciprocal rank, or by whether it was called answerable."""
    if now.question.answers:
        return (1 / now.rank if now.rank else 0.0) - (1 / before.rank if before.rank else 0.0)
    return float(before.answerable) - float(now.answerable)


def _change(before: Outcome, now: Outcome) -> Change:
    return Change(now.question.id, now.question.question, _describe(before), _describe(now))


def _describe(outcome: Outcome) -> str:
    if outcome.question.answers:
        return f"rank {outcome.rank}" if outcome.rank else "not found"
    return "called answerable" if outcome.answerable else "called unanswerable"
