"""One document: its text with a passage in its context, the pages of a PDF, and quotations from it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any, Literal

from flask import Blueprint, abort, make_response, render_template, request
from pydantic import ValidationError
from werkzeug.wrappers import Response

from qa.errors import NotFoundError, QueryError, RenderingBusyError, RenderingError
from qa.protocols import Search
from qa.readers.pdf.rendering.renderer import Sheet, letters_on_page
from qa.types import Document, Filters, Heading, Hit, Span
from qa.web.api.originals import original
from qa.web.api.schemas import SearchParameters
from qa.web.listing import MOST
from qa.web.pages import cards, permalinks
from qa.web.pages.citations import FORMS, Quotation
from qa.web.pages.formats import address
from qa.web.pages.permalinks import State
from qa.web.pages.viewer import Mark, Part, beginning, marks_of, part_of
from qa.web.service import searcher, service

PDF = "application/pdf"
LONGEST_QUOTATION = 100_000
"""So many characters may be quoted at once: some forty pages, written in a few hundredths of a second."""

_DIGITS = 10
_MOST_SECTIONS = 200
_KEPT_SECONDS = 24 * 3600
_CARRIED = ("start", "end", "q", "mode")

reading = Blueprint("reading", __name__)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading in the outline, and where it is shown."""

    name: str
    level: int
    url: str


@dataclass(frozen=True, slots=True)
class Steps:
    """How many results the question has in this document, which of them is shown, and the ones beside it."""

    total: int
    at: int | None = None
    previous: str | None = None
    following: str | None = None


@dataclass(frozen=True, slots=True)
class Facsimile:
    """A page of a PDF as it looks; ``undrawn`` tells why it is not shown where there is no ``sheet``."""

    page: int
    pages: int
    sheet: Sheet | None = None
    undrawn: Literal["busy", "failed"] | None = None


@reading.get("/documents/<document_id>")
def document(document_id: str) -> Response:
    """Show a document, with a passage highlighted in its context."""
    search = searcher()
    found = search.library.document(document_id)
    text = search.library.text(document_id)
    asked = _asked_span()
    state, span = _settle(text, asked)
    hits = _hits(search, found)
    marks = _marks(span, hits)
    at = number("at")
    page_starts = search.library.page_starts(document_id) if found.pages else ()
    begins = at if at is not None else beginning(text, span.start if span else 0)
    headings = search.library.headings(document_id)
    part = part_of(text, headings, _numbered(page_starts), marks, begins)
    return make_response(
        render_template(
            "document.html",
            document=found,
            part=part,
            state=state,
            lost=asked is not None and span is None,
            quotation=_quotation(search, found, text, span) if span and _is_quotable(span) else None,
            steps=_steps(span, hits),
            question=request.args.get("q", ""),
            sections=_sections(found, text, headings, part),
            facsimile=_facsimile(found, text, page_starts, span or Span(part.span.start, part.span.start)),
            here=lambda **values: address(f"/documents/{found.id}", _kept(*_CARRIED) | values),
        )
    )


@reading.get("/documents/<document_id>/pages/<int:page>.webp")
def page_picture(document_id: str, page: int) -> Response:
    """Draw a page of a PDF."""
    found = searcher().library.document(document_id)
    if found.media_type != PDF:
        abort(HTTPStatus.NOT_FOUND)
    picture = service().renderer.draw(found.sha256, page, partial(original, found))
    response = make_response(picture)
    response.content_type = "image/webp"
    response.headers["Cache-Control"] = f"private, max-age={_KEPT_SECONDS}"
    return response


@reading.get("/documents/<document_id>/quotations/<int:start>-<int:end>.<form>")
def quotation(document_id: str, start: int, end: int, form: str) -> Response:
    """Quote a part of a document, with its source, in one of several forms."""
    search = searcher()
    found = search.library.document(document_id)
    text = search.library.text(document_id)
    if form not in FORMS or not start < end <= len(text):
        raise NotFoundError(f"There is no quotation {start}-{end}.{form} in this document.")
    if not _is_quotable(Span(start, end)):
        raise QueryError(
            f"A quotation may have {LONGEST_QUOTATION} characters; {start}-{end} has {end - start}. "
            "Quote a part of it, or take the whole text."
        )
    written = FORMS[form].write(_quotation(search, found, text, Span(start, end)))
    response = make_response(written)
    # A form that a browser does not know would be saved: the text is there to be seen.
    kind = FORMS[form].media_type if form in {"bib", "ris", "json"} else "text/plain"
    response.content_type = f"{kind}; charset=utf-8"
    if kind != "text/plain":
        response.headers["Content-Disposition"] = f"attachment; filename={found.id}-{start}.{form}"
    return response


def number(name: str) -> int | None:
    """Give a number from the address; None where it is none."""
    value = request.args.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < _DIGITS else None


