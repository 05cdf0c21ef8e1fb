"""``qa ask``: one question, answered in the terminal."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

import click

from qa import config
from qa.cli.options import (
    Text,
    index_option,
    json_option,
    mode_option,
    reader_option,
    reranker_option,
    store_option,
)
from qa.cli.output import count
from qa.retrieval.query import parse
from qa.types import Hit, Mode, SearchResult

_MOST_CONFIDENT = 0.99  # shown: no figure should say that an error is impossible


def _filter_option(flag: str, help_: str) -> Callable[[Any], Any]:
    return click.option(flag, type=Text(), multiple=True, help=f"{help_}; may be repeated.")


@click.command()
@click.argument("question", type=Text())
@click.option("-k", type=click.IntRange(1, 100), default=5, show_default=True, help="Number of passages.")
@mode_option
@_filter_option("--source", "Only documents of this publisher")
@_filter_option("--language", "Only passages in this language (ISO 639-1)")
@_filter_option("--path", "Only this folder, file or pattern")
@click.option("--verbatim", is_flag=True, help="Search the question as it stands, with its slips.")
@index_option
@store_option
@reranker_option
@reader_option
@json_option
def ask(
    question: str,
    *,
    k: int,
    mode: str,
    source: tuple[str, ...],
    language: tuple[str, ...],
    path: tuple[str, ...],
    verbatim: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Answer QUESTION with the passages that answer it."""
    settings = config.load(flags)
    from qa.api import Index

    with Index.open(settings) as index:
        result = index.ask(
            question, k, mode=mode, source=source, language=language, path=path, verbatim=verbatim
        )
    click.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=2) if as_json else _describe(result))


def _describe(result: SearchResult) -> str:
    """Return a result as a person reads it in a terminal."""
    confidence = result.claimed_confidence
    sure = None if confidence is None else f"{min(confidence, _MOST_CONFIDENT):.0%}"
    if not result.total and (result.required or result.excluded):
        return _describe_absence(result)
    lines = _wording_lines(result)
    if not parse(result.query.question).text:
        lines.append("Passages without these words, in the order of the documents:\n")
    elif not result.answerable:
        chance = f" ({sure} chance that they do)" if sure else ""
        lines.append(f"These documents don't seem to answer that{chance}. The nearest passages:\n")
    if result.short_answer:
        lines.append(f"{click.style(' '.join(result.short_answer.text.split()), bold=True)}\n")
    for hit in result.hits:
        lines += [*_hit_lines(hit), ""]
    passages = count(result.total, "passage")
    lines.append(f"{passages} searched in {result.took_ms:.0f} ms")
    if parse(result.query.question).has_only_phrases:
        return "\n".join(lines)
    if sure:
        lines.append(f"Confidence that the first results answer the question: {sure}")
    else:
        lines.append(_describe_support(result))
    return "\n".join(lines)


def _describe_absence(result: SearchResult) -> str:
    """Return lines that say that no passage has the phrases that must stand there, and what would help."""
    if result.excluded or result.query.filters or len(result.required) > 1:
        wanted = [f'with "{phrase}"' for phrase in result.required]
        wanted += [f'without "{phrase}"' for phrase in result.excluded]
        line = f"No passage that passes the filters is {' and '.join(wanted)}."
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
        lines.append(f"Showing results for: {result.corrected_query} (as typed: --verbatim)\n")
    if result.missing_terms:
        lines.append(f"Not in these documents: {', '.join(result.missing_terms)}\n")
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
    """Return where a passage comes from, and its text with the answering sentence in bold."""
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
    before = passage.text[: answer.start - passage.span.start]
    after = passage.text[answer.end - passage.span.start :]
    text = before + click.style(passage.slice(answer), bold=True) + after
    return [
        f"{hit.rank}. {' · '.join(str(part) for part in provenance if part)}",
        f"   {document.path}, characters {passage.span.start} to {passage.span.end}",
        f"   {' '.join(text.split())}",
        *([f"   Not there: {', '.join(hit.unmatched_terms)}"] if hit.unmatched_terms else []),
    ]
