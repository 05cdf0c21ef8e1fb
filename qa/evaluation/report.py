"""Runs and comparisons as a person reads them in a terminal, or a program as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from qa.evaluation.comparison import Change, Comparison
from qa.evaluation.measures import Metric, falls_short
from qa.evaluation.runs import Run, summary

_NAMED = 10


def as_json(run: Run, comparison: Comparison | None = None) -> str:
    """Put a run's metrics, and the comparison where there is one, as JSON."""
    compared = {} if comparison is None else {"comparison": asdict(comparison)}
    return json.dumps(summary(run) | compared, ensure_ascii=False)


def show(run: Run, comparison: Comparison | None = None, earlier: Path | None = None) -> str:
    """Put a run's metrics in a table, and its comparison with an earlier one in another."""
    against = "" if comparison is None else f"\n\n{_comparison(comparison, str(earlier))}"
    return _run(run) + against


def shortfalls(run: Run, bars: Mapping[str, float]) -> list[str]:
    """Say which metrics are worse than they should be. One that was not measured falls short too."""
    found = []
    for name, bar in bars.items():
        metric = run.metrics.get(name)
        if metric is None:
            found.append(f"{name} cannot be measured with these questions and this -k")
        elif falls_short(name, metric.value, bar):
            found.append(f"{name} is {metric.value:.4f}, which is worse than {bar:g}")
    return found


def _run(run: Run) -> str:
    answered, every, setup = (
        sum(bool(one.question.answers) for one in run.outcomes),
        len(run.outcomes),
        run.setup,
    )
    lines = [
        f"questions   {every}: {answered} answered by these documents, {every - answered} not",
        f"index       {setup['generation']}, {setup['model']}",
        f"search      {setup['mode']}, {setup['k']} passages",
    ]
    if run.left_out:
        lines.append(f"left out    {run.left_out}: only wrong passages are known of them")
    if run.out_of_reach:
        lines.append(
            f"{len(run.out_of_reach)} with answers in no passage of the index: {_some(run.out_of_reach)}"
        )
    rows = [(name, _figure(name, metric.value), _interval(metric)) for name, metric in run.metrics.items()]
    return "\n".join([*lines, "", *_table(("metric", "value", "95% interval"), rows)])


def _comparison(comparison: Comparison, name: str) -> str:
    lines = [f"Against {name}: {comparison.common} questions in common, with the same answers"]
    for count, whose in ((comparison.only_before, "there"), (comparison.only_now, "here")):
        if count:
            lines.append(f"{count} are only {whose}")
    rows = [
        (
            metric,
            _figure(metric, found.before),
            _figure(metric, found.now),
            _figure(metric, found.now - found.before, sign="+"),
            "" if found.p is None else f"{found.p:.4f}",
        )
        for metric, found in comparison.metrics.items()
    ]
    lines += ["", *_table(("metric", "before", "now", "change", "p"), rows)]
    lines += [f"p: {comparison.test}, each metric by itself"]
    for title, changes in (("Better", comparison.better), ("Worse", comparison.worse)):
        lines += ["", f"{title} ({len(changes)})", *map(_changed, changes[:_NAMED])]
        if len(changes) > _NAMED:
            lines.append(f"  and {len(changes) - _NAMED} more")
    return "\n".join(lines)


def _changed(change: Change) -> str:
    return f"  {change.id}  {change.before} → {change.now}  {change.question}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")


def _figure(name: str, value: float, sign: str = "") -> str:
    return format(value, f"{sign}.1f" if name.startswith("ms_") else f"{sign}.3f")


def _interval(metric: Metric) -> str:
    return "" if metric.low is None else f"{metric.low:.3f} to {metric.high:.3f}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Line up the columns: the first to the left, figures to the right."""
    every = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in every
    ]
