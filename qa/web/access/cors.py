"""Cross-origin requests (CORS): which other sites' pages may call the API."""

from __future__ import annotations

from flask import Flask, Response, current_app, request

from qa.config import Settings
from qa.config.forms import words

_API = "/api/"
_PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
_EXPOSED_HEADERS = "Retry-After, X-Request-ID"


def init_app(app: Flask, settings: Settings) -> None:
    """Let pages of the origins in ``settings.cors`` call the API, without cookies.

    Flask-CORS 6.0.5 doesn't replace this. It doesn't answer a preflight before the key is checked
    (``test_a_preflight_needs_no_key``). It leaves ``Vary`` out of answers to other origins, which a cache may
    then serve to an allowed one (``test_every_api_answer_varies_by_origin``). It reads an IPv6 origin as a
    regular expression (``test_an_ipv6_origin_is_compared_literally``).
    """
    origins = frozenset(words(settings.cors))
    if origins:
        app.before_request(lambda: _answer_preflight(origins))
        app.after_request(lambda response: _allow_origin(response, origins))


def _answer_preflight(origins: frozenset[str]) -> Response | None:
    """Answer a browser that asks whether a page may call the API. Browsers send no key with a preflight."""
    is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    is_allowed = request.path.startswith(_API) and request.headers.get("Origin") in origins
    if not (is_preflight and is_allowed):
        return None
    return current_app.response_class(status=204, headers=_PREFLIGHT_HEADERS)


def _allow_origin(response: Response, origins: frozenset[str]) -> Response:
    if request.path.startswith(_API):
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "")
        if origin in origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
    return response
