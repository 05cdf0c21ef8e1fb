"""The document page: a document's text with a passage in context, its pages as pictures, and quotations."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any, Literal

from flask import Blueprint, abort, make_response, render_template, request
from pydantic import ValidationError
from werkzeug.wrappers import Response

from qa.errors import NotFoundError, QueryError, RenderingBusyError, RenderingError
from qa.readers.pdf.rendering.renderer import Sheet, letters_on_page, places_of_words
from qa.results import permalinks
from qa.results.citations import FORMATS, Quotation, quote
from qa.results.permalinks import State
from qa.retrieval.search_protocol import Search
from qa.types import Document, Heading, Hit, Query, Span
from qa.web.api.originals import original
from qa.web.api.schemas.requests import SearchParameters
from qa.web.pages import cards
from qa.web.pages.finding import By, Matches, find_meaning, find_words, relevant_hits
from qa.web.pages.formats import address
from qa.web.pages.viewer import PART_LIMIT, Mark, Part, marks_of, overlaid, part_of, part_start
from qa.web.service import searcher, service

_PDF = "application/pdf"
_PICTURE = "image/"
MAX_QUOTATION = 100_000
"""Characters of a quotation. Chosen: about forty pages, which are written in a few hundredths of a second."""

_MAX_DIGITS = 9
"""Digits of a number in an address: every offset in a text fits."""

_MAX_SECTIONS = 200
"""Headings in the outline. Chosen: more cannot be overlooked at a glance."""

_PICTURE_MAX_AGE = 24 * 3600
"""How long a browser may keep a page's picture, in seconds. Chosen: its address changes with the file."""

_PLACE_PARAMETERS = ("start", "end", "q", "mode", "find", "by", "n")
"""What links to other parts of the document keep: the passage that is shown, the question, what was found."""

_SIMILAR = 10
"""How many passages like one are shown. Chosen: as many as results at first."""

