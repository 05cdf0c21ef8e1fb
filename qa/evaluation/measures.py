"""The metrics: of one question, and of many.

=====================================  ====================================================================
success@1, success@5, success@10       share of answered questions with an answer among the first k passages
mrr@10                                 mean of 1 / rank of the first passage with an answer
ndcg@10                                normalised discounted cumulative gain; a passage with an answer gains 1
recall@5, precision@5, iou@5           by character: the first five passages compared with the answers
answer@1                               share whose first passage has an answer in its best sentence
auroc                                  chance that an answered question has a higher confidence than another
balanced                               balanced accuracy of ``answerable``
brier                                  mean of (confidence - 1 or 0)²; lower is better
ece                                    expected calibration error, ten bins of equal width; lower is better
ms_p50, ms_p99                         time of one search, in milliseconds; lower is better
=====================================  ====================================================================

auroc, balanced, brier and ece need questions of both kinds. Questions for which no confidence is claimed, as
the model can't read them, count in ``balanced`` alone of these. A passage has an answer if it overlaps one.
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
_Text = tuple[str, str | None]  # path and row

METRICS = (
    "success@1", "success@5", "success@10", "mrr@10", "ndcg@10", "recall@5", "precision@5", "iou@5",
    "answer@1", "auroc", "balanced", "brier", "ece", "ms_p50", "ms_p99",
)  # fmt: skip
_LOWER_IS_BETTER = {"brier", "ece", "ms_p50", "ms_p99"}
_CHARACTER_CUTOFF = 5  # passages compared by character: about as many as a page shows at once
_BINS = 10  # of the expected calibration error, as is usual
_RESAMPLES = 2000  # of the bootstrap: an end of an interval then varies by 6% of the standard error
_BATCH = 10_000_000  # numbers drawn together: 80 MB
_SEED = 0  # any: the same questions get the same intervals


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one question.

    Attributes:
        question: the question with its answers.
        rank: of the first passage with an answer, or None.
        confidence: that the documents answer it; None if none is claimed.
        answerable: whether the documents seem to answer it.
        ms: duration of the search, in milliseconds.
        values: the metrics that are means over questions, by name.
    """

    question: Question
    rank: int | None
    confidence: float | None
    answerable: bool
    ms: float
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure and its 95 % bootstrap interval, if it has one."""

    value: float
    low: float | None = None
    high: float | None = None


_SUCCESS = re.compile(r"success@[1-9]\d?|success@100")


def is_metric(name: str) -> bool:
    """Whether a run may have a metric of that name."""
    return name in METRICS or _SUCCESS.fullmatch(name) is not None


def falls_short(name: str, value: float, bar: float) -> bool:
    """Whether a metric is worse than its bar."""
    return value > bar if name in _LOWER_IS_BETTER else value < bar


def is_right(question: Question, passage: Passage) -> bool:
    """Whether a passage overlaps an answer, and nobody has judged it wrong."""
    return any(
        _is_in(passage, place) and _overlap(passage.span, place.span) for place in question.answers
    ) and not any(_is_in(passage, place) and passage.span == place.span for place in question.wrong)


def marks_answer(question: Question, hits: Sequence[Hit]) -> bool:
    """Whether the best sentence of the first passage overlaps an answer."""
    if not hits or not hits[0].answers:
        return False
    first, sentence = hits[0].passage, hits[0].answers[0].span
    return is_right(question, first) and any(
        _is_in(first, place) and _overlap(sentence, place.span) for place in question.answers
    )


def by_character(question: Question, hits: Iterable[Hit]) -> dict[str, float]:
    """Compare the first passages with the answers by character: recall, precision, intersection over union.

    The answers [0, 10) and [20, 30) and the passage [5, 25) share 10 characters: recall is 10 / 20, precision
    10 / 20, and intersection over union 10 / 30.
    """
    gold = _merge_by_text(((place.doc, place.row), place.span) for place in question.answers)
    shown = _merge_by_text(
        (_text_of(hit.passage, gold), hit.passage.span) for hit in hits if hit.rank <= _CHARACTER_CUTOFF
    )
    shared = sum(
        _overlap(passage, answer)
        for text, passages in shown.items()
        for passage in passages
        for answer in gold.get(text, ())
    )
    gold_length, shown_length = (
        sum(span.end - span.start for spans in merged.values() for span in spans) for merged in (gold, shown)
    )
    return {
        f"recall@{_CHARACTER_CUTOFF}": shared / gold_length,
        f"precision@{_CHARACTER_CUTOFF}": shared / shown_length if shown_length else 0.0,
        f"iou@{_CHARACTER_CUTOFF}": shared / (gold_length + shown_length - shared),
    }


def summarise(outcomes: Sequence[Outcome], *, intervals: bool = True) -> dict[str, Metric]:
    """Return the metrics of a run, in the order of ``METRICS``."""
    interval = _interval if intervals else lambda *_: (None, None)
    metrics = {
        name: Metric(float(values.mean()), *interval(_mean, values))
        for name, values in per_question(outcomes).items()
    }
    answered, unanswered = (
        [outcome for outcome in outcomes if bool(outcome.question.answers) == kind] for kind in (True, False)
    )
    if answered and unanswered:
        kinds = (answered, unanswered)
        verdicts = [np.array([outcome.answerable for outcome in kind], float) for kind in kinds]
        metrics["balanced"] = Metric(
            float(_balanced_accuracy(verdicts[0], verdicts[1])), *interval(_balanced_accuracy, *verdicts)
        )
        sure, unsure = (
            np.array([outcome.confidence for outcome in kind if outcome.confidence is not None])
            for kind in kinds
        )
        if len(sure) and len(unsure):
            metrics["auroc"] = Metric(float(auroc(sure, unsure)), *interval(auroc, sure, unsure))
            metrics["ece"] = Metric(_calibration_error(sure, unsure))
    ms = sorted(outcome.ms for outcome in outcomes)
    metrics["ms_p50"] = Metric(ms[len(ms) // 2])
    metrics["ms_p99"] = Metric(ms[min(len(ms) - 1, int(len(ms) * 0.99))])
    return {name: metrics[name] for name in sorted(metrics, key=_order)}


def per_question(outcomes: Iterable[Outcome]) -> dict[str, Floats]:
    """Return the values of each metric that is a mean, one for each question that has it."""
    values: dict[str, list[float]] = {}
    for outcome in outcomes:
        for name, value in outcome.values.items():
            values.setdefault(name, []).append(value)
    return {name: np.array(column) for name, column in values.items()}


def auroc(answered: Floats, unanswered: Floats, axis: int = -1) -> Any:
    """Return the chance that an answered question has the higher confidence; equal ones count half.

    That is the area under the ROC curve, worked out as the Mann-Whitney U statistic over the number of pairs.

    Args:
        answered: confidences, of any shape.
        unanswered: confidences, of the same shape but for ``axis``.
        axis: along which the questions are.
    """
    from scipy.stats import rankdata  # slow to load

    n, m = answered.shape[axis], unanswered.shape[axis]
    ranks = rankdata(np.concatenate([answered, unanswered], axis=axis), axis=axis)
    rank_sum = np.take(ranks, np.arange(n), axis=axis).sum(axis=axis)
    return (rank_sum - n * (n + 1) / 2) / (n * m)


def _mean(values: Floats, axis: int = -1) -> Any:
    return values.mean(axis=axis)


def _balanced_accuracy(answered: Floats, unanswered: Floats, axis: int = -1) -> Any:
    """Return the mean of the shares that were recognised: ``answerable``, as 1 or 0, of either kind."""
    return (answered.mean(axis=axis) + 1 - unanswered.mean(axis=axis)) / 2


def _calibration_error(answered: Floats, unanswered: Floats) -> float:
    """Return the mean gap between confidence and truth, bin by bin (Naeini et al., 2015)."""
    confidences = np.concatenate([answered, unanswered])
    truth = np.concatenate([np.ones(len(answered)), np.zeros(len(unanswered))])
    bins = np.minimum((confidences * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=truth - confidences, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(confidences))


def _interval(figure: Callable[..., Any], *samples: Floats) -> tuple[float | None, float | None]:
    """Return the 95 % percentile bootstrap interval of a figure; each sample is resampled by itself."""
    from scipy.stats import bootstrap  # slow to load

    smallest, size = min(map(len, samples)), sum(map(len, samples))
    if smallest < 2:  # noqa: PLR2004 -- nothing to draw from
        return None, None
    interval = bootstrap(
        samples,
        figure,
        n_resamples=_RESAMPLES,
        method="percentile",
        vectorized=True,
        batch=max(1, _BATCH // size),
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def _order(name: str) -> tuple[int, int]:
    """Return the key by which metrics are sorted: success@k first, by k, then as in ``METRICS``."""
    cutoff = int(name.removeprefix("success@")) if name.startswith("success@") else 0
    return (0 if cutoff else METRICS.index(name) + 1), cutoff


def _is_in(passage: Passage, place: Place) -> bool:
    document = passage.document
    return document.path == place.doc and place.row in {None, document.row}


def _overlap(first: Span, second: Span) -> int:
    return max(0, min(first.end, second.end) - max(first.start, second.start))


def _text_of(passage: Passage, gold: Mapping[_Text, Any]) -> _Text:
    """Return which text a passage counts for: its row's if an answer names the row, else its file's."""
    row = (passage.document.path, passage.document.row)
    return row if row in gold else (passage.document.path, None)


def _merge_by_text(spans: Iterable[tuple[_Text, Span]]) -> dict[_Text, list[Span]]:
    by_text: dict[_Text, list[Span]] = {}
    for text, span in spans:
        by_text.setdefault(text, []).append(span)
    return {text: _merge(parts) for text, parts in by_text.items()}


def _merge(spans: Iterable[Span]) -> list[Span]:
    """Return the spans without overlaps: [0, 5), [3, 9), [20, 30) → [0, 9), [20, 30)."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged
