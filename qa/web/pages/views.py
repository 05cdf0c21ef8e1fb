"""The pages: the search box with its results, the documents, and the index's state."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, get_args

from flask import Blueprint, Flask, abort, current_app, make_response, redirect, render_template, request
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from qa.errors import QueryError
from qa.types import Filters, Hit
from qa.web.api.answers import listing_answer
from qa.web.api.schemas import PageParameters
from qa.web.judgements import Verdict, place, same_origin
from qa.web.listing import MOST, Listing, look
from qa.web.pages import cards, exports, formats, i18n
from qa.web.pages.cards import Card, Given
from qa.web.pages.document import number, reading
from qa.web.pages.formats import address
from qa.web.pages.suggestions import examples
from qa.web.problems import RequestError
from qa.web.service import note_questions, searcher, service

_STEP = 10
_DOCUMENTS = 6
_LISTED = 100
_LISTS = frozenset({"source", "language", "type", "path"})
_FIELDS = ("q", "source", "language", "type", "path", "from", "to", "mode", "sort", "show")

pages = Blueprint("pages", __name__)


@pages.get("/")
def home() -> Response:
    """Show the search box, and what was found."""
    given = _given(request.args)
    if "q" not in given:
        return _start(given)
    try:
        asked, listing = _look(given)
    except ValidationError as error:
        return _refuse(given, RequestError.of(error).errors)
    except QueryError as error:
        return _refuse(given, [("", str(error))])
    return _page("results.html", given, **_results(given, asked, listing))


@pages.get("/results.<any(csv, json):form>")
def results(form: str) -> Response:
    """Give all results that bear on a question, in their order, to be kept."""
    given = _given(request.args)
    try:
        _, listing = _look(given)
    except ValidationError as error:
        raise RequestError.of(error) from None
    if form == "csv":
        body = exports.table(cards.card(hit, given, None) for hit in listing.hits)
        response = make_response("\ufeff" + body)  # without the mark, spreadsheets take it for Latin
    else:
        response = make_response(listing_answer(listing))
    response.content_type = {"csv": "text/csv; charset=utf-8", "json": "application/json"}[form]
    response.headers["Content-Disposition"] = f"attachment; filename=results.{form}"
    return response


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
    passage = searcher().library.passage(passage_id)
    kept.record(question, passage, verdict)
    return redirect(f"{address('/', given)}#{passage.id}", HTTPStatus.SEE_OTHER)


@pages.get("/documents")
def documents() -> Response:
    """List the documents."""
    offset = min(number("offset") or 0, 10**9)
    page = searcher().library.documents(Filters(), limit=_LISTED, offset=offset)
    return make_response(
        render_template(
            "documents.html",
            page=page,
            offset=offset,
            earlier=max(0, offset - _LISTED) if offset else None,
            more=offset + _LISTED if offset + _LISTED < page.total else None,
        )
    )


@pages.get("/status")
def status() -> Response:
    """Show what the index holds, and what could not be read."""
    return make_response(render_template("status.html", info=searcher().info))


@pages.get("/favicon.ico")
def favicon() -> Response:
    """Give the icon to browsers that look for it where no page names it."""
    return current_app.send_static_file("favicon.svg")


@pages.get("/opensearch.xml")
def opensearch() -> Response:
    """Describe the search box, so that a browser can add it to its own."""
    response = make_response(render_template("opensearch.xml", root=request.url_root))
    response.content_type = "application/opensearchdescription+xml; charset=utf-8"
    return response


def init_app(app: Flask) -> None:
    """Give ``app`` its pages."""
    i18n.init_app(app)
    formats.init_app(app)
    app.register_blueprint(pages)
    app.register_blueprint(reading)


def _given(sent: MultiDict[str, str]) -> Given:
    """Give the parameters that are the page's own, without what a form leaves blank."""
    given: Given = {}
    for name in _FIELDS:
        values = [value.strip() for value in sent.getlist(name) if value.strip()]
        if values:
            given[name] = values if name in _LISTS else values[-1]
    return given


def _asked(given: Given) -> PageParameters:
    return PageParameters.model_validate(given, context={"max_question": service().settings.max_question})


def _look(given: Given) -> tuple[PageParameters, Listing]:
    asked = _asked(given)
    note_questions([asked.q])
    return asked, look(searcher(), asked.query(asked.q), asked.sort)


def _results(given: Given, asked: PageParameters, listing: Listing) -> dict[str, Any]:
    """Put together what the template shows of the results."""
    shown = listing.hits[: asked.show]
    weaker = listing.weaker[:_STEP] if len(shown) == len(listing.hits) else ()
    more = min(asked.show + _STEP, MOST)
    return {
        "result": listing.result,
        "listing": listing,
        "sureness": cards.sureness(listing.result),
        "cards": _cards(shown, given, asked.q),
        "weaker": _cards(weaker, given, asked.q),
        "facets": cards.choices(given, listing),
        "columns": cards.columns(given, listing.timeline),
        "more": _more(given, listing.hits, asked.show, more),
        "sorts": {
            sort: address("/", cards.without(given, "sort") | ({"sort": sort} if sort != "relevance" else {}))
            for sort in ("relevance", "date")
        },
        "exports": {form: address(f"/results.{form}", cards.without(given)) for form in ("csv", "json")},
        "all_dates": address("/", cards.without(given, "from", "to")),
        "everything": address("/", {"q": given["q"]}),
    }


def _more(given: Given, hits: tuple[Hit, ...], shown: int, more: int) -> str | None:
    """Give the address that shows more results, at the first of them."""
    if shown >= len(hits):
        return None
    return f"{address('/', given | {'show': more})}#{hits[shown].passage.id}"


def _cards(hits: tuple[Hit, ...], given: Given, question: str) -> list[Card]:
    kept = service().judgements
    said = kept.of(question) if kept else {}
    return [cards.card(hit, given, said.get(place(hit.passage))) for hit in hits]


def _start(given: Given) -> Response:
    search = searcher()
    listed = search.library.documents(Filters(), limit=_DOCUMENTS, offset=0)
    return _page("start.html", given, documents=listed.documents, examples=examples(search))


def _refuse(given: Given, errors: Any) -> Response:
    response = _page("refused.html", given, errors=errors)
    response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return response


def _page(template: str, given: Given, **values: Any) -> Response:
    kept = service().judgements
    response = make_response(render_template(template, given=given, judging=kept is not None, **values))
    if kept:
        # With no-referrer, a browser would not even tell us that a judgement comes from here.
        response.headers["Referrer-Policy"] = "same-origin"
    return response
