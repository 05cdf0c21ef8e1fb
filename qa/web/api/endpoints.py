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
from werkzeug.exceptions import ServiceUnavailable

from qa import __version__
from qa.errors import QAError
from qa.indexing import ledger
from qa.web.access import load
from qa.web.api import schemas
from qa.web.api.answers import document_answer, facets_answer, passage_answer, search_answer, status_answer
from qa.web.api.originals import original
from qa.web.api.validation import API
from qa.web.listing import Sort, look
from qa.web.problems import PROBLEM
from qa.web.server import metrics
from qa.web.service import note_questions, searcher, service

INFO = Info(
    title="Question-answering search",
    version=__version__,
    description="Ask a folder of documents. Each answer is a passage with its exact provenance.",
)
MAX_BODY = 1 << 20

_AT_ONCE = 10

_SEARCH = Tag(name="Search", description="Ask, and get the passages that answer.")
_DOCUMENTS = Tag(name="Documents", description="The documents, their text and their passages.")
_SERVICE = Tag(name="Service", description="How the service and its index are.")


def _answers(answer: Any, *problems: int) -> dict[str | int | HTTPStatus, Any]:
    """Describe what an operation answers: a model or a described body, and problems by status."""
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        200: answer,
        **{status: {"description": HTTPStatus(status).phrase, "content": content} for status in problems},
        "default": {"description": "Any other problem", "content": content},
    }


def _body(media_type: str, description: str, **schema: str) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": {"type": "string"} | schema}}}


api = API("api", __name__, url_prefix="/api/v1")
# Probes may carry parameters of their own.
probes = APIBlueprint("probes", __name__)


@api.get("/search", tags=[_SEARCH], responses=_answers(schemas.SearchAnswer, 422, 503))
def search(query: schemas.SearchParameters) -> Response:
    """Answer a question."""
    note_questions([query.q])
    return jsonify(_answer(query, query.q))


@api.post("/search", tags=[_SEARCH], responses=_answers(schemas.SearchResponse, 400, 413, 415, 422, 503))
def search_many(body: schemas.SearchRequest) -> Response:
    """Answer a question, or several at once."""
    note_questions(body.questions or [body.q])
    if body.q is not None:
        return jsonify(_answer(body, body.q))
    with load.many_questions():
        return jsonify({"answers": _in_time(body)})


def _answer(asked: schemas.SearchOptions, question: str) -> dict[str, Any]:
    """Answer one question; only what needs all results that bear on it looks at them all."""
    query = asked.query(question)
    if asked.is_plain:
        return search_answer(searcher().search(query))
    listing = look(searcher(), query, asked.sort)
    if asked.sort is Sort.DATE:
        hits = listing.hits[query.offset : query.offset + query.k]
        answer = search_answer(replace(listing.result, hits=hits))
    else:
        answer = search_answer(searcher().search(query))
    return answer | ({"facets": facets_answer(listing)} if asked.facets else {})


def _in_time(asked: schemas.SearchRequest) -> list[dict[str, Any]]:
    """Answer several questions, a few at once, unless they take longer than a request may."""
    ends = time.monotonic() + service().settings.batch_timeout
    found: list[dict[str, Any]] = []
    for start in range(0, len(asked.questions), _AT_ONCE):
        load.give_way()
        if time.monotonic() > ends:
            raise ServiceUnavailable(
                "So many questions take too long here. Ask fewer at once.", retry_after=1
            )
        found += _together(asked, asked.questions[start : start + _AT_ONCE])
    return found


def _together(asked: schemas.SearchOptions, questions: Sequence[str]) -> list[dict[str, Any]]:
    if asked.is_plain:
        results = searcher().search_many([asked.query(question) for question in questions])
        return [search_answer(result) for result in results]
    return [_answer(asked, question) for question in questions]


