"""The web service: a JSON API and pages over one index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flask_openapi3_swagger  # type: ignore[import-untyped]
from flask import Blueprint, Flask, Response, jsonify, render_template
from flask.json.provider import DefaultJSONProvider
from flask_openapi3.openapi import OpenAPI
from pydantic_core import to_json

from qa.config import Settings
from qa.readers.pdf.rendering.renderer import Renderer
from qa.web import problems
from qa.web.access import authentication, cors, headers, hosts, load, proxies, rate_limit
from qa.web.access.keys import Keys
from qa.web.api import endpoints
from qa.web.api.delivery import deliver
from qa.web.api.member_files import MemberFiles
from qa.web.api.schemas.responses import Problem
from qa.web.api.upload_endpoint import upload_api
from qa.web.api.validation import API
from qa.web.judgements import Judgements
from qa.web.pages import views
from qa.web.server import logs, metrics
from qa.web.service import Opener, Service
from qa.web.updates import Updates

__all__ = ["create_app"]

_YEAR = 365 * 24 * 3600
"""How long browsers may keep static files, in seconds: their addresses change with their content."""


class JSON(DefaultJSONProvider):
    """Compact UTF-8, written by pydantic, which was measured to be four times as fast as ``json``."""

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a JSON response of one value, or of several."""
        body = to_json(self._prepare_response_obj(args, kwargs))
        return Response(body + b"\n", mimetype=self.mimetype)


def create_app(settings: Settings, opener: Opener, keys: Keys | None = None) -> Flask:
    """Return the service as a Flask app.

    Args:
        settings: the settings of the service.
        opener: returns the current searcher, or raises IndexUnavailableError. Called once per request.
        keys: the keys that allow requests. Processes of one service share them; by default, the app opens
            the file in ``settings.keys``.
    """
    app = OpenAPI(__name__, info=endpoints.INFO, doc_ui=False, validation_error_model=Problem)
    # Every operation describes "default" problems, which keeps flask-openapi3 from adding its own.
    app.validation_error_status = "default"
    judgements = Judgements(settings.judgements) if settings.judgements else None
    updates = Updates(settings) if settings.edit or settings.upload else None
    app.extensions["qa"] = Service(
        settings, opener, Renderer(_drawing_threads(settings)), MemberFiles(settings), judgements, updates
    )
    app.config["MAX_CONTENT_LENGTH"] = endpoints.MAX_BODY
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = _YEAR
    app.json = JSON(app)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    metrics.init_app(app)
    problems.init_app(app)
    logs.init_app(app, settings)
    # The order counts: a request is counted, identified and checked before it may wait for its turn.
    proxies.init_app(app, settings)
    hosts.init_app(app, settings)
    cors.init_app(app, settings)
    authentication.init_app(app, keys or Keys(settings.keys, insecure=settings.insecure))
    headers.init_app(app)
    rate_limit.init_app(app, settings)
    load.init_app(app, settings)
    app.register_api(endpoints.api)
    app.register_api(endpoints.probes)
    if settings.upload:
        _register_beside(app, upload_api)
    app.register_blueprint(_docs(app))
    views.init_app(app)
    return app


def _register_beside(app: OpenAPI, api: API) -> None:
    """Register operations on paths that have others, which flask-openapi3 would no longer describe."""
    described = dict(app.paths)
    app.register_api(api)
    for path in api.paths:
        added = {verb: getattr(api.paths[path], verb) for verb in api.paths[path].model_fields_set}
        app.paths[path] = described[path].model_copy(update=added)


def _drawing_threads(settings: Settings) -> int:
    """Return how many threads may wait for pages to be drawn: half, so that the others answer searches."""
    return max(1, settings.threads // 2)


def _docs(app: OpenAPI) -> Blueprint:
    """Return the routes of the API's description and of Swagger UI, without an inline script."""
    assets = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"
    docs = Blueprint("docs", __name__, static_folder=assets, static_url_path="/docs/assets")
    docs.after_request(deliver)
    docs.add_url_rule("/openapi.json", "openapi", lambda: jsonify(_description(app)))
    docs.add_url_rule("/docs", "page", lambda: render_template("docs.html"))
    return docs


def _description(app: OpenAPI) -> dict[str, Any]:
    description: dict[str, Any] = app.api_doc
    # Without security schemes, flask-openapi3 writes null, which is not valid.
    if description["components"].get("securitySchemes") is None:
        description["components"].pop("securitySchemes", None)
    return description
