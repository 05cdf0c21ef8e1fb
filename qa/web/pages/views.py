"""The pages: search with its results, judgements, and the status of the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, get_args

from flask import Blueprint, Flask, abort, current_app, make_response, redirect, render_template, request
from pydantic import ValidationError
from werkzeug.wrappers import Response

from qa.embedding.models import model_for_languages
from qa.errors import CorruptIndexError, QueryError
from qa.indexing import ledger
from qa.records.search_record import record_of, record_text
from qa.results.by_document import group_by_document
from qa.results.listed_answers import listing_answer
from qa.results.listing import MAX_RESULTS, Listing, list_results
from qa.retrieval.query import parse
from qa.retrieval.search_protocol import Search
from qa.types import Filters, Grouping, Hit
from qa.web.access.own_pages import check_own_page, let_forms_name_origin
from qa.web.api.schemas.requests import PageParameters
from qa.web.judgements import Verdict
from qa.web.pages import cards, exports, formats, i18n
from qa.web.pages.alarm import alarm, alarming
from qa.web.pages.answer_card import answer_card
from qa.web.pages.cards import Group, Parameters
from qa.web.pages.clips import clips
from qa.web.pages.document import reading
from qa.web.pages.document_list import shelves
from qa.web.pages.feeds import feeds
from qa.web.pages.formats import address
from qa.web.pages.metadata_form import described, editable, editing, proposed
from qa.web.pages.page_parameters import page_parameters, validate
from qa.web.pages.problem_texts import detail_text, field_text, problem_text, problem_title
from qa.web.pages.question_sheets import sheets
from qa.web.pages.saved_list import draft_of, saved_as, saving
from qa.web.pages.suggestions import suggestions
from qa.web.pages.upload_form import adding
from qa.web.problems import RequestError
from qa.web.service import note_questions, searcher, service

_STEP = 10
"""Results that "More results" adds, and weaker passages that are offered. Chosen: as many as at first."""

_START_DOCUMENTS = 6
"""Documents named on the start page. Chosen to fit beside the suggested questions."""

pages = Blueprint("pages", __name__)


@pages.get("/")
def home() -> Response:
    """Show the search box, with the results of a question if there is one."""
    parameters = page_parameters(request.args)
    if "q" not in parameters:
        return _start(parameters)
    try:
        validated, listing = _search(parameters)
    except ValidationError as error:
        return _refuse(parameters, RequestError.from_validation(error).errors)
    except QueryError as error:
        return _refuse(parameters, [("", str(error))])
    return _page("results.html", parameters, **_results(parameters, validated, listing))


@pages.get("/results.<any(csv, json):extension>")
def results(extension: str) -> Response:
    """Return all relevant results of a question, in the order of the page, as a file."""
    parameters = page_parameters(request.args)
    try:
        _, listing = _search(parameters)
    except ValidationError as error:
        raise RequestError.from_validation(error) from None
    if extension == "csv":
        table = exports.csv_table(cards.card(hit, parameters, None) for hit in listing.hits)
        response = make_response("\ufeff" + table)  # without the mark, spreadsheets assume Latin-1
    else:
        response = make_response(listing_answer(listing))
    response.content_type = {"csv": "text/csv; charset=utf-8", "json": "application/json"}[extension]
    response.headers["Content-Disposition"] = f"attachment; filename=results.{extension}"
    return response


@pages.get("/record")
def record() -> Response:
    """Return the record of a search with all relevant results, in the order of the page."""
    try:
        validated, listing = _search(page_parameters(request.args))
    except ValidationError as error:
        raise RequestError.from_validation(error) from None
    arrangement = replace(validated.arrangement, relevant_only=True)
    result = arrangement.choose(listing, listing.result.query)
    response = make_response(record_text(record_of(result, service().settings, arrangement)))
    response.content_type = "application/json"
    response.headers["Content-Disposition"] = "attachment; filename=record.json"
    return response


@pages.post("/judgements")
def judge() -> Response:
    """Record a person's judgement of a passage, and show the results again."""
    judgements = service().judgements
    if judgements is None:
        abort(HTTPStatus.NOT_FOUND)
    check_own_page("A judgement must come from this service's own page.")
    parameters = page_parameters(request.form)
    judged: list[tuple[Verdict, str]] = [
        (verdict, passage_id) for verdict in get_args(Verdict) for passage_id in request.form.getlist(verdict)
    ]
    if len(judged) != 1:
        raise RequestError([("", "Send exactly one passage, as right or wrong.")])
    try:
        question = validate(parameters).q
    except ValidationError as error:
        raise RequestError.from_validation(error) from None
    [(verdict, passage_id)] = judged
    passage = searcher().library.passage(passage_id)
    judgements.record(question, passage, verdict)
    return redirect(f"{address('/', parameters)}#{passage.id}", HTTPStatus.SEE_OTHER)


@pages.get("/status")
def status() -> Response:
    """Show the contents of the index, and the files that could not be read."""
    return make_response(render_template("status.html", info=searcher().info, seen=_seen()))


def _seen() -> ledger.Summary | None:
    """Return what became of the files of the documents folder, if that is known."""
    try:
        return ledger.summary(service().settings.index)
    except CorruptIndexError:
        return None


@pages.get("/favicon.ico")
def favicon() -> Response:
    """Return the icon at the address where browsers look for it by default."""
    return current_app.send_static_file("favicon.svg")


