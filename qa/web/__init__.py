"""The web service: a JSON API and pages over one searcher."""

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
from qa.web.access import load, security
from qa.web.access.keys import Keys
from qa.web.api.endpoints import INFO, MAX_BODY, api, probes
from qa.web.api.schemas import Problem
from qa.web.judgements import Judgements
from qa.web.pages import views
from qa.web.server import logs, metrics
from qa.web.service import Opener, Service

__all__ = ["create_app"]

_YEAR = 365 * 24 * 3600


class JSON(DefaultJSONProvider):
    """Compact UTF-8, written by pydantic: four times as fast as the standard library does it."""

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer with one value, or several."""
        body = to_json(self._prepare_response_obj(args, kwargs))
        return Response(body + b"\n", mimetype=self.mimetype)


def create_app(settings: Settings, opener: Opener, keys: Keys | None = None) -> Flask:
    """Make the service.

    Args:
        settings: where the documents are and what is allowed.
        opener: gives the current searcher, or raises IndexUnavailableError; called once a request.
        keys: who may ask. Processes of one service share theirs; alone, an app has its own.
    """
    app = OpenAPI(__name__, info=INFO, doc_ui=False, validation_error_model=Problem)
    # Every operation documents its problems as "default" too: that keeps flask-openapi3 from adding its own.
    app.validation_error_status = "default"
    kept = Judgements(settings.judgements) if settings.judgements else None
    app.extensions["qa"] = Service(settings, opener, Renderer(_waiting_for_pages(settings)), kept)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = _YEAR
    app.json = JSON(app)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    metrics.init_app(app)
    problems.init_app(app)
    logs.init_app(app, settings)
    security.init_app(app, settings, keys or Keys(settings.keys, insecure=settings.insecure))
    load.init_app(app, settings)
    app.register_api(api)
    app.register_api(probes)
    app.register_blueprint(_docs(app))
    views.init_app(app)
    return app


def _waiting_for_pages(settings: Settings) -> int:
    """Return how many threads may wait for pages to be drawn: half, for the others answer searches."""
    return max(1, settings.threads // 2)


def _docs(app: OpenAPI) -> Blueprint:
    """Serve the API's description, and Swagger UI from its package without an inline script."""
    assets = Path(flask_openapi3_swagger.__file__).parent / "templates" / "swagger"
    docs = Blueprint("docs", __name__, static_folder=assets, static_url_path="/docs/assets")
    docs.add_url_rule("/openapi.json", "openapi", lambda: jsonify(_description(app)))
    docs.add_url_rule("/docs", "page", lambda: render_template("docs.html"))
    return docs


def _description(app: OpenAPI) -> dict[str, Any]:
    found: dict[str, Any] = app.api_doc
    # flask-openapi3 writes null where there are none, which is not valid.
    if found["components"].get("securitySchemes") is None:
        found["components"].pop("securitySchemes", None)
    return found
