"""Reverse proxies: only those that the settings name may say whom they forward a request for."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from qa.config import Settings
from qa.config.forms import words


def init_app(app: Flask, settings: Settings) -> None:
    """Trust the ``X-Forwarded-*`` headers of requests from the addresses in ``settings.proxies``."""
    trusted = frozenset(words(settings.proxies))
    if not trusted:
        return
    direct = app.wsgi_app
    forwarded = ProxyFix(direct, x_for=1, x_proto=1, x_host=1)

    def choose(environ: dict[str, Any], start_response: Any) -> Any:
        wsgi_app = forwarded if environ.get("REMOTE_ADDR") in trusted else direct
        return wsgi_app(environ, start_response)

    app.wsgi_app = choose  # type: ignore[method-assign]
