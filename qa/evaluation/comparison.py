"""Two runs over the same questions: what differs, and whether chance alone would do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from qa.evaluation.measures import Floats, Outcome, auroc, summarise
from qa.evaluation.runs import Run

DRAWS = 9999
TEST = f"paired randomisation test, two-sided, {DRAWS:,} draws"

_AT_ONCE = 10_000_000
_SEED = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric then and now, over the questions in common. ``p`` is None where it is not tested."""

    before: float
    now: float
    p: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """A question that was answered better or worse than before."""

    id: str
    question: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run against another. ``common``: how many questions, with the same answers, both have."""

    common: int
    only_before: int
    only_now: int
    metrics: Mapping[str, Difference]
    better: tuple[Change, ...]
    worse: tuple[Change, ...]
    test: str = TEST


def compare(before: Run, now: Run) -> Comparison:
    """Compare two runs over the questions that both have with the same answers; ``p`` tells each alone."""
    past = {one.question: one for one in before.outcomes}
    pairs = [(past[one.question], one) for one in now.outcomes if one.question in past]
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


def _p(name: str, pairs: Sequence[tuple[Outcome, Outcome]]) -> float | None:
    """Give the chance of a difference as large if each question's two outcomes were as well swapped."""
    if name in {"ece", "ms_p50", "ms_p99"}:
        return None
    answered = np.array([bool(one.question.answers) for one, _ in pairs])
    if name == "auroc":
        sure = [np.array([pair[side].confidence for pair in pairs]) for side in (0, 1)]
        same = np.array_equal(sure[0], sure[1])
        return 1.0 if same else _randomise(sure, partial(_auroc_difference, answered))
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

    found = permutation_test(
        samples,
        statistic,
        permutation_type="samples",
        vectorized=True,
        n_resamples=DRAWS,
        batch=max(1, _AT_ONCE // len(samples[0])),
        rng=np.random.default_rng(_SEED),
    )
    return float(found.pvalue)


def _sum(gains: Floats, axis: int = -1) -> Any:
    return gains.sum(axis=axis)


def _auroc_difference(answered: Any, before: Floats, now: Floats, axis: int = -1) -> Any:
    one, other = (np.moveaxis(side, axis, -1) for side in (before, now))
    return auroc(other[..., answered], other[..., ~answered]) - auroc(one[..., answered], one[..., ~answered])


def _gain(before: Outcome, now: Outcome) -> float:
    """Tell how much better a question went: by reciprocal rank, or by whether it was turned down."""
    if now.question.answers:
        return (1 / now.rank if now.rank else 0.0) - (1 / before.rank if before.rank else 0.0)
    return float(before.answerable) - float(now.answerable)


def _change(before: Outcome, now: Outcome) -> Change:
    return Change(now.question.id, now.question.question, _tell(before), _tell(now))


def _tell(outcome: Outcome) -> str:
    if outcome.question.answers:
        return f"rank {outcome.rank}" if outcome.rank else "not found"
    return "said to be answered" if outcome.answerable else "said not to be answered"
