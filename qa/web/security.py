"""Who may ask: the Host that is asked for, keys, rates, other sites, proxies; and what every answer bears."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from limits import parse_many
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Unauthorized
from werkzeug.middleware.proxy_fix import ProxyFix

from qa.config import Settings
from qa.contracts import SettingsError
from qa.web.keys import Keys
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
_OVER_TLS = "max-age=31536000"
_FOR_OTHER_SITES = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
_API = "/api/"
_LONGEST_HOST = 260
"""How many characters a host's name, of 253 at most, and its port may take."""


def init_app(app: Flask, settings: Settings) -> None:
    """Guard every request and answer of ``app``.

    Raises:
        SettingsError: a setting that cannot be used.
    """
    keys = Keys(settings.keys)
    is_ours = _hosts(settings)
    others = frozenset(words(settings.cors))
    app.wsgi_app = _behind_proxies(app.wsgi_app, words(settings.proxies))  # type: ignore[method-assign]
    app.before_request(lambda: _check_host(is_ours))
    if others:
        _check_origins(others)
        app.before_request(lambda: _preflight(others))
        app.after_request(lambda response: _share(response, others))
    app.before_request(lambda: _check_key(keys))
    app.after_request(_bear)
    if settings.rate:
        _limit(app, settings.rate)


def words(value: str) -> list[str]:
    """Divide a setting of several values, parted by commas."""
    return [word.strip() for word in value.split(",") if word.strip()]


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
        return name in names or _is_address(name)

    return lambda host: len(host) <= _LONGEST_HOST and is_name_of_ours(host)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


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
    try:
        parse_many(rate)
    except ValueError as error:
        raise SettingsError(f"the rate {rate!r} cannot be used: write it as 100/minute") from error
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
    if wrong := next((one for one in trusted if not _is_address(one)), None):
        raise SettingsError(f"{wrong!r} is not an address of a proxy")
    believing = ProxyFix(app, x_for=1, x_proto=1, x_host=1)

    def choose(environ: dict[str, Any], start: Any) -> Any:
        return (believing if environ.get("REMOTE_ADDR") in trusted else app)(environ, start)

    return choose


def _check_origins(origins: Iterable[str]) -> None:
    for origin in origins:
        parts = urlsplit(origin)
        if (
            parts.scheme not in {"http", "https"}
            or not parts.hostname
            or origin != f"{parts.scheme}://{parts.netloc}"
        ):
            raise SettingsError(f"{origin!r} is not an origin: write it as https://example.org")


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
