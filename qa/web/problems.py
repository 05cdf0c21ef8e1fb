"""Errors as responses: RFC 9457 problems for the API, pages for a browser."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from flask import Flask, Response, current_app, jsonify, make_response, render_template, request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException

from qa.errors import (
    ChangedError,
    GoneError,
    IndexUnavailableError,
    ModelError,
    NameTakenError,
    NoSpaceError,
    NotFoundError,
    QAError,
    QueryError,
    RenderingBusyError,
    RenderingError,
    RenderingTimeoutError,
    StoreUnavailableError,
    TooLargeError,
    UnreadKindError,
    UploadError,
)
from qa.web.server import logs

PROBLEM = "application/problem+json"

_MAX_ERRORS = 100
"""Fields that a problem lists. Chosen: a request of 1 MB may contain 100,000 wrong ones."""

_PROGRAM_PATHS = ("/api/", "/healthz", "/readyz", "/metrics", "/openapi.json")
_STATUS: tuple[tuple[type[QAError], HTTPStatus], ...] = (
    (ChangedError, HTTPStatus.CONFLICT),
    (UnreadKindError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (NameTakenError, HTTPStatus.CONFLICT),
    (NoSpaceError, HTTPStatus.INSUFFICIENT_STORAGE),
    (UploadError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (GoneError, HTTPStatus.GONE),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (QueryError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (IndexUnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (ModelError, HTTPStatus.SERVICE_UNAVAILABLE),
    (RenderingBusyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (RenderingTimeoutError, HTTPStatus.SERVICE_UNAVAILABLE),
    (RenderingError, HTTPStatus.UNPROCESSABLE_ENTITY),
)
_MESSAGES = {
    "extra_forbidden": "is not a known parameter",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "missing": "is required",
    "string_too_short": "must not be empty",
    "string_type": "must be a text",
    "tuple_type": "must be a list",
}


class RequestError(Exception):
    """A request with invalid fields. ``errors`` are (field, message) pairs."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" if field else message for field, message in errors))
        self.errors = tuple(errors)

    @classmethod
    def from_validation(cls, error: ValidationError) -> RequestError:
        """Return the errors of a model in plain words, up to ``_MAX_ERRORS``."""
        details = error.errors(include_url=False, include_context=False, include_input=False)
        errors = [(_field(detail), _message(detail)) for detail in details[:_MAX_ERRORS]]
        if (others := len(details) - _MAX_ERRORS) > 0:
            errors.append(("", f"{others} more fields are invalid"))
        return cls(errors)


def _field(detail: ErrorDetails) -> str:
    return ".".join(str(part) for part in detail["loc"])


def _message(detail: ErrorDetails) -> str:
    message = _MESSAGES.get(detail["type"], detail["msg"])
    return message.replace("Input should", "must")


def problem(status: int, detail: str, errors: Sequence[tuple[str, str]] = ()) -> Response:
    """Return a problem as a response."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if (request_id := logs.request_id()) is not None:
        body["request_id"] = request_id
    if errors:
        body["errors"] = [{"field": field, "message": message} for field, message in errors]
    response = jsonify(body)
    response.status_code = status
    response.mimetype = PROBLEM
    return response


def error_response(status: int, detail: str, errors: Sequence[tuple[str, str]] = ()) -> Response:
    """Return a problem, or an error page if the address belongs to a page."""
    if request.path.startswith(_PROGRAM_PATHS):
        return problem(status, detail, errors)
    return make_response(render_template("error.html", status=status, detail=detail, errors=errors), status)


def status_of(error: QAError) -> HTTPStatus:
    """Return the status that fits an error; 500 if it is no fault of the request."""
    known = (status for kind, status in _STATUS if isinstance(error, kind))
    return next(known, HTTPStatus.INTERNAL_SERVER_ERROR)


def detail_of(error: QAError) -> str:
    """Return an error's message, and what to do about it if that is known."""
    message = str(error) or type(error).__doc__ or ""
    if isinstance(error, StoreUnavailableError):
        return "The store of the index does not answer. Try again in a moment."
    if isinstance(error, IndexUnavailableError) and "qa index" not in message:
        return f"{message.rstrip('.')}. Run `qa index` to build it."
    return message


def _on_request_error(error: RequestError) -> Response:
    return error_response(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), error.errors)


def _on_qa_error(error: QAError) -> Response:
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log_failure(f": {error}")
    response = error_response(status, detail_of(error))
    if isinstance(error, StoreUnavailableError):
        current_app.logger.warning("%s (request %s)", error, logs.request_id())
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "1"
    return response


def _on_http_exception(error: HTTPException) -> Response:
    if error.code is None:
        return make_response(error.get_response())
    response = error_response(error.code, error.description or "")
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            response.headers.add(name, value)
    return response


def _on_exception(error: Exception) -> Response:
    _log_failure("", error)
    return error_response(
        HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong. The service's log has the details."
    )


def _log_failure(why: str, error: Exception | None = None) -> None:
    action = f"{request.method} {logs.path()}"
    current_app.logger.error("%s failed%s (request %s)", action, why, logs.request_id(), exc_info=error)


def init_app(app: Flask) -> None:
    """Turn every error of ``app`` into a response."""
    app.register_error_handler(RequestError, _on_request_error)
    app.register_error_handler(QAError, _on_qa_error)
    app.register_error_handler(HTTPException, _on_http_exception)
    app.register_error_handler(Exception, _on_exception)
