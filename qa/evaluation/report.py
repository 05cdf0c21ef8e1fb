"""Runs and comparisons as a person reads them in a terminal, or a program as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from qa.evaluation.comparison import Change, Comparison
from qa.evaluation.measures import Metric, falls_short
from qa.evaluation.runs import Run, summary

_NAMED = 10  # questions of a kind: about a screen


def as_json(run: Run, comparison: Comparison | None = None) -> str:
    """Return a run's metrics, and the comparison if there is one, as JSON."""
    compared = {} if comparison is None else {"comparison": asdict(comparison)}
    return json.dumps(summary(run) | compared, ensure_ascii=False)


def show(run: Run, comparison: Comparison | None = None, earlier: Path | None = None) -> str:
    """Return a run's metrics as a table, followed by its comparison with an earlier run."""
    lines = _run_lines(run)
    if comparison is not None:
        lines += ["", *_comparison_lines(comparison, str(earlier))]
    return "\n".join(lines)


def shortfalls(run: Run, bars: Mapping[str, float]) -> list[str]:
    """Return a message for each metric that is worse than its bar, or was not measured."""
    messages = []
    for name, bar in bars.items():
        metric = run.metrics.get(name)
        if metric is None:
            messages.append(f"{name} cannot be measured with these questions and this -k")
        elif falls_short(name, metric.value, bar):
            messages.append(f"{name} is {metric.value:.4f}, which is worse than {bar:g}")
    return messages


def _run_lines(run: Run) -> list[str]:
    total, setup = len(run.outcomes), run.setup
    answered = sum(bool(outcome.question.answers) for outcome in run.outcomes)
    lines = [
        f"questions   {total}: {answered} answered by these documents, {total - answered} not",
        f"index       {setup['generation']}, {setup['model']}",
        f"search      {setup['mode']}, {setup['k']} passages",
    ]
    if run.left_out:
        lines.append(f"left out    {run.left_out}: only wrong passages are known for them")
    if run.out_of_reach:
        lines.append(
            f"{len(run.out_of_reach)} whose answers are in no passage of the index: "
            + _first_names(run.out_of_reach)
        )
    rows = [(name, _figure(name, metric.value), _interval(metric)) for name, metric in run.metrics.items()]
    return [*lines, "", *_table(("metric", "value", "95% interval"), rows)]


def _comparison_lines(comparison: Comparison, name: str) -> list[str]:
    lines = [f"Against {name}: {comparison.common} questions in common, with the same answers"]
    for count, where in ((comparison.only_before, "there"), (comparison.only_now, "here")):
        if count:
            lines.append(f"{count} are only {where}")
    rows = [
        (
            metric,
            _figure(metric, difference.before),
            _figure(metric, difference.now),
            _figure(metric, difference.now - difference.before, sign="+"),
            "" if difference.p is None else f"{difference.p:.4f}",
        )
        for metric, difference in comparison.metrics.items()
    ]
    lines += ["", *_table(("metric", "before", "now", "change", "p"), rows)]
    lines += [f"p: {comparison.test}, each metric by itself"]
    for title, changes in (("Better", comparison.better), ("Worse", comparison.worse)):
        lines += ["", f"{title} ({len(changes)})", *map(_change_line, changes[:_NAMED])]
        if len(changes) > _NAMED:
            lines.append(f"  and {len(changes) - _NAMED} more")
    return lines


def _change_line(change: Change) -> str:
    return f"  {change.id}  {change.before} → {change.now}  {change.question}"


def _first_names(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")


def _figure(name: str, value: float, sign: str = "") -> str:
    return format(value, f"{sign}.1f" if name.startswith("ms_") else f"{sign}.3f")


def _interval(metric: Metric) -> str:
    return "" if metric.low is None else f"{metric.low:.3f} to {metric.high:.3f}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table: its first column to the left, figures to the right."""
    table = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
