"""The line that says that some files could not be read. A person can put it away until it changes.

A cookie remembers which state was put away. It holds a digest, and nothing about the person.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from qa.types import IndexInfo
from qa.web.access.own_pages import check_own_page
from qa.web.pages.formats import address

_COOKIE = "alarm"
_YEAR = 365 * 24 * 3600

alarming = Blueprint("alarming", __name__)


def alarm(info: IndexInfo) -> str | None:
    """Return the digest of what could not be read; None if that is nothing, or was put away."""
    if not info.failures:
        return None
    state = repr((info.unread_files, info.failure_count, info.failures)).encode()
    digest = hashlib.sha256(state).hexdigest()[:16]
    return None if request.cookies.get(_COOKIE) == digest else digest


@alarming.post("/alarm")
def put_away() -> Response:
    """Put the alarm away until something else cannot be read, and show the results again."""
    check_own_page("The alarm must be put away from this service's own page.")
    kept = {name: request.form.getlist(name) for name in request.form if name != "state"}
    response = redirect(address("/", kept), HTTPStatus.SEE_OTHER)
    response.set_cookie(
        _COOKIE,
        request.form.get("state", "")[:16],
        max_age=_YEAR,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response