@api.get("/documents", tags=[_DOCUMENTS], responses=_answers(schemas.Documents, 422, 503))
def documents(query: schemas.DocumentsParameters) -> Response:
    """List the documents, by path."""
    page = searcher().library.documents(query.filters(), limit=query.limit, offset=query.offset)
    return jsonify({"total": page.total, "documents": [document_answer(d) for d in page.documents]})


@api.get("/documents/<document_id>", tags=[_DOCUMENTS], responses=_answers(schemas.Document, 404, 422, 503))
def document(path: schemas.DocumentPath) -> Response:
    """Give everything known of a document."""
    return jsonify(document_answer(searcher().library.document(path.document_id)))


@api.get(
    "/documents/<document_id>/text",
    tags=[_DOCUMENTS],
    responses=_answers(_body("text/plain", "The text"), 404, 422, 503),
)
def document_text(path: schemas.DocumentPath) -> Response:
    """Give a document's text, to which all offsets refer: its code points, in UTF-8, unchanged."""
    text = searcher().library.text(path.document_id)
    return Response(text.encode("utf-8"), content_type="text/plain; charset=utf-8")


@api.get(
    "/documents/<document_id>/file",
    tags=[_DOCUMENTS],
    responses=_answers(_body("application/octet-stream", "The file", format="binary"), 404, 409, 422, 503),
)
def document_file(path: schemas.DocumentPath) -> Response:
    """Give the file itself, as it was when it was indexed; 409 where it has changed since."""
    found = searcher().library.document(path.document_id)
    file = original(found)
    response = send_file(
        BufferedReader(file), mimetype=found.media_type, etag=found.sha256, conditional=False
    )
    response.content_length = file.size  # shows the client that an answer was cut short
    # The name is quoted whole: it may hold line ends and any script.
    name = quote(found.path.rpartition("/")[2], safe="")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@api.get(
    "/passages/<passage_id>",
    tags=[_DOCUMENTS],
    responses=_answers(schemas.Passage, 404, 410, 422, 503),
)
def passage(path: schemas.PassagePath) -> Response:
    """Give a passage with its neighbours; 410 where its document has changed since."""
    library = searcher().library
    found = library.passage(path.passage_id)
    return jsonify(passage_answer(found, *library.neighbours(found)))


@api.get("/status", tags=[_SERVICE], responses=_answers(schemas.Status, 422, 503))
def status() -> Response:
    """Tell what the index holds, and which files could not be read and why."""
    return jsonify(status_answer(searcher().info, ledger.summary(service().settings.index)))


@api.get("/files", tags=[_SERVICE], responses=_answers(schemas.FileList, 422, 503))
def files(query: schemas.FilesParameters) -> Response:
    """List every file ever seen in the documents folder, by path, and what became of it."""
    index = service().settings.index
    seen = ledger.summary(index)
    counts = seen.counts if seen else {}
    total = counts.get(query.state, 0) if query.state else sum(counts.values())
    found = ledger.entries(index, query.state, limit=query.limit, offset=query.offset)
    return jsonify({"total": total, "files": [asdict(entry) for entry in found]})


@probes.get("/healthz", tags=[_SERVICE], responses=_answers(schemas.Health))
def healthz() -> Response:
    """Tell that the process is alive."""
    return jsonify({"status": "ok"})


@probes.get("/readyz", tags=[_SERVICE], responses=_answers(schemas.Readiness, 503))
def readyz() -> Response:
    """Tell whether the index can be searched."""
    return jsonify({"status": "ready", "generation": searcher().info.generation})


@probes.get("/metrics", tags=[_SERVICE], responses=_answers(_body("text/plain", "Prometheus metrics")))
def prometheus() -> Response:
    """Give the metrics, for Prometheus."""
    try:
        info = searcher().info
    except QAError:
        info = None
    return Response(metrics.render(info, _last_success()), content_type=metrics.CONTENT_TYPE)


def _last_success() -> float | None:
    """Give when `qa index` last ended well, in seconds since 1970."""
    try:
        seen = ledger.summary(service().settings.index)
    except QAError:
        return None
    return datetime.fromisoformat(seen.checked).timestamp() if seen else None