def _asked_span() -> Span | None:
    """Give the range that the address names; one that cannot be is empty."""
    if "start" not in request.args and "end" not in request.args:
        return None
    start, end = number("start"), number("end")
    return Span(start, end) if start is not None and end is not None and start < end else Span(0, 0)


def _settle(text: str, asked: Span | None) -> tuple[State | None, Span | None]:
    """Tell where the range that was asked for stands now; and, of a permalink, what has become of it."""
    if asked is None or asked.start == asked.end:
        return None, None
    mark = request.args.get("quote", "")
    if permalinks.is_fingerprint(mark) and asked.end - asked.start <= permalinks.LONGEST:
        found = permalinks.check(text, asked, mark)
        return found.state, found.span
    return None, asked if asked.end <= len(text) else None


def _hits(search: Search, document: Document) -> tuple[Hit, ...]:
    """Ask this document alone what the address asks."""
    given = _kept("q", "mode")
    try:
        asked = SearchParameters.model_validate(
            given, context={"max_question": service().settings.max_question}
        )
        only_here = Filters(document=(document.id,))
        result = search.search(replace(asked.query(asked.q), k=MOST, filters=only_here))
    except (ValidationError, QueryError):
        return ()
    return tuple(sorted((h for h in result.hits if h.relevant), key=lambda hit: hit.passage.span))


def _marks(span: Span | None, hits: Sequence[Hit]) -> tuple[Mark, ...]:
    """Mark what is shown, the sentence in it that answers, and the other results."""
    if span is None:
        return ()
    answers = {hit.passage.span: hit.answers[0].span for hit in hits if hit.answers}
    return marks_of(span, answers.pop(span, None), answers.values())


def _steps(span: Span | None, hits: Sequence[Hit]) -> Steps:
    """Find the way from what is shown to the results beside it."""
    spans = [hit.passage.span for hit in hits]
    before = [hit for hit in hits if span and hit.passage.span < span]
    after = [hit for hit in hits if not span or hit.passage.span > span]
    return Steps(
        total=len(hits),
        at=spans.index(span) + 1 if span in spans else None,
        previous=cards.reading_url(before[-1].passage, request.args) if before else None,
        following=cards.reading_url(after[0].passage, request.args) if after else None,
    )


def _is_quotable(span: Span) -> bool:
    return span.end - span.start <= LONGEST_QUOTATION


def _quotation(search: Search, document: Document, text: str, span: Span) -> Quotation:
    """Quote a range, with the page and section of the passage in which it begins."""
    within = search.library.passage_at(document.id, span.start)
    return cards.quote(
        document,
        span,
        span.of(text),
        page=within.page if within else None,
        section=within.section if within else None,
    )


def _sections(document: Document, text: str, headings: Sequence[Heading], part: Part) -> list[Section]:
    """Outline the document: of very many headings, the highest levels and those that are shown."""
    named = [heading for heading in headings if heading.level and heading.span.of(text).strip()]
    lowest = max((heading.level for heading in named), default=0)
    while sum(heading.level <= lowest for heading in named) > _MOST_SECTIONS:
        lowest -= 1
    told = [heading for heading in named if heading.level <= lowest or _is_in(part, heading.span.start)]
    highest = min((heading.level for heading in told), default=1)
    return [
        Section(
            heading.span.of(text).strip(" #=\t\r\n"),
            heading.level - highest + 1,
            _section_url(document, heading.span.start, part),
        )
        for heading in told
    ]


def _is_in(part: Part, offset: int) -> bool:
    return part.span.start <= offset < part.span.end


def _section_url(document: Document, start: int, part: Part) -> str:
    beside = (
        "" if _is_in(part, start) else address(f"/documents/{document.id}", _kept(*_CARRIED) | {"at": start})
    )
    return f"{beside}#at-{start}"


def _facsimile(document: Document, text: str, page_starts: Sequence[int], span: Span) -> Facsimile | None:
    """Find where a range stands on a page of a PDF; None where the file is not what was indexed."""
    if document.media_type != PDF or not page_starts:
        return None
    pages, renderer = len(page_starts), service().renderer
    page = number("page") or max(1, bisect_right(page_starts, span.start))
    if not 1 <= page <= pages:
        return None
    try:
        renderer.check(document.sha256, page)
        letters = letters_on_page(text, page_starts[page - 1], span)
        sheet = renderer.locate(document.sha256, page, letters, partial(original, document))
    except NotFoundError:
        return None
    except RenderingBusyError:
        return Facsimile(page, pages, undrawn="busy")
    except RenderingError:
        return Facsimile(page, pages, undrawn="failed")
    return Facsimile(page, pages, sheet)


def _numbered(page_starts: Sequence[int]) -> list[tuple[int, int]]:
    """Return where each page's text begins, and the page's number; an empty page has none."""
    return sorted({start: page for page, start in enumerate(page_starts, start=1)}.items())


def _kept(*names: str) -> dict[str, Any]:
    """Give those of the address's own parameters that it has."""
    return {name: request.args[name] for name in names if request.args.get(name, "").strip()}
