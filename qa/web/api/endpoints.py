"""The JSON API, under ``/api/v1``, and the probes beside it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from http import HTTPStatus
from io import BufferedReader
from typing import Any
from urllib.parse import quote

from flask import Response, jsonify, send_file
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.info import Info
from flask_openapi3.models.tag import Tag
from pydantic_core import to_json
from werkzeug.exceptions import ServiceUnavailable

from qa import __version__
from qa.errors import QAError
from qa.indexing import ledger
from qa.results.answers import document_answer, passage_answer, search_answer
from qa.types import Query
from qa.web.access import load
from qa.web.api.delivery import deliver, tag
from qa.web.api.originals import original
from qa.web.api.paging import links
from qa.web.api.schemas import requests, responses
from qa.web.api.summaries import documents_found_answer, facets_answer, status_answer
from qa.web.api.validation import API
from qa.web.by_document import Grouping, group_by_document, search_documents
from qa.web.listing import Listing, Sort, list_results
from qa.web.problems import PROBLEM
from qa.web.server import metrics
from qa.web.service import list_documents, note_questions, searcher, service

INFO = Info(
    title="Question-answering search",
    version=__version__,
    description="Ask a folder of documents. Each result is a passage with its exact provenance.",
)
MAX_BODY = 1 << 20
"""The longest request body, in bytes. Chosen: a full batch of the longest questions has 0.4 MB of UTF-8."""

_BATCH = 10
"""Questions of a batch that are answered together; then other requests get a turn, and the time is checked.

Chosen so that other requests wait for ten questions at most.
"""

_SEARCH = Tag(name="Search", description="Questions, and the passages that answer them.")
documents_tag = Tag(name="Documents", description="The documents, their text and their passages.")
_SERVICE = Tag(name="Service", description="The state of the service and of its index.")


def problem_responses(answer: Any, *problems: int) -> dict[str | int | HTTPStatus, Any]:
    """Return the description of an operation's responses: a model or a body, and problems by status."""
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        200: answer,
        **{status: {"description": HTTPStatus(status).phrase, "content": content} for status in problems},
        "default": {"description": "Any other problem", "content": content},
    }


def _unless_known(answer: Any, *problems: int) -> dict[str | int | HTTPStatus, Any]:
    """Return the description of the responses of an operation whose answer a client may have already."""
    same = {"description": "The answer that the client has, as If-None-Match says, is still right"}
    return problem_responses(answer, *problems) | {304: same}


def _body(media_type: str, description: str, **schema: str) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": {"type": "string"} | schema}}}


api = API("api", __name__, url_prefix="/api/v1")
api.after_request(deliver)
# Not validated: load balancers may add parameters of their own to a probe.
probes = APIBlueprint("probes", __name__)


@api.get(
    "/search",
    operation_id="search",
    tags=[_SEARCH],
    responses=_unless_known(responses.SearchAnswer, 404, 410, 422, 503),
)
def search(query: requests.SearchQuery) -> Response:
    """Answer a question, or find passages like one."""
    if query.like is None:
        note_questions([query.q])
    answer = _answer(query, query.query(query.q or "", query.like))
    answer |= {name: address for name, address in _neighbours(query, answer).items() if address}
    response = jsonify(answer)
    tag(response, to_json(answer | {"took_ms": 0}))
    return response


@api.post(
    "/search",
    operation_id="search_many",
    tags=[_SEARCH],
    responses=problem_responses(responses.SearchResponse, 400, 404, 410, 413, 415, 422, 503),
)
def search_many(body: requests.SearchRequest) -> Response:
    """Answer a question, or several at once, or find passages like one."""
    if body.like is not None:
        return jsonify(_answer(body, body.query("", body.like)))
    note_questions(body.questions or [body.q])
    if body.q is not None:
        return jsonify(_answer(body, body.query(body.q)))
    with load.batch():
        return jsonify({"answers": _answer_batch(body)})


def _neighbours(query: requests.SearchQuery, answer: dict[str, Any]) -> dict[str, str | None]:
    """Return the addresses of the results after and before these."""
    if len(answer["results"]) < query.k:  # these are the last
        return links(0, query.k, query.offset)
    found = answer["hits"] if query.sort is Sort.DATE else answer["total"]
    return links(found, query.k, query.offset, requests.MAX_OFFSET)


def _answer(options: requests.SearchOptions, query: Query) -> dict[str, Any]:
    """Answer one question. Only facets, a count and another order need all relevant results."""
    if options.is_plain:
        return search_answer(searcher().search(query))
    needs_all = options.sort is Sort.DATE or options.facets or options.count
    listing = list_results(searcher(), query, options.sort) if needs_all else None
    if listing and options.sort is Sort.DATE:
        answer = _latest(listing, options.group, query)
    else:
        answer = _best(options.group, query)
    if listing is None:
        return answer
    facets = {"facets": facets_answer(listing)} if options.facets else {}
    return answer | facets | {"hits": len(listing.hits)}


def _best(group: Grouping, query: Query) -> dict[str, Any]:
    """Answer with the best passages or documents."""
    if group is Grouping.DOCUMENT:
        return documents_found_answer(*search_documents(searcher(), query))
    return search_answer(searcher().search(query))


def _latest(listing: Listing, group: Grouping, query: Query) -> dict[str, Any]:
    """Answer with the latest of the relevant passages, or their documents."""
    wanted = slice(query.offset, query.offset + query.k)
    if group is Grouping.DOCUMENT:
        return documents_found_answer(listing.result, group_by_document(listing.hits)[wanted])
    return search_answer(replace(listing.result, hits=listing.hits[wanted]))


