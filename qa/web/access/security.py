"""Who may ask: the Host that is asked for, keys, rates, other sites, proxies; and what every answer bears."""

from __future__ import annotations

import ipaddress
import logging
import stat
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Unauthorized
from werkzeug.middleware.proxy_fix import ProxyFix

from qa.config import Settings, is_address, words
from qa.errors import SettingsError
from qa.web.access.keys import Keys
from qa.web.service import is_probe

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_EXPOSED = stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH
"""What the file of keys should not allow. A group may read it: that of a service with a user of its own."""

_log = logging.getLogger(__name__)
_OVER_TLS = "max-age=31536000"
_FOR_OTHER_SITES = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
_API = "/api/"
_LONGEST_HOST = 260
"""How many characters a host's name, of 253 at most, and its port may take."""


def check_access(settings: Settings, address: str) -> Keys:
    """Serve nobody but this machine without a key, unless that is wished, and return the keys to serve with.

    Args:
        settings: which keys there are, and whether others may ask without.
        address: on which the service listens.

    Raises:
        SettingsError: the keys cannot be read or are gone, or anybody could ask.
    """
    path = settings.keys
    keys = Keys(path, insecure=settings.insecure)
    if not keys.all():
        _check_without_keys(settings, address, keys)
    elif path.stat().st_mode & _EXPOSED:
        _log.warning("%s can be read or changed by others: run `chmod 600 %s`.", path, path)
    return keys


def _check_without_keys(settings: Settings, address: str, keys: Keys) -> None:
    path = settings.keys
    if not keys.needed:
        if not (settings.insecure or is_loopback(address)):
            raise SettingsError(
                f"Whoever reaches {settings.host} could read the documents: make a key with `qa key create`, "
                "or serve without one with --insecure."
            )
    elif path.exists():
        _log.warning(
            "%s holds no key, so nobody may ask: make one with `qa key create`. To serve without keys, "
            "remove the file and start with --insecure.",
            path,
        )
    else:
        raise SettingsError(
            f"{path} is gone, though keys were made: put it back, make a new key with `qa key create`, "
            "or serve without one with --insecure."
        )


def init_app(app: Flask, settings: Settings, keys: Keys) -> None:
    """Guard every request and answer of ``app``."""
    is_ours = _hosts(settings)
    others = frozenset(words(settings.cors))
    app.wsgi_app = _behind_proxies(app.wsgi_app, words(settings.proxies))  # type: ignore[method-assign]
    app.before_request(lambda: _check_host(is_ours))
    if others:
        app.before_request(lambda: _preflight(others))
        app.after_request(lambda response: _share(response, others))
    app.before_request(lambda: _check_key(keys))
    app.after_request(_bear)
    if settings.rate_limit:
        _limit(app, settings.rate_limit)


def is_loopback(address: str) -> bool:
    """Tell whether only this machine can reach an address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _hosts(settings: Settings) -> Callable[[str], bool]:
    """Make what tells our own names from a page's that points its name at us (DNS rebinding)."""
    names = {"localhost", settings.host.lower(), *(name.lower() for name in words(settings.hosts))}

    @lru_cache(256)
    def is_name_of_ours(host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in names or is_address(name)

    return lambda host: len(host) <= _LONGEST_HOST and is_name_of_ours(host)


def _check_host(is_ours: Callable[[str], bool]) -> None:
    if not is_ours(request.host):
        raise BadRequest("The request is for a host that is not this one. Name it in the setting hosts.")


def _check_key(keys: Keys) -> None:
    """Ask for a key: as a bearer token, or, for browsers, as the password of a dialogue."""
    if not keys.needed or is_probe():
        return
    given = request.authorization
    found = keys.named((given.token or given.password or "") if given else "")
    if not found:
        ways = [WWWAuthenticate("bearer", {"realm": "qa"}), WWWAuthenticate("basic", {"realm": "qa"})]
        raise Unauthorized("A key is needed: as `Authorization: Bearer KEY`.", www_authenticate=ways)
    g.key = found.id


def _limit(app: Flask, rate: str) -> None:
    """Let each key, or each address that has none, ask so often, as this process counts."""
    Limiter(
        lambda: g.get("key") or request.remote_addr or "",
        app=app,
        default_limits=[rate],
        default_limits_exempt_when=is_probe,
        storage_uri="memory://",
        headers_enabled=True,
    )


def _behind_proxies(app: Callable[..., Any], proxies: Iterable[str]) -> Callable[..., Any]:
    """Believe what these addresses say of whom they ask for, and nobody else."""
    trusted = frozenset(proxies)
    if not trusted:
        return app
    believing = ProxyFix(app, x_for=1, x_proto=1, x_host=1)

    def choose(environ: dict[str, Any], start: Any) -> Any:
        return (believing if environ.get("REMOTE_ADDR") in trusted else app)(environ, start)

    return choose


def _preflight(others: frozenset[str]) -> Response | None:
    """Answer a browser that asks whether another site may ask; it sends no key with that."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not (asks and request.path.startswith(_API) and request.headers.get("Origin") in others):
        return None
    return current_app.response_class(status=204, headers=_FOR_OTHER_SITES)


def _share(response: Response, others: frozenset[str]) -> Response:
    if request.path.startswith(_API):
        response.vary.add("Origin")
        origin = request.headers.get("Origin", "")
        if origin in others:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Request-ID"
    return response


def _bear(response: Response) -> Response:
    given = {name.lower() for name, _ in response.headers}
    response.headers.extend({name: value for name, value in _HEADERS.items() if name.lower() not in given})
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = _OVER_TLS
    return response