@pages.get("/opensearch.xml")
def opensearch() -> Response:
    """Return a description of the search, so that a browser can add it to its search engines."""
    response = make_response(render_template("opensearch.xml", root=request.url_root))
    response.content_type = "application/opensearchdescription+xml; charset=utf-8"
    return response


def init_app(app: Flask) -> None:
    """Add the pages to ``app``."""
    i18n.init_app(app)
    formats.init_app(app)
    app.register_blueprint(pages)
    app.register_blueprint(reading)
    app.register_blueprint(shelves)
    app.register_blueprint(alarming)
    app.register_blueprint(editing)
    app.register_blueprint(adding)
    app.add_template_filter(described)
    app.add_template_filter(proposed)
    app.add_template_test(editable)
    for filter_ in (problem_title, problem_text, field_text, detail_text):
        app.add_template_filter(filter_)
    app.register_blueprint(feeds)
    app.register_blueprint(saving)
    app.register_blueprint(clips)
    app.register_blueprint(sheets)


def _search(parameters: Parameters) -> tuple[PageParameters, Listing]:
    validated = validate(parameters)
    note_questions([validated.q])
    return validated, list_results(searcher(), validated.query(validated.q), validated.sort)


def _results(parameters: Parameters, validated: PageParameters, listing: Listing) -> dict[str, Any]:
    """Return what the template shows of the results."""
    groups = _groups(listing.hits, validated.group)
    shown = groups[: validated.show]
    weaker = listing.weaker[:_STEP] if len(shown) == len(groups) else ()
    more = min(validated.show + _STEP, MAX_RESULTS)
    return {
        "result": listing.result,
        "listing": listing,
        "better_model": model_for_languages(listing.result.index.model),
        "confidence_level": cards.confidence_level(listing.result),
        "answer": answer_card(listing.result, parameters),
        "cards": _cards(shown, parameters, validated.q),
        "weaker": _cards([(hit,) for hit in weaker], parameters, validated.q),
        "facets": cards.choices(parameters, listing),
        "columns": cards.columns(parameters, listing.timeline),
        "more": _more(parameters, groups, validated.show, more),
        "grouping": validated.group,
        "groupings": _groupings(parameters, listing.hits),
        "sorts": {
            "relevance": address("/", cards.without(parameters, "sort")),
            "date": address("/", cards.without(parameters, "sort") | {"sort": "date"}),
        },
        "exports": {
            extension: address(f"/results.{extension}", cards.without(parameters))
            for extension in ("csv", "json")
        },
        "record": address("/record", cards.without(parameters)),
        "saved": saved_as(listing.result.query),
        "draft": draft_of(parameters, listing.result) if service().settings.edit else None,
        "all_dates": address("/", cards.without(parameters, "from", "to")),
        "chips": cards.chips(parameters, listing.result),
        "asks_nothing": not parse(validated.q).text,
        "unquoted": cards.unquoted(parameters),
        "as_typed": address("/", cards.without(parameters, "show") | {"verbatim": "true"}),
        "unfiltered": address("/", {"q": parameters["q"]}),
    }


def _groups(hits: tuple[Hit, ...], grouping: Grouping) -> list[tuple[Hit, ...]]:
    """Return the hits of each result: a document or a passage."""
    if grouping is Grouping.DOCUMENT:
        return [document.hits for document in group_by_document(hits)]
    return [(hit,) for hit in hits]


def _groupings(parameters: Parameters, hits: tuple[Hit, ...]) -> dict[str, str]:
    """Return the addresses of the list of documents and of passages; none if both are the same."""
    if len({hit.passage.document.id for hit in hits}) == len(hits):
        return {}
    ungrouped = cards.without(parameters, "group")
    return {
        Grouping.DOCUMENT.value: address("/", ungrouped),
        Grouping.PASSAGE.value: address("/", ungrouped | {"group": Grouping.PASSAGE.value}),
    }


def _more(parameters: Parameters, groups: Sequence[tuple[Hit, ...]], shown: int, more: int) -> str | None:
    """Return the address that shows more results, at the first of them."""
    if shown >= len(groups):
        return None
    return f"{address('/', parameters | {'show': more})}#{groups[shown][0].passage.id}"


def _cards(groups: Sequence[tuple[Hit, ...]], parameters: Parameters, question: str) -> list[Group]:
    judgements = service().judgements
    verdicts = judgements.verdicts(question) if judgements else {}
    return [cards.group(hits, parameters, verdicts) for hits in groups]


def _start(parameters: Parameters) -> Response:
    search = searcher()
    documents = search.library.documents(Filters(), limit=_START_DOCUMENTS, offset=0).documents
    return _page("start.html", parameters, documents=documents, suggestions=_suggestions(search))


def _suggestions(search: Search) -> list[str]:
    """Return the suggested questions in the page's language, which are kept for the generation."""
    kept, name = service().suggestions, search.info.generation
    code = i18n.language()
    if kept.get(code, ("",))[0] != name:
        kept[code] = name, suggestions(search, code)
    return kept[code][1]


def _refuse(parameters: Parameters, errors: Any) -> Response:
    response = _page("refused.html", parameters, errors=errors)
    response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return response


def _page(template: str, parameters: Parameters, **values: Any) -> Response:
    has_judgements, can_edit = service().judgements is not None, service().settings.edit
    unread = alarm(searcher().info)
    html = render_template(
        template, parameters=parameters, judging=has_judgements, editing=can_edit, alarm=unread, **values
    )
    response = make_response(html)
    if has_judgements or can_edit or unread:
        let_forms_name_origin(response)
    return response
