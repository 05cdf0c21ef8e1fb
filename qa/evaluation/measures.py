"""The metrics: of one question, and of many.

=====================================  ====================================================================
success@1, success@5, success@10       share of answered questions with an answer among the first k passages
mrr@10                                 mean of 1 / the rank of the first passage with an answer
ndcg@10                                normalised discounted cumulative gain, a passage with an answer gains 1
recall@5, precision@5, iou@5           by character: the first five passages against the answers
answer@1                               share whose first passage has the answer in its first marked sentence
auroc                                  do answered questions get a higher confidence than the others?
balanced                               balanced accuracy of ``answerable``
brier                                  mean square of confidence less 1 or 0; lower is better
ece                                    expected calibration error, ten bins of equal width; lower is better
ms_p50, ms_p99                         time of one search, in milliseconds; lower is better
=====================================  ====================================================================

auroc, balanced, brier and ece take questions of both kinds. A passage has an answer if it overlaps one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.evaluation.questions import Place, Question
from qa.types import Hit, Passage, Span

Floats = NDArray[np.float64]

METRICS = (
    "success@1", "success@5", "success@10", "mrr@10", "ndcg@10", "recall@5", "precision@5", "iou@5",
    "answer@1", "auroc", "balanced", "brier", "ece", "ms_p50", "ms_p99",
)  # fmt: skip
_LOWER_IS_BETTER = {"brier", "ece", "ms_p50", "ms_p99"}
_ON_CHARACTERS = 5
_BINS = 10
_RESAMPLES = 2000
_AT_ONCE = 10_000_000
_SEED = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question.

    Attributes:
        question: as it was asked, with its answers.
        rank: of the first passage with an answer, or None.
        confidence: that the documents answer it.
        answerable: whether the confidence was enough to say so.
        ms: how long the search took.
        values: its metrics by name; those of means only.
    """

    question: Question
    rank: int | None
    confidence: float
    answerable: bool
    ms: float
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure and the interval that holds 95 % of its bootstrap distribution, where it has one."""

    value: float
    low: float | None = None
    high: float | None = None


_SUCCESS = re.compile(r"success@[1-9]\d?|success@100")


def is_metric(name: str) -> bool:
    """Tell whether a run may have a metric of that name."""
    return name in METRICS or _SUCCESS.fullmatch(name) is not None


def falls_short(name: str, value: float, bar: float) -> bool:
    """Tell whether a metric is worse than it should be."""
    return value > bar if name in _LOWER_IS_BETTER else value < bar


def is_right(question: Question, passage: Passage) -> bool:
    """Tell whether a passage overlaps an answer, and nobody has judged it wrong."""
    return any(
        _stands_in(passage, place) and _overlap(passage.span, place.span) for place in question.answers
    ) and not any(_stands_in(passage, place) and passage.span == place.span for place in question.wrong)


def marks_answer(question: Question, hits: Sequence[Hit]) -> bool:
    """Tell whether the first passage's best sentence overlaps an answer."""
    if not hits or not hits[0].answers:
        return False
    first, sentence = hits[0].passage, hits[0].answers[0].span
    return is_right(question, first) and any(
        _stands_in(first, place) and _overlap(sentence, place.span) for place in question.answers
    )


def by_character(question: Question, hits: Iterable[Hit]) -> dict[str, float]:
    """Compare the characters of the first passages with those of the answers."""
    rows = {(place.doc, place.row) for place in question.answers}
    gold: dict[Any, list[Span]] = {}
    for place in question.answers:
        gold.setdefault((place.doc, place.row), []).append(place.span)
    found: dict[Any, list[Span]] = {}
    for hit in hits:
        if hit.rank <= _ON_CHARACTERS:
            document = hit.passage.document
            key = (document.path, document.row)
            found.setdefault(key if key in rows else (document.path, None), []).append(hit.passage.span)
    merged = {key: _merged(spans) for key, spans in gold.items()}
    shared = sum(
        _overlap(one, other)
        for key, spans in found.items()
        for one in _merged(spans)
        for other in merged.get(key, ())
    )
    golden = sum(map(_length, gold.values()))
    shown = sum(map(_length, found.values()))
    return {
        f"recall@{_ON_CHARACTERS}": shared / golden,
        f"precision@{_ON_CHARACTERS}": shared / shown if shown else 0.0,
        f"iou@{_ON_CHARACTERS}": shared / (golden + shown - shared),
    }


