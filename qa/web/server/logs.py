"""The log: errors and, with ``log_json``, every request, as one line of JSON each.

It never contains the text of a document or a key, and questions only with ``log_questions``.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, has_request_context, request

from qa.config import Settings

ID = "X-Request-ID"

_MAX_PATH = 1000
"""Characters of a path that are logged. Chosen: lines over 4 KB of several processes may be interleaved."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_log = logging.getLogger("qa.requests")


class JSONLines(logging.Formatter):
    """Formats a record as a line of JSON, with the id of the request if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context():
            entry["request_id"] = request_id()
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class Lines(logging.Formatter):
    """Formats a record as a line of text. Input from outside cannot start a line or move the cursor."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- the base class names it
        """Return a record's message on one line; a traceback follows on lines of its own."""
        return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], super().formatMessage(record))


def configure(settings: Settings) -> None:
    """Send this process's log to standard error, as JSON or as text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONLines() if settings.log_json else Lines("%(levelname)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]


def request_id() -> str | None:
    """Return the id of this request: the client's ``X-Request-ID`` if it is valid, else a random one."""
    current: str | None = g.get("request_id")
    return current


def path() -> str:
    """Return the beginning of the requested path, as it is logged."""
    return request.path[:_MAX_PATH]


def init_app(app: Flask, settings: Settings) -> None:
    """Give each request of ``app`` an id, and log it with ``log_json``."""
    app.before_request(_set_request_id)
    app.after_request(lambda response: _log_request(response, settings))
    _log.setLevel(logging.INFO if settings.log_json else logging.WARNING)


def _set_request_id() -> None:
    sent = request.headers.get(ID, "")
    g.request_id = sent if _REQUEST_ID.fullmatch(sent) else secrets.token_hex(8)


def _log_request(response: Response, settings: Settings) -> Response:
    response.headers[ID] = g.request_id
    if settings.log_json:
        fields = {
            "method": request.method,
            "path": path(),
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.started) * 1000, 1),
            "address": request.remote_addr,
            "key": g.get("key"),
        }
        if settings.log_questions:
            fields["questions"] = g.get("questions", [])
        _log.info("%s %s", request.method, path(), extra={"fields": fields})
    return response
