"""``qa eval``: the answers to a file of questions, measured."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import click

from qa import config
from qa.cli.options import (
    index_option,
    json_option,
    mode_option,
    reader_option,
    reranker_option,
    store_option,
)
from qa.errors import SettingsError
from qa.types import Mode

_WORSE = 1  # the exit code


@click.command("eval")
@click.argument("questions", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-k", type=click.IntRange(1, 100), default=10, show_default=True, help="Number of passages.")
@mode_option
@click.option(
    "--write", type=click.Path(path_type=Path, dir_okay=False), help="Save the outcomes to this file."
)
@click.option(
    "--compare",
    "earlier",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Compare with outcomes that --write saved.",
)
@click.option(
    "--fail-under",
    "bars",
    multiple=True,
    metavar="METRIC=VALUE",
    help="Exit with 1 if the metric is worse than this value, such as mrr@10=.9; may be repeated. "
    "For brier, ece and ms_*, higher is worse.",
)
@index_option
@store_option
@reranker_option
@reader_option
@json_option
def evaluate(
    questions: Path,
    *,
    k: int,
    mode: str,
    write: Path | None,
    earlier: Path | None,
    bars: tuple[str, ...],
    as_json: bool,
    **flags: Any,
) -> None:
    """Measure the answers to QUESTIONS, a JSON Lines file that says where the right answers are."""
    settings = config.load(flags)
    from qa import evaluation
    from qa.retrieval.live import LiveSearcher

    thresholds = dict(map(_parse_bar, bars))
    question_set = evaluation.read(questions, settings.max_question)
    before = evaluation.load(earlier) if earlier else None
    if write and not write.absolute().parent.is_dir():
        raise SettingsError(f"{write} cannot be written: its folder does not exist")
    run = evaluation.evaluate(
        LiveSearcher(settings).current(),
        question_set,
        k=k,
        mode=Mode(mode),
        setup={"file": str(questions), "reranker": settings.reranker, "reader": settings.reader},
        progress=sys.stderr.isatty(),
    )
    if write:
        evaluation.save(run, write)
    comparison = evaluation.compare(before, run) if before else None
    click.echo(evaluation.as_json(run, comparison) if as_json else evaluation.show(run, comparison, earlier))
    shortfalls = evaluation.shortfalls(run, thresholds)
    for message in shortfalls:
        click.echo(f"qa: {message}", err=True)
    if shortfalls:
        sys.exit(_WORSE)


def _parse_bar(text: str) -> tuple[str, float]:
    """Return the metric and the number of METRIC=VALUE."""
    from qa.evaluation import METRICS, is_metric

    name, _, figure = text.partition("=")
    name = name.strip().lower()
    try:
        value = float(figure)
    except ValueError:
        value = math.nan
    if not is_metric(name) or not math.isfinite(value):
        known = ", ".join(METRICS)
        raise click.UsageError(f"--fail-under {text}: use METRIC=NUMBER with one of {known}")
    return name, value
