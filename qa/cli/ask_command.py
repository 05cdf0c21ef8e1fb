"""``qa ask``: one question, answered in the terminal."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from qa import config
from qa.cli.options import (
    Text,
    filter_options,
    filter_values,
    index_option,
    json_option,
    mode_option,
    reader_option,
    reranker_option,
    store_option,
    verbatim_option,
)
from qa.cli.output import count
from qa.cli.wrapping import wrap, wrap_marked
from qa.errors import QuestionsError
from qa.retrieval.query import parse
from qa.types import Hit, Mode, SearchResult, Span

_MOST_CONFIDENT = 0.99  # shown: no figure should say that an error is impossible


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
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a record of the search to this new file, for `qa replay`.",
)
@index_option
@store_option
@reranker_option
@reader_option
@json_option
def ask(
    question: str,
    *,
    k: int,
    offset: int,
    min_confidence: float,
    verbatim: bool,
    mode: str,
    record: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Answer QUESTION with the passages that answer it."""
    filters = filter_values(flags)
    settings = config.load(flags)
    from qa.api import Index

    if record and record.exists():
        raise QuestionsError(f"{record} exists: a record is never replaced, so name another file")
    with Index.open(settings) as index:
        result = index.ask(
            question,
            k,
            offset=offset,
            mode=mode,
            min_confidence=min_confidence,
            verbatim=verbatim,
            **filters,
        )
    if record:
        from qa.records.search_record import record_of, write_record

        write_record(record_of(result, settings), record)
    click.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=2) if as_json else _describe(result))


def _describe(result: SearchResult) -> str:
    """Return a result as a person reads it in a terminal."""
    confidence = result.claimed_confidence
    sure = None if confidence is None else f"{min(confidence, _MOST_CONFIDENT):.0%}"
    if not result.total and (result.required or result.excluded):
        return _describe_absence(result)
    lines = _wording_lines(result)
    if not result.total:
        return "\n".join([*lines, "No passage passes the filters. Try fewer or different ones."])
    if not parse(result.query.question).text:
        lines += ["Passages without these words, in the order of the documents:", ""]
    elif not result.answerable:
        chance = f" ({sure} chance that they do)" if sure else ""
        lines += [*wrap(f"These documents don't seem to answer that{chance}. The nearest passages:"), ""]
    if result.short_answer:
        lines += [*wrap_marked("", result.short_answer.text, ""), ""]
    for hit in result.hits:
        lines += [*_hit_lines(hit), ""]
    passages = count(result.total, "passage")
    lines.append(f"{passages} searched in {result.took_ms:.0f} ms")
    if parse(result.query.question).has_only_phrases:
        return "\n".join(lines)
    if sure:
        lines.append(f"Confidence that the first results answer the question: {sure}")
    else:
        lines += wrap(_describe_support(result))
    return "\n".join(lines)


def _describe_absence(result: SearchResult) -> str:
    """Return lines that say that no passage has the phrases that must stand there, and what would help."""
    if result.excluded or result.query.filters or len(result.required) > 1:
        wanted = [f'with "{phrase}"' for phrase in result.required]
        wanted += [f'without "{phrase}"' for phrase in result.excluded]
        among = "that passes the filters " if result.query.filters else ""
        line = f"There is no passage {among}{' and '.join(wanted)}."
    else:
        line = f'"{result.required[0]}" stands nowhere in these documents.'
    without = parse(result.query.question).unquoted()
    return "\n".join(
        [line, *([f"Without the quotes: qa ask {shlex.quote(without)}"] if result.required else [])]
    )


def _wording_lines(result: SearchResult) -> list[str]:
    """Return lines on what was corrected in the question, and on its words that no document holds."""
    lines = []
    if result.corrected_query:
        lines += [*wrap(f"Showing results for: {result.corrected_query} (as typed: --verbatim)"), ""]
    if result.missing_terms:
        lines += [*wrap(f"Not in these documents: {', '.join(result.missing_terms)}"), ""]
    return lines


def _describe_support(result: SearchResult) -> str:
    """Return a line on a question that the model can't read, and on what would help."""
    from qa.embedding.models import model_for_languages

    model = result.index.model
    better = model_for_languages(model)
    by_words = "Matched by words only: the" if result.query.mode is not Mode.DENSE else "The"
    advice = f". A multilingual one reads a hundred languages: qa index --model {better}" if better else ""
    return f"{by_words} model {model} cannot read this question{advice}"


def _hit_lines(hit: Hit) -> list[str]:
    """Return where a passage comes from, and its text with the answering sentence marked."""
    document, passage = hit.passage.document, hit.passage
    metadata = document.metadata
    provenance = [
        metadata.title,
        metadata.source,
        metadata.published or metadata.dateline,
        passage.page and f"page {passage.page}",
        passage.section,
        passage.certainty is not None
        and f"recognised from a picture, certainty {min(passage.certainty, _MOST_CONFIDENT):.0%}",
    ]
    answer = hit.answers[0].span if hit.answers else passage.span
    start, end = passage.span
    before, after = passage.slice(Span(start, answer.start)), passage.slice(Span(answer.end, end))
    number = f"{hit.rank}. "
    indent = " " * len(number)
    first, *rest = wrap(" · ".join(str(part) for part in provenance if part), indent=indent) or [indent]
    return [
        number + first.removeprefix(indent),
        *rest,
        *wrap(f"{document.path}, characters {start} to {end}", indent=indent),
        *wrap_marked(before, passage.slice(answer), after, indent=indent),
        *(wrap(f"Not there: {', '.join(hit.unmatched_terms)}", indent=indent) if hit.unmatched_terms else []),
    ]
