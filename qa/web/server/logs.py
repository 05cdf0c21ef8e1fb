"""What is logged: errors, and with ``log_json`` every request, on a line of JSON each.

Never the text of a document, nor a key; a question only where ``log_questions`` asks for it.
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

_LONGEST_PATH = 1000
"""How much of a path is logged: a line of more than 4 KB may be mixed with another process's."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_GIVEN = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_log = logging.getLogger("qa.requests")


class JSONLines(logging.Formatter):
    """A record as a line of JSON. What a request logs bears its id."""

    def format(self, record: logging.LogRecord) -> str:
        """Put a record as JSON."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context():
            said["request_id"] = request_id()
        said |= getattr(record, "fields", {})
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


class Lines(logging.Formatter):
    """A record as a line of text. What came from outside begins no line of its own, and moves no cursor."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- the base class names it
        """Put a record's message on one line; a traceback follows on its own."""
        return _UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], super().formatMessage(record))


def configure(settings: Settings) -> None:
    """Send this process's log to standard error, in the form that is set."""
    handler = logging.StreamHandler(sys.stderr)
    form = "%(levelname)s: %(message)s"
    handler.setFormatter(JSONLines() if settings.log_json else Lines(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]


def request_id() -> str | None:
    """Give the id of this request: the one that it bears, if that can be one, else one of our own."""
    found: str | None = g.get("request_id")
    return found


def path() -> str:
    """Return the beginning of the path that is asked for, as it is logged."""
    return request.path[:_LONGEST_PATH]


def init_app(app: Flask, settings: Settings) -> None:
    """Give each request of ``app`` an id, and log it if that is set."""
    app.before_request(_name)
    app.after_request(lambda response: _tell(response, settings))
    _log.setLevel(logging.INFO if settings.log_json else logging.WARNING)


def _name() -> None:
    given = request.headers.get(ID, "")
    g.request_id = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)


def _tell(response: Response, settings: Settings) -> Response:
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
