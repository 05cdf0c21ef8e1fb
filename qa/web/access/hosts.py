"""The names that the service answers to: a request for any other host is refused.

This stops DNS rebinding, where a web page points its own name at this machine to read the documents.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.exceptions import BadRequest

from qa.config import Settings
from qa.config.forms import is_address, words

_MAX_HOST_LENGTH = 260
"""In characters: a host name has at most 253 (RFC 1035), and a port adds six."""

_CACHED_HOSTS = 256
"""How many hosts are remembered. A service has few names, and a visitor may make up as many as they like."""


def init_app(app: Flask, settings: Settings) -> None:
    """Refuse requests for hosts that are neither an IP address nor a name of this service.

    Flask's own ``TRUSTED_HOSTS`` doesn't replace this. It is case-sensitive, cannot hold an IPv6 address, and
    would have to list every address of the machine: ``test_requests_for_our_own_hosts_are_answered``.
    """
    is_own_host = host_check(settings)

    def refuse_other_hosts() -> None:
        if not is_own_host(request.host):
            raise BadRequest("This service does not answer to that host name. Add it to the setting `hosts`.")

    app.before_request(refuse_other_hosts)


def host_check(settings: Settings) -> Callable[[str], bool]:
    """Return a function that says whether a Host header names this service."""
    names = {"localhost", settings.host.lower(), *(name.lower() for name in words(settings.hosts))}

    @lru_cache(_CACHED_HOSTS)
    def is_own_name(host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in names or is_address(name)

    return lambda host: len(host) <= _MAX_HOST_LENGTH and is_own_name(host)