def _answer_batch(body: requests.SearchRequest) -> list[dict[str, Any]]:
    """Answer several questions, a few at a time, within ``batch_timeout``."""
    deadline = time.monotonic() + service().settings.batch_timeout
    answers: list[dict[str, Any]] = []
    for start in range(0, len(body.questions), _BATCH):
        load.yield_turn()
        if time.monotonic() > deadline:
            raise ServiceUnavailable("The batch takes too long. Send fewer questions at once.", retry_after=1)
        answers += _answer_together(body, body.questions[start : start + _BATCH])
    return answers


def _answer_together(options: requests.SearchOptions, questions: Sequence[str]) -> list[dict[str, Any]]:
    if options.is_plain:
        results = searcher().search_many([options.query(question) for question in questions])
        return [search_answer(result) for result in results]
    return [_answer(options, options.query(question)) for question in questions]


@api.get(
    "/documents",
    operation_id="list_documents",
    tags=[documents_tag],
    responses=_unless_known(responses.Documents, 422, 503),
)
def documents(query: requests.DocumentsParameters) -> Response:
    """List the documents, ordered by path or as `sort` says."""
    page = list_documents(query.document_query(), query.limit, query.offset)
    listed = {"total": page.total, "documents": [document_answer(d) for d in page.documents]}
    return jsonify(listed | links(page.total, query.limit, query.offset))


@api.get(
    "/documents/<document_id>",
    operation_id="get_document",
    tags=[documents_tag],
    responses=_unless_known(responses.Document, 404, 422, 503),
)
def document(path: requests.DocumentPath) -> Response:
    """Return everything known about a document."""
    return jsonify(document_answer(searcher().library.document(path.document_id)))


@api.get(
    "/documents/<document_id>/text",
    operation_id="get_document_text",
    tags=[documents_tag],
    responses=_unless_known(_body("text/plain", "The text"), 404, 422, 503),
)
def document_text(path: requests.DocumentPath) -> Response:
    """Return a document's text, unchanged and in UTF-8. All offsets count its code points."""
    text = searcher().library.text(path.document_id)
    return Response(text.encode("utf-8"), content_type="text/plain; charset=utf-8")


@api.get(
    "/documents/<document_id>/file",
    operation_id="get_document_file",
    tags=[documents_tag],
    responses=problem_responses(
        _body("application/octet-stream", "The file", format="binary"), 404, 409, 422, 503
    ),
)
def document_file(path: requests.DocumentPath) -> Response:
    """Return the file itself, as it was when it was indexed; 409 if it has changed since."""
    document_ = searcher().library.document(path.document_id)
    file = original(document_)
    response = send_file(
        BufferedReader(file), mimetype=document_.media_type, etag=document_.sha256, conditional=False
    )
    response.content_length = file.size  # lets the client notice an answer that was cut short
    # Every character of the name is quoted: it may contain line ends.
    name = quote(document_.path.rpartition("/")[2], safe="")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@api.get(
    "/passages/<passage_id>",
    operation_id="get_passage",
    tags=[documents_tag],
    responses=_unless_known(responses.Passage, 404, 410, 422, 503),
)
def passage(path: requests.PassagePath) -> Response:
    """Return a passage with its neighbours; 410 if its document has changed since."""
    library = searcher().library
    passage_ = library.passage(path.passage_id)
    return jsonify(passage_answer(passage_, *library.neighbours(passage_)))


@api.get(
    "/status", operation_id="get_status", tags=[_SERVICE], responses=_unless_known(responses.Status, 422, 503)
)
def status() -> Response:
    """Return the contents of the index, and which files could not be read and why."""
    return jsonify(status_answer(searcher().info, ledger.summary(service().settings.index)))


@api.get(
    "/files",
    operation_id="list_files",
    tags=[_SERVICE],
    responses=_unless_known(responses.FileList, 422, 503),
)
def files(query: requests.FilesParameters) -> Response:
    """List every file ever seen in the documents folder, ordered by path, with its state."""
    index = service().settings.index
    summary = ledger.summary(index)
    counts = summary.counts if summary else {}
    total = counts.get(query.state, 0) if query.state else sum(counts.values())
    entries = ledger.entries(index, query.state, limit=query.limit, offset=query.offset)
    listed = {"total": total, "files": [asdict(entry) for entry in entries]}
    return jsonify(listed | links(total, query.limit, query.offset))


@probes.get(
    "/healthz", operation_id="check_health", tags=[_SERVICE], responses=problem_responses(responses.Health)
)
def healthz() -> Response:
    """Answer as long as the process is alive."""
    return jsonify({"status": "ok"})


@probes.get(
    "/readyz",
    operation_id="check_readiness",
    tags=[_SERVICE],
    responses=problem_responses(responses.Readiness, 503),
)
def readyz() -> Response:
    """Answer with 200 if the index can be searched, else with 503."""
    return jsonify({"status": "ready", "generation": searcher().info.generation})


@probes.get(
    "/metrics",
    operation_id="get_metrics",
    tags=[_SERVICE],
    responses=problem_responses(_body("text/plain", "Prometheus metrics")),
)
def prometheus() -> Response:
    """Return the metrics in Prometheus format."""
    try:
        info = searcher().info
    except QAError:
        info = None
    return Response(metrics.render(info, _last_success()), content_type=metrics.CONTENT_TYPE)


def _last_success() -> float | None:
    """Return when `qa index` last succeeded, in seconds since 1970."""
    try:
        summary = ledger.summary(service().settings.index)
    except QAError:
        return None
    return datetime.fromisoformat(summary.checked).timestamp() if summary else None