reading = Blueprint("reading", __name__)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading in the outline, and the address where it is shown."""

    name: str
    level: int
    url: str


@dataclass(frozen=True, slots=True)
class Steps:
    """The number of results in this document, which of them is shown, and the addresses of its neighbours."""

    total: int
    current: int | None = None
    previous: str | None = None
    following: str | None = None


@dataclass(frozen=True, slots=True)
class Facsimile:
    """The picture of a page, or, without a ``sheet``, the ``error`` that prevents it."""

    page: int
    pages: int
    sheet: Sheet | None = None
    error: Literal["busy", "failed"] | None = None


@reading.get("/documents/<document_id>")
def document(document_id: str) -> Response:
    """Show a document, with a passage highlighted in its context."""
    search = searcher()
    document_ = search.library.document(document_id)
    text = search.library.text(document_id)
    linked_span = _linked_span()
    state, span = _locate(text, linked_span)
    matches = _matches(search, document_, text, span)
    hits = () if matches else _hits_in(search, document_)
    page_starts = search.library.page_starts(document_id) if document_.pages else ()
    shown = matches.span if matches and matches.span else span
    start = number_parameter("at")
    if start is None:
        start = part_start(text, shown.start if shown else 0)
    headings = search.library.headings(document_id)
    marks = _marks(span, hits, matches, Span(start, start + PART_LIMIT))
    header_at = partial(_table_header, search, document_)
    numbers = _numbered(page_starts)
    part = part_of(
        text, headings, numbers, marks, start, media_type=document_.media_type, header_at=header_at
    )
    pictured = shown or Span(part.span.start, part.span.start)
    return make_response(
        render_template(
            "document.html",
            document=document_,
            part=part,
            state=state,
            lost=linked_span is not None and span is None,
            quotation=_quotation(search, document_, text, span) if span and _is_quotable(span) else None,
            steps=_match_steps(document_, matches) if matches else _steps(span, hits),
            matches=matches,
            question=request.args.get("q", ""),
            sections=_sections(document_, text, headings, part),
            facsimile=_facsimile(search, document_, text, page_starts, pictured),
            here=lambda **changes: _address_here(document_, **changes),
        )
    )


@reading.get("/documents/<document_id>/similar/<int:start>")
def similar(document_id: str, start: int) -> Response:
    """Show the passages that are most like the one at an offset of a document."""
    search = searcher()
    document_ = search.library.document(document_id)
    passage = search.library.passage_at(document_id, start)
    if passage is None:
        raise NotFoundError(f"There is no passage at {start} in this document.")
    result = search.search(Query("", k=_SIMILAR, like=passage.id))
    hits = [hit for hit in result.hits if hit.relevant]
    return make_response(render_template("similar.html", document=document_, passage=passage, hits=hits))


@reading.get("/documents/<document_id>/pages/<int:page>.webp")
def page_picture(document_id: str, page: int) -> Response:
    """Return the picture of a page of a PDF or of a picture file."""
    document_ = searcher().library.document(document_id)
    if not _has_pictures(document_):
        abort(HTTPStatus.NOT_FOUND)
    picture = service().renderer.draw(
        document_.sha256, page, partial(original, document_), is_picture=_is_picture(document_)
    )
    response = make_response(picture)
    response.content_type = "image/webp"
    response.headers["Cache-Control"] = f"private, max-age={_PICTURE_MAX_AGE}"
    return response


@reading.get("/documents/<document_id>/quotations/<int:start>-<int:end>.<extension>")
def quotation(document_id: str, start: int, end: int, extension: str) -> Response:
    """Return a quotation with its source, in one of several formats."""
    search = searcher()
    document_ = search.library.document(document_id)
    text = search.library.text(document_id)
    if extension not in FORMATS or not start < end <= len(text):
        raise NotFoundError(f"There is no quotation {start}-{end}.{extension} in this document.")
    if not _is_quotable(Span(start, end)):
        raise QueryError(
            f"A quotation may have at most {MAX_QUOTATION} characters; {start}-{end} has {end - start}. "
            "Quote a part of it, or download the whole text."
        )
    media_type, write = FORMATS[extension]
    response = make_response(write(_quotation(search, document_, text, Span(start, end))))
    response.content_type = f"{media_type}; charset=utf-8"
    if media_type != "text/plain":
        filename = f"{document_.id}-{start}.{extension}"
        response.headers["Content-Disposition"] = f"attachment; filename={filename}"
    return response


def number_parameter(name: str) -> int | None:
    """Return a number from the query string; None if it is missing or not a number."""
    value = request.args.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS else None


def _linked_span() -> Span | None:
    """Return the range that the address names, empty if it is impossible; None if it names no range."""
    if "start" not in request.args and "end" not in request.args:
        return None
    start, end = number_parameter("start"), number_parameter("end")
    return Span(start, end) if start is not None and end is not None and start < end else Span(0, 0)


def _locate(text: str, span: Span | None) -> tuple[State | None, Span | None]:
    """Return where a linked range is now and, for a permalink, whether the quotation has changed."""
    if span is None or span.start == span.end:
        return None, None
    fingerprint = request.args.get("quote", "")
    if permalinks.is_fingerprint(fingerprint) and span.end - span.start <= permalinks.MAX_CHECKED:
        return permalinks.check(text, span, fingerprint)
    return None, span if span.end <= len(text) else None


def _query(**parameters: str) -> Query | None:
    """Return a question with its parameters as a query; None if it is invalid."""
    try:
        validated = SearchParameters.model_validate(
            parameters, context={"max_question": service().settings.max_question}
        )
    except ValidationError:
        return None
    return validated.query(validated.q)


def _hits_in(search: Search, document: Document) -> tuple[Hit, ...]:
    """Return the relevant hits in this document for the question in the address, in the order of the text."""
    query = _query(**_own_parameters("q", "mode"))
    try:
        return relevant_hits(search, query, document) if query else ()
    except QueryError:
        return ()


def _matches(search: Search, document: Document, text: str, span: Span | None) -> Matches | None:
    """Return what was found of what the address seeks; None if it seeks nothing."""
    sought = request.args.get("find", "").strip()
    if not sought:
        return None
    by: By = "meaning" if request.args.get("by") == "meaning" else "words"
    query = _query(q=sought, **({"verbatim": "true"} if by == "words" else {}))
    number = number_parameter("n")
    try:
        if query and by == "meaning":
            return find_meaning(search, query, document, number=number)
        if query:
            near = number_parameter("at") or (span.start if span else 0)
            return find_words(search, document, text, sought, number=number, near=near)
    except QueryError:
        pass
    return Matches(sought, by)


def _marks(span: Span | None, hits: Sequence[Hit], matches: Matches | None, part: Span) -> tuple[Mark, ...]:
    """Return the marks of the passage that is shown, its best sentence, other hits, and what was found."""
    marks: tuple[Mark, ...] = ()
    if span is not None:
        answers = {hit.passage.span: hit.answers[0].span for hit in hits if hit.answers}
        marks = marks_of(span, answers.pop(span, None), answers.values())
    return overlaid(marks, matches.marks(part)) if matches else marks


def _table_header(search: Search, document: Document, offset: int) -> str | None:
    """Return the lines that name the columns of the table whose row is at an offset."""
    passage = search.library.passage_at(document.id, offset)
    return passage.header if passage else None


def _match_steps(document: Document, matches: Matches) -> Steps:
    """Return the way from the match that is shown to those before and after it."""

    def step(number: int) -> str | None:
        return f"{_address_here(document, n=number)}#match" if 0 < number <= matches.total else None

    current = matches.current
    return Steps(matches.total, current or None, step(current - 1) if current else None, step(current + 1))


def _steps(span: Span | None, hits: Sequence[Hit]) -> Steps:
    """Return the way from the passage that is shown to the hits before and after it."""
    spans = [hit.passage.span for hit in hits]
    before = [hit for hit in hits if span and hit.passage.span < span]
    after = [hit for hit in hits if not span or hit.passage.span > span]
    return Steps(
        total=len(hits),
        current=spans.index(span) + 1 if span in spans else None,
        previous=cards.reading_url(before[-1].passage, request.args) if before else None,
        following=cards.reading_url(after[0].passage, request.args) if after else None,
    )


def _is_quotable(span: Span) -> bool:
    return span.end - span.start <= MAX_QUOTATION


def _quotation(search: Search, document: Document, text: str, span: Span) -> Quotation:
    """Return a quotation of a range, with the page and section of the passage in which it begins."""
    passage = search.library.passage_at(document.id, span.start)
    return quote(
        document,
        span,
        span.slice(text),
        request.url_root,
        page=passage.page if passage else None,
        section=passage.section if passage else None,
    )


def _sections(document: Document, text: str, headings: Sequence[Heading], part: Part) -> list[Section]:
    """Return the outline. If there are very many headings: the highest levels, and those that are shown."""
    named = [heading for heading in headings if heading.level and heading.span.slice(text).strip()]
    lowest = max((heading.level for heading in named), default=0)
    while sum(heading.level <= lowest for heading in named) > _MAX_SECTIONS:
        lowest -= 1
    listed = [heading for heading in named if heading.level <= lowest or _is_in(part, heading.span.start)]
    highest = min((heading.level for heading in listed), default=1)
    return [
        Section(
            heading.span.slice(text).strip(" #=\t\r\n"),
            heading.level - highest + 1,
            _section_url(document, heading.span.start, part),
        )
        for heading in listed
    ]


def _is_in(part: Part, offset: int) -> bool:
    return part.span.start <= offset < part.span.end


def _section_url(document: Document, start: int, part: Part) -> str:
    page = "" if _is_in(part, start) else _address_here(document, at=start)
    return f"{page}#at-{start}"


def _has_pictures(document: Document) -> bool:
    return document.media_type == _PDF or _is_picture(document)


def _is_picture(document: Document) -> bool:
    return document.media_type.startswith(_PICTURE)


def _facsimile(
    search: Search, document: Document, text: str, page_starts: Sequence[int], span: Span
) -> Facsimile | None:
    """Return the page of a range, with its lines; None if the file is not what was indexed."""
    if not _has_pictures(document) or not page_starts:
        return None
    pages, renderer = len(page_starts), service().renderer
    page = number_parameter("page") or max(1, bisect_right(page_starts, span.start))
    if not 1 <= page <= pages:
        return None
    try:
        renderer.check(document.sha256, page, is_picture=_is_picture(document))
        letters = partial(letters_on_page, text, page_starts[page - 1])
        sheet = _sheet(search, document, page, span, letters)
    except NotFoundError:
        return None
    except RenderingBusyError:
        return Facsimile(page, pages, error="busy")
    except RenderingError:
        return Facsimile(page, pages, error="failed")
    return Facsimile(page, pages, sheet)


def _sheet(
    search: Search, document: Document, page: int, span: Span, letters: Callable[[Span], Span]
) -> Sheet:
    """Return the shape of a page and the places of a range: of its letters, or of its recognised words."""
    recognised = search.library.recognised_page(document.id, page) if document.recognised_pages else None
    drawn = span if recognised is None else Span(span.start, min(span.end, recognised.span.start))
    sheet = service().renderer.locate(
        document.sha256,
        page,
        letters(drawn),
        partial(original, document),
        is_picture=_is_picture(document),
    )
    if recognised is None:
        return sheet
    return replace(sheet, lines=(*sheet.lines, *places_of_words(recognised, span)))


def _numbered(page_starts: Sequence[int]) -> list[tuple[int, int]]:
    """Return where each page's text begins, and the page's number; empty pages are left out."""
    return sorted({start: page for page, start in enumerate(page_starts, start=1)}.items())


def _address_here(document: Document, **changes: Any) -> str:
    """Return an address of this document that keeps the passage and the question."""
    return address(f"/documents/{document.id}", _own_parameters(*_PLACE_PARAMETERS) | changes)


def _own_parameters(*names: str) -> dict[str, Any]:
    """Return those of the named parameters that the address has."""
    return {name: request.args[name] for name in names if request.args.get(name, "").strip()}