def summarise(outcomes: Sequence[Outcome], *, intervals: bool = True) -> dict[str, Metric]:
    """Give the metrics of a run, in the order of ``METRICS``."""
    interval = _interval if intervals else lambda *_: (None, None)
    found = {
        name: Metric(float(values.mean()), *interval(_mean, values))
        for name, values in per_question(outcomes).items()
    }
    yes, no = (
        [outcome for outcome in outcomes if bool(outcome.question.answers) == answered]
        for answered in (True, False)
    )
    if yes and no:
        sure = [np.array([outcome.confidence for outcome in kind]) for kind in (yes, no)]
        said = [np.array([outcome.answerable for outcome in kind], float) for kind in (yes, no)]
        found["auroc"] = Metric(float(auroc(sure[0], sure[1])), *interval(auroc, *sure))
        found["balanced"] = Metric(float(_balanced(said[0], said[1])), *interval(_balanced, *said))
        found["ece"] = Metric(_calibration_error(sure[0], sure[1]))
    ms = sorted(outcome.ms for outcome in outcomes)
    found["ms_p50"] = Metric(ms[len(ms) // 2])
    found["ms_p99"] = Metric(ms[min(len(ms) - 1, int(len(ms) * 0.99))])
    return {name: found[name] for name in sorted(found, key=_order)}


def per_question(outcomes: Iterable[Outcome]) -> dict[str, Floats]:
    """Give the values of each metric that is a mean, over the questions that have it."""
    values: dict[str, list[float]] = {}
    for outcome in outcomes:
        for name, value in outcome.values.items():
            values.setdefault(name, []).append(value)
    return {name: np.array(column) for name, column in values.items()}


def auroc(yes: Floats, no: Floats, axis: int = -1) -> Any:
    """Give the chance that an answered question is given the higher confidence; equal ones count half."""
    from scipy.stats import rankdata  # slow to load

    n, m = yes.shape[axis], no.shape[axis]
    ranks = rankdata(np.concatenate([yes, no], axis=axis), axis=axis)
    of_yes = np.take(ranks, np.arange(n), axis=axis).sum(axis=axis)
    return (of_yes - n * (n + 1) / 2) / (n * m)


def _mean(values: Floats, axis: int = -1) -> Any:
    return values.mean(axis=axis)


def _balanced(yes: Floats, no: Floats, axis: int = -1) -> Any:
    return (yes.mean(axis=axis) + 1 - no.mean(axis=axis)) / 2


def _calibration_error(yes: Floats, no: Floats) -> float:
    sure = np.concatenate([yes, no])
    true = np.concatenate([np.ones(len(yes)), np.zeros(len(no))])
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=true - sure, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(sure))


def _interval(figure: Callable[..., Any], *samples: Floats) -> tuple[float | None, float | None]:
    """Give the 95 % percentile bootstrap interval of a figure; each sample is drawn anew by itself."""
    from scipy.stats import bootstrap  # slow to load

    smallest, size = min(map(len, samples)), sum(map(len, samples))
    if smallest < 2:  # noqa: PLR2004 -- nothing to draw from
        return None, None
    found = bootstrap(
        samples,
        figure,
        n_resamples=_RESAMPLES,
        method="percentile",
        vectorized=True,
        batch=max(1, _AT_ONCE // size),
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


def _order(name: str) -> tuple[int, int]:
    cutoff = int(name.removeprefix("success@")) if name.startswith("success@") else 0
    return (0 if cutoff else METRICS.index(name) + 1), cutoff


def _stands_in(passage: Passage, place: Place) -> bool:
    document = passage.document
    return document.path == place.doc and place.row in {None, document.row}


def _overlap(one: Span, other: Span) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _length(spans: Iterable[Span]) -> int:
    return sum(span.end - span.start for span in _merged(spans))
