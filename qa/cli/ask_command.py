"""``qa ask``: one question, answered in the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from qa import config
from qa.cli.described_answer import describe_answer
from qa.cli.options import (
    Text,
    filter_options,
    filter_values,
    given_options,
    index_option,
    json_option,
    mode_option,
    reader_option,
    reranker_option,
    store_option,
    verbatim_option,
)
from qa.errors import QuestionsError
from qa.types import Grouping, Sort

_ANSWERING = ("offset", "mode", "min_confidence", "verbatim", "sort", "group", "facets", "count")


@click.command()
@click.argument("question", type=Text())
@click.option("-k", type=click.IntRange(1, 100), default=5, show_default=True, help="Number of passages.")
@mode_option
@filter_options
@click.option("--offset", type=click.IntRange(0, 1000), default=0, help="Number of best passages to skip.")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Print no passages if the confidence is lower than this.",
)
@verbatim_option
@click.option(
    "--sort",
    type=click.Choice([sort.value for sort in Sort]),
    default=Sort.RELEVANCE.value,
    show_default=True,
    help="Order of the passages. By date, only those that bear on the question, the latest first.",
)
@click.option(
    "--group",
    type=click.Choice([group.value for group in Grouping]),
    default=Grouping.PASSAGE.value,
    show_default=True,
    help="Print passages, or documents, each as its best passage.",
)
@click.option(
    "--facets",
    is_flag=True,
    help="Also count the passages that bear on the question by publisher, year, language, type and folder.",
)
@click.option("--count", is_flag=True, help="Also count the passages that bear on the question.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a record of the search to this new file, for `qa replay`.",
)
@index_option
@store_option
@reranker_option
@reader_option
@json_option
@click.pass_context
def ask(
    context: click.Context, /, question: str, *, k: int, record: Path | None, as_json: bool, **flags: Any
) -> None:
    """Answer QUESTION with the passages that answer it."""
    options = {name: flags.pop(name) for name in _ANSWERING}
    filters = filter_values(flags)
    settings = config.load(flags)
    from qa.api import Index

    if record and record.exists():
        raise QuestionsError(f"{record} exists: a record is never replaced, so name another file")
    with Index.open(settings) as index:
        result = index.ask(question, k, **options, **filters)
    if record:
        from qa.records.search_record import record_of, write_record

        write_record(record_of(result, settings, result.arrangement), record)
    if as_json:
        click.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=2))
    else:
        click.echo(describe_answer(result, given_options(context, "record")))
