"""The rate limit: how often each client may send a request."""

from __future__ import annotations

from flask import Flask, g, request
from flask_limiter import Limiter

from qa.config import Settings
from qa.web.service import is_probe


def init_app(app: Flask, settings: Settings) -> None:
    """Limit each key, or each address if there are no keys, to ``settings.rate_limit``; probes are exempt.

    Each process counts for itself.
    """
    if settings.rate_limit:
        Limiter(
            lambda: g.get("key") or request.remote_addr or "",
            app=app,
            default_limits=[settings.rate_limit],
            default_limits_exempt_when=is_probe,
            storage_uri="memory://",
            headers_enabled=True,
        )
