"""What the search page shows of a question's results: cards, and facets and timeline as links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request

from qa.index.filters import escape_path
from qa.results import facets
from qa.results.citations import Quotation, quote_passage
from qa.results.facets import Bar, Count, Field, Timeline
from qa.results.listing import Listing
from qa.retrieval.query import parse
from qa.text.folding import fold
from qa.types import Grouping, Hit, Passage, SearchResult
from qa.web.judgements import Place, Verdict, place
from qa.web.pages.formats import address
from qa.web.pages.table_view import Row, has_rows, table_rows
from qa.web.pages.viewer import Piece, pieces
from qa.web.pages.word_marks import word_marks

Parameters = dict[str, Any]
"""The parameters of the search page's address."""

MOST_OTHERS = 2
"""So many more passages of a document open in place. Chosen: ten documents then make no heavy page."""

_HIGH, _FAIR = 0.9, 0.7
"""Confidence from which an answer is called very likely, or probable. Chosen by what the words promise."""
_PARAMETER: dict[Field, str] = {"source": "source", "language": "language", "type": "type"}
_QUESTION_PARAMETERS = ("q", "mode")
"""What the document page needs to mark the other results of the question."""


@dataclass(frozen=True, slots=True)
class Card:
    """A result. Its passage is cut at the edges of its marks.

    These are the best sentence, which is also what is quoted, and the words of the question. If it is rows of
    a table, ``header`` and ``rows`` are what is shown in place of the ``pieces``. If rows follow other text,
    the page keeps its lines.
    """

    hit: Hit
    pieces: tuple[Piece, ...]
    url: str
    quotation: Quotation
    verdict: Verdict | None
    header: tuple[Row, ...] = ()
    rows: tuple[Row, ...] = ()
    keeps_lines: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A document in the results: its best passage, and others in the same document.

    ``others`` are the first of ``other_count``; ``url`` lists them all.
    """

    card: Card
    others: tuple[Card, ...]
    other_count: int
    url: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet, and the address that selects or deselects it."""

    value: str
    count: int
    chosen: bool
    url: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A phrase that must, or must not, stand in a passage, and the address that takes the condition back."""

    phrase: str
    excluded: bool
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of the timeline, its height as a share of the highest, and the address that filters for it."""

    bar: Bar
    height: float
    url: str


def card(hit: Hit, parameters: Parameters, verdict: Verdict | None) -> Card:
    """Return a result as a card."""
    passage = hit.passage
    best = hit.answers[0].span if hit.answers else passage.span
    phrases = parse(parameters.get("q", "")).required
    marks = word_marks(passage, (*hit.matched_terms, *hit.unmatched_terms), phrases, best)
    cut = pieces(passage.text, passage.span.start, passage.span, marks)
    header, rows = table_rows(passage, marks)
    url = reading_url(passage, parameters)
    quotation = quote_passage(passage, best, request.url_root)
    return Card(hit, cut, url, quotation, verdict, header, rows, has_rows(passage.text))


def group(hits: Sequence[Hit], parameters: Parameters, verdicts: Mapping[Place, Verdict]) -> Group:
    """Return the hits of one document as a group."""
    best, *others = [
        card(hit, parameters, verdicts.get(place(hit.passage))) for hit in hits[: MOST_OTHERS + 1]
    ]
    own = {"path": [escape_path(best.hit.passage.document.path)], "group": Grouping.PASSAGE.value}
    url = address("/", without(parameters, *own) | own)
    return Group(best, tuple(others), len(hits) - 1, url)


def reading_url(passage: Passage, parameters: Parameters) -> str:
    """Return the address of a passage in its document, with the question whose other results are marked."""
    start, end = passage.span
    question = {name: parameters[name] for name in _QUESTION_PARAMETERS if name in parameters}
    return address(f"/documents/{passage.document.id}", {"start": start, "end": end} | question) + "#passage"


def confidence_level(result: SearchResult) -> str:
    """Return ``high``, ``fair``, ``low`` or ``none``; the template has the words.

    Where no confidence is claimed, an answer is no more than possible.
    """
    if not result.answerable:
        return "none"
    confidence = result.claimed_confidence
    if confidence is None:
        return "low"
    return "high" if confidence >= _HIGH else "fair" if confidence >= _FAIR else "low"


def choices(parameters: Parameters, listing: Listing) -> dict[Field, list[Choice]]:
    """Return the facets as links. A facet that cannot narrow the results is left out."""
    facet_choices = {
        field: [
            Choice(count.value, count.count, count.chosen, _toggled(parameters, field, count))
            for count in counts
        ]
        for field, counts in listing.counts.items()
    }
    return {field: values for field, values in facet_choices.items() if _is_useful(values, len(listing.hits))}


def columns(parameters: Parameters, timeline: Timeline | None) -> list[Column]:
    """Return the bars of the timeline as links."""
    if timeline is None:
        return []
    return [
        Column(bar, bar.count / timeline.highest, _between(parameters, bar.start, bar.end))
        for bar in timeline.bars
    ]


def chips(parameters: Parameters, result: SearchResult) -> list[Chip]:
    """Return the conditions of the question that were searched for as links that take them back."""
    question = parse(parameters["q"])
    return [
        Chip(condition.phrase, condition.excluded, _asking(parameters, question.without(condition)))
        for condition in question.conditions
        if condition.phrase not in result.missing_phrases
    ]


def unquoted(parameters: Parameters) -> str:
    """Return the address of the question without its quotation marks."""
    return _asking(parameters, parse(parameters["q"]).unquoted())


def _asking(parameters: Parameters, question: str) -> str:
    return address("/", without(parameters, "q") | ({"q": question} if question else {}))


def without(parameters: Parameters, *names: str) -> Parameters:
    """Return the parameters without some of them, and without the number of results that are shown."""
    return {name: value for name, value in parameters.items() if name not in (*names, "show")}


def _is_useful(values: Sequence[Choice], hits: int) -> bool:
    """Whether a facet has something to select or deselect."""
    return len(values) > 1 or any(choice.chosen or choice.count < hits for choice in values)


def _between(parameters: Parameters, start: str, end: str) -> str:
    return address("/", without(parameters, "from", "to") | {"from": start, "to": end})


def _toggled(parameters: Parameters, field: Field, count: Count) -> str:
    """Return the address that selects a value of a facet, or deselects it if it is selected."""
    if field == "year":
        if count.chosen:
            return address("/", without(parameters, "from", "to"))
        return _between(parameters, *facets.year_range(count.value))
    if field == "folder":  # folders in one another are no alternatives
        return address("/", without(parameters, "path") | ({} if count.chosen else {"path": count.value}))
    name = _PARAMETER[field]
    others = [value for value in parameters.get(name, ()) if fold(value) != fold(count.value)]
    values: Sequence[str] = others if count.chosen else [*others, count.value]
    return address("/", without(parameters, name) | ({name: values} if values else {}))
