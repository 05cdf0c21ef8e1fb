"""``POST /api/v1/documents``: a program adds a file to the documents folder, where ``--upload`` allows it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Response, abort, jsonify, request

from qa.config.forms import words
from qa.errors import UploadError
from qa.index.passage_ids import document_id
from qa.web import uploading
from qa.web.access.own_pages import is_from_own_page
from qa.web.api.delivery import deliver
from qa.web.api.endpoints import documents_tag, problem_responses
from qa.web.api.schemas import requests, responses
from qa.web.api.validation import API
from qa.web.service import follow, service

_FILE = {"type": "string", "format": "binary", "description": "The file, with its name."}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"file": _FILE}, "required": ["file"]}
        }
    },
}

upload_api = API("uploads", __name__, url_prefix="/api/v1")
upload_api.after_request(deliver)


@upload_api.post(
    "/documents",
    operation_id="upload_document",
    tags=[documents_tag],
    responses={
        201: responses.Upload,
        **problem_responses(responses.Upload, 400, 403, 404, 409, 413, 415, 422, 503, 507),
    },
    openapi_extensions={"requestBody": _BODY},
)
def upload_document(query: requests.UploadParameters) -> Response:
    """Add a file to the documents folder, to be read soon; 200 if the same file is there already."""
    if _is_of_other_site():
        abort(HTTPStatus.FORBIDDEN, "A page of another site may upload only if `cors` names the site.")
    with uploading.received(query.folder.rstrip("/"), 1) as (inbox, _):
        if not inbox.arrivals:
            raise UploadError("No file was sent: send one as the field `file`.")
        [arrival] = inbox.arrivals
        outcome = arrival.keep(replace=query.replace)
    if outcome != "identical":
        follow()
    response = jsonify(
        {
            "path": arrival.path,
            "document_id": document_id(arrival.path),
            "sha256": arrival.sha256,
            "size": arrival.size,
            "outcome": outcome,
        }
    )
    response.status_code = HTTPStatus.OK if outcome == "identical" else HTTPStatus.CREATED
    return response


def _is_of_other_site() -> bool:
    """Whether a browser sent this request from a page that may not upload. Other programs say no origin."""
    if "Origin" not in request.headers and "Sec-Fetch-Site" not in request.headers:
        return False
    return not is_from_own_page(request) and request.headers.get("Origin") not in words(
        service().settings.cors
    )
