"""The pages: a search box with its results, the documents, one document, and the index's state."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, current_app, make_response, redirect, render_template, request
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from qa import __version__
from qa.contracts import (
    Document,
    Filters,
    Hit,
    QueryError,
    Search,
    SearchResult,
    Span,
)
from qa.web.answers import passage_url
from qa.web.judgements import Verdict, place, same_origin
from qa.web.problems import RequestError
from qa.web.schemas import MAX_OFFSET, SearchParameters
from qa.web.service import opened, searcher, service
from qa.web.viewer import Piece, part_of, pieces

_EXAMPLES = 6
_LISTED = 100
_DIGITS = 10
_HIGH, _FAIR = 0.9, 0.7
_FIELDS = ("q", "source", "language", "path", "from", "to", "mode", "offset")
_LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "km": "Khmer",
    "ko": "Korean",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}

pages = Blueprint("pages", __name__)


@dataclass(frozen=True, slots=True)
class Card:
    """A hit as the page shows it: its passage is cut at the edges of the sentence that answers."""

    hit: Hit
    pieces: tuple[Piece, ...]
    url: str
    verdict: Verdict | None


@pages.get("/")
def home() -> Response:
    """Show the search box, and what was found."""
    given = _given(request.args)
    if "q" not in given:
        examples = searcher().documents(Filters(), limit=_EXAMPLES, offset=0)
        return make_response(render_template("home.html", given=given, examples=examples.documents))
    try:
        asked = _asked(given)
        result = searcher().search(asked.query(asked.q))
    except ValidationError as error:
        return _refuse(given, RequestError.of(error).errors)
    except QueryError as error:
        return _refuse(given, [("", str(error))])
    return _results(given, asked, result)


@pages.post("/judgements")
def judge() -> Response:
    """Keep what a person says of a passage, and show the results again."""
    kept = service().judgements
    if kept is None:
        abort(HTTPStatus.NOT_FOUND)
    if not same_origin(request):
        abort(HTTPStatus.FORBIDDEN, "A judgement has to come from this service's own page.")
    given = _given(request.form)
    said: list[tuple[Verdict, str]] = [
        (verdict, passage_id) for verdict in get_args(Verdict) for passage_id in request.form.getlist(verdict)
    ]
    if len(said) != 1:
        raise RequestError([("", "A judgement says of one passage that it is right or wrong.")])
    try:
        question = _asked(given).q
    except ValidationError as error:
        raise RequestError.of(error) from None
    [(verdict, passage_id)] = said
    passage = searcher().passage(passage_id)
    kept.record(question, passage, verdict)
    return redirect(f"{_address('/', given)}#{passage.id}", HTTPStatus.SEE_OTHER)


@pages.get("/documents")
def documents() -> Response:
    """List the documents."""
    offset = min(_number("offset") or 0, 10**9)
    page = searcher().documents(Filters(), limit=_LISTED, offset=offset)
    return make_response(
        render_template(
            "documents.html",
            page=page,
            offset=offset,
            earlier=max(0, offset - _LISTED) if offset else None,
            more=offset + _LISTED if offset + _LISTED < page.total else None,
        )
    )


@pages.get("/documents/<document_id>")
def document(document_id: str) -> Response:
    """Show a document, with a passage highlighted in its context."""
    search = searcher()
    found = search.document(document_id)
    text = search.text(document_id)
    start, end = _number("start"), _number("end")
    mark = Span(start, end) if start is not None and end is not None and start < end <= len(text) else None
    part = part_of(text, search.outline(document_id), _first_of_pages(search, found), mark, _number("at"))
    return make_response(
        render_template(
            "document.html",
            document=found,
            part=part,
            mark=mark,
            lost=mark is None and ("start" in request.args or "end" in request.args),
            neighbour=lambda at: _address(f"/documents/{found.id}", _marked(mark) | {"at": at}),
        )
    )


@pages.get("/status")
def status() -> Response:
    """Show what the index holds, and what could not be read."""
    return make_response(render_template("status.html", info=searcher().info))


def init_app(app: Flask) -> None:
    """Give ``app`` its pages."""
    app.register_blueprint(pages)
    app.context_processor(_for_every_page)
    app.add_template_filter(_human_date, "human_date")
    app.add_template_filter(_human_time, "human_time")
    app.add_template_filter(_language_name, "language_name")
    app.add_template_filter(_title, "title_of")
    app.add_template_filter(passage_url, "address_of")
    app.add_template_filter(_count, "count")


def _for_every_page() -> dict[str, Any]:
    search = opened()
    return {"index": search.info if search else None, "version": __version__, "asset": _asset}


def _asset(name: str) -> str:
    """Give a static file's address, which changes with the file, so that it can be kept for long."""
    return f"/static/{name}?v={_fingerprint(current_app.static_folder or '')}"


