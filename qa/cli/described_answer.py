"""An answer as `qa ask` prints it in a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from qa.cli.output import count
from qa.cli.wrapping import wrap, wrap_marked
from qa.retrieval.query import parse
from qa.types import Hit, Mode, Span

if TYPE_CHECKING:
    from qa.results.facets import Field
    from qa.results.listing import Listing
    from qa.results.objects import Result

_MOST_CONFIDENT = 0.99  # shown: no figure should say that an error is impossible

_FACETS: Mapping[Field, str] = {
    "source": "Publisher",
    "year": "Year",
    "language": "Language",
    "type": "Type",
    "folder": "Folder",
}
_NAMES = 11  # columns

_MOST_VALUES = 10
"""Values of a facet that are printed. Chosen: two lines of a terminal; `--json` has all."""


def describe_answer(result: Result, options: Sequence[str] = ()) -> str:
    """Return an answer as a person reads it in a terminal.

    Args:
        result: the answer.
        options: the options of `qa ask` that were given, for commands that are suggested.
    """
    confidence = result.claimed_confidence
    sure = None if confidence is None else f"{min(confidence, _MOST_CONFIDENT):.0%}"
    if not result.total and (result.required or result.excluded):
        return _describe_absence(result, options)
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
    lines += _listed(result)
    if result.listing:
        lines += [*_count_lines(result.listing, facets=result.arrangement.facets), ""]
    passages = count(result.total, "passage")
    lines.append(f"{passages} searched in {result.took_ms:.0f} ms")
    if parse(result.query.question).has_only_phrases:
        return "\n".join(lines)
    if sure:
        lines.append(f"Confidence that the first results answer the question: {sure}")
    else:
        lines += wrap(_describe_support(result))
    return "\n".join(lines)


def _describe_absence(result: Result, options: Sequence[str]) -> str:
    """Return lines that say that no passage has the phrases that must stand there, and what would help."""
    if result.excluded or result.query.filters or len(result.required) > 1:
        wanted = [f'with "{phrase}"' for phrase in result.required]
        wanted += [f'without "{phrase}"' for phrase in result.excluded]
        among = "that passes the filters " if result.query.filters else ""
        line = f"There is no passage {among}{' and '.join(wanted)}."
    else:
        line = _stands_nowhere(result.required[0])
    line = "\n".join([*_missing_lines(result), line])
    if not result.required:
        return line
    return f"{line}\nWithout the quotes: {_command(parse(result.query.question).unquoted(), options)}"


def _missing_lines(result: Result) -> list[str]:
    """Return lines on the quotations that stand nowhere."""
    searched = " Its words were searched instead." if result.total else ""
    return [
        line for phrase in result.missing_phrases for line in wrap(f"{_stands_nowhere(phrase)}{searched}")
    ]


def _stands_nowhere(phrase: str) -> str:
    return f'"{phrase}" stands nowhere in these documents.'


def _command(question: str, options: Sequence[str]) -> str:
    """Return the command that asks a question with some options."""
    if question.startswith("-"):
        return shlex.join(["qa", "ask", *options, "--", question])
    return shlex.join(["qa", "ask", question, *options])


def _wording_lines(result: Result) -> list[str]:
    """Return lines on what was corrected in the question, and on what of it no document holds."""
    lines = []
    if result.corrected_query:
        lines += [*wrap(f"Showing results for: {result.corrected_query} (as typed: --verbatim)"), ""]
    if result.missing_phrases:
        lines += [*_missing_lines(result), ""]
    if result.missing_terms:
        lines += [*wrap(f"Not in these documents: {', '.join(result.missing_terms)}"), ""]
    return lines


def _describe_support(result: Result) -> str:
    """Return a line on a question that the model can't read, and on what would help."""
    from qa.embedding.models import model_for_languages

    model = result.index.model
    better = model_for_languages(model)
    by_words = "Matched by words only: the" if result.query.mode is not Mode.DENSE else "The"
    advice = f". A multilingual one reads a hundred languages: qa index --model {better}" if better else ""
    return f"{by_words} model {model} cannot read this question{advice}"


def _listed(result: Result) -> Iterator[str]:
    """Yield the lines of the results. A document is printed as its best passage."""
    for _, group in groupby(result.arrangement.rank(result), lambda hit: hit.rank):
        best, *others = group
        yield from hit_lines(best)
        if others:
            yield from wrap(
                f"and {count(len(others), 'more passage')} of this document", indent=_indent(best)
            )
        yield ""


def _count_lines(listing: Listing, *, facets: bool) -> Iterator[str]:
    """Yield lines on how many passages bear on the question, and on what they have in common."""
    at_least = "" if listing.complete else "At least "
    verb = "bear" if len(listing.hits) > 1 else "bears"
    passages = count(len(listing.hits), "passage") if listing.hits else "No passage"
    yield f"{at_least}{passages} {verb} on the question"
    for field, name in _FACETS.items() if facets else ():
        values = [f"{each.value} {each.count}" for each in listing.counts[field]]
        more = [f"{len(values) - _MOST_VALUES} more"] if len(values) > _MOST_VALUES else []
        undated = [f"without a full date {listing.undated}"] if field == "year" and listing.undated else []
        if shown := [*values[:_MOST_VALUES], *more, *undated]:
            first, *rest = wrap(", ".join(shown), indent=" " * _NAMES)
            yield from (name.ljust(_NAMES) + first[_NAMES:], *rest)


def hit_lines(hit: Hit) -> list[str]:
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
    indent = _indent(hit)
    first, *rest = wrap(" · ".join(str(part) for part in provenance if part), indent=indent) or [indent]
    return [
        f"{hit.rank}. " + first.removeprefix(indent),
        *rest,
        *wrap(f"{document.path}, characters {start} to {end}", indent=indent),
        *wrap_marked(before, passage.slice(answer), after, indent=indent),
        *(wrap(f"Not there: {', '.join(hit.unmatched_terms)}", indent=indent) if hit.unmatched_terms else []),
    ]


def _indent(hit: Hit) -> str:
    return " " * len(f"{hit.rank}. ")
