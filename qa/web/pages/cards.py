"""What the page shows of a question's results: cards, facets and timeline as links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request

from qa.text.folding import fold
from qa.types import Document, Hit, Passage, SearchResult, Span
from qa.web import facets
from qa.web.facets import Bar, Field, Timeline
from qa.web.judgements import Verdict
from qa.web.listing import Listing
from qa.web.pages import permalinks
from qa.web.pages.citations import Quotation
from qa.web.pages.formats import address
from qa.web.pages.viewer import Mark, Piece, pieces

Given = dict[str, Any]
"""The parameters of the page's own address."""

_HIGH, _FAIR = 0.9, 0.7
_PARAMETER: dict[Field, str] = {"source": "source", "language": "language", "type": "type"}
_CARRIED = ("q", "mode")
"""What the viewer has to know of a question, to mark its other results."""


@dataclass(frozen=True, slots=True)
class Card:
    """A result: its passage is cut at the edges of the sentence that answers, which is what is quoted."""

    hit: Hit
    pieces: tuple[Piece, ...]
    url: str
    quotation: Quotation
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet, and the address that chooses it or lets it go."""

    value: str
    count: int
    chosen: bool
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of the timeline, as shares of the whole, and the address that filters for its days."""

    bar: Bar
    height: float
    url: str


def card(hit: Hit, given: Given, verdict: Verdict | None) -> Card:
    """Make a result ready to be shown."""
    passage = hit.passage
    best = hit.answers[0].span if hit.answers else passage.span
    cut = pieces(passage.text, passage.span.start, passage.span, [Mark(best, "sentence")])
    return Card(hit, cut, reading_url(passage, given), quotation_of(passage, best), verdict)


def reading_url(passage: Passage, given: Given) -> str:
    """Give the address of a passage in its document; with the question, whose other results are marked."""
    start, end = passage.span
    carried = {name: given[name] for name in _CARRIED if name in given}
    return address(f"/documents/{passage.document.id}", {"start": start, "end": end} | carried) + "#passage"


def quotation_of(passage: Passage, span: Span) -> Quotation:
    """Quote a part of a passage."""
    return quote(passage.document, span, passage.slice(span), page=passage.page, section=passage.section)


def quote(
    document: Document, span: Span, text: str, *, page: int | None = None, section: str | None = None
) -> Quotation:
    """Quote a part of a document, with an address that tells later what has become of it."""
    query = {
        "start": span.start,
        "end": span.end,
        "sha": document.sha256[: permalinks.FILE_DIGITS],
        "quote": permalinks.fingerprint(text),
    }
    permalink = address(f"{request.url_root.rstrip('/')}/documents/{document.id}", query)
    return Quotation(document, span, text, f"{permalink}#passage", page, section)


def sureness(result: SearchResult) -> str:
    """Name how sure the answer is; the template has the words."""
    if not result.answerable:
        return "none"
    return "high" if result.confidence >= _HIGH else "fair" if result.confidence >= _FAIR else "low"


def choices(given: Given, listing: Listing) -> dict[Field, list[Choice]]:
    """Give the facets as links. One that cannot part the results is left out."""
    found = {
        field: [
            Choice(one.value, one.count, one.chosen, _toggled(given, field, one.value, chosen=one.chosen))
            for one in counts
        ]
        for field, counts in listing.counts.items()
    }
    return {field: values for field, values in found.items() if _parts(values, len(listing.hits))}


def columns(given: Given, timeline: Timeline | None) -> list[Column]:
    """Give the bars of the timeline as links."""
    if timeline is None:
        return []
    return [
        Column(bar, bar.count / timeline.highest, _between(given, bar.start, bar.end))
        for bar in timeline.bars
    ]


def without(given: Given, *names: str) -> Given:
    """Leave parameters out, and with them how many results are shown."""
    return {name: value for name, value in given.items() if name not in (*names, "show")}


def _parts(values: Sequence[Choice], hits: int) -> bool:
    """Tell whether a facet has something to choose or to let go of."""
    return len(values) > 1 or any(one.chosen or one.count < hits for one in values)


def _between(given: Given, start: str, end: str) -> str:
    return address("/", without(given, "from", "to") | {"from": start, "to": end})


def _toggled(given: Given, field: Field, value: str, *, chosen: bool) -> str:
    if field == "year":
        if chosen:
            return address("/", without(given, "from", "to"))
        return _between(given, *facets.year_range(value))
    name = _PARAMETER[field]
    kept = [one for one in given.get(name, ()) if fold(one) != fold(value)]
    values: Sequence[str] = kept if chosen else [*kept, value]
    return address("/", without(given, name) | ({name: values} if values else {}))