@cache
def _fingerprint(folder: str) -> str:
    files = sorted(Path(folder).iterdir())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:10]


def _given(sent: MultiDict[str, str]) -> dict[str, Any]:
    """Give the parameters that are the page's own, without what a form leaves blank."""
    given: dict[str, Any] = {}
    for name in _FIELDS:
        values = [value.strip() for value in sent.getlist(name) if value.strip()]
        if values:
            given[name] = values if name in {"source", "language", "path"} else values[-1]
    return given


def _asked(given: dict[str, Any]) -> SearchParameters:
    return SearchParameters.model_validate(given, context={"max_question": service().settings.max_question})


def _results(given: dict[str, Any], asked: SearchParameters, result: SearchResult) -> Response:
    kept = service().judgements
    said = kept.of(asked.q) if kept else {}
    response = make_response(
        render_template(
            "results.html",
            given=given,
            result=result,
            cards=[_card(hit, said.get(place(hit.passage))) for hit in result.hits],
            sureness=_sureness(result),
            earlier=_turn(given, asked.offset - asked.k) if asked.offset else None,
            more=_turn(given, asked.offset + asked.k) if _has_more(result) else None,
            judging=kept is not None,
        )
    )
    if kept:
        # With no-referrer, a browser would not even tell us that a judgement comes from here.
        response.headers["Referrer-Policy"] = "same-origin"
    return response


def _refuse(given: dict[str, Any], errors: Any) -> Response:
    page = render_template("home.html", given=given, errors=errors, examples=())
    return make_response(page, HTTPStatus.UNPROCESSABLE_ENTITY)


def _card(hit: Hit, verdict: Verdict | None) -> Card:
    passage = hit.passage
    best = hit.answers[0].span if hit.answers else None
    cut = pieces(passage.text, passage.span.start, passage.span, best)
    return Card(hit, cut, passage_url(passage), verdict)


def _sureness(result: SearchResult) -> str:
    """Name how sure the answer is; the template has the words."""
    if not result.answerable:
        return "none"
    return "high" if result.confidence >= _HIGH else "fair" if result.confidence >= _FAIR else "low"


def _has_more(result: SearchResult) -> bool:
    query = result.query
    following = query.offset + query.k
    return len(result.hits) == query.k and following <= MAX_OFFSET and following < result.total


def _turn(given: dict[str, Any], offset: int) -> str:
    """Give the address of the same question's results from ``offset`` on."""
    kept = {name: value for name, value in given.items() if name != "offset"}
    return _address("/", kept | ({"offset": offset} if offset > 0 else {}))


def _address(path: str, values: dict[str, Any]) -> str:
    return f"{path}?{urlencode(values, doseq=True)}"


def _marked(mark: Span | None) -> dict[str, int]:
    return {"start": mark.start, "end": mark.end} if mark else {}


def _number(name: str) -> int | None:
    value = request.args.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < _DIGITS else None


def _first_of_pages(search: Search, document: Document) -> list[tuple[int, int]]:
    """Give where each page's first passage begins, and the page's number."""
    if not document.pages:
        return []
    found: dict[int, int] = {}
    for passage in search.passages_of(document.id):
        if passage.page is not None:
            found.setdefault(passage.page, passage.span.start)
    return sorted((start, page) for page, start in found.items())


def _human_date(iso: str) -> str:
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{day.day} {day:%B %Y}"


def _human_time(iso: str) -> str:
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _language_name(code: str) -> str:
    return _LANGUAGES.get(code, code)


def _title(document: Document) -> str:
    return document.metadata.title or document.path.rpartition("/")[2]


def _count(number: int) -> str:
    return f"{number:,}"
