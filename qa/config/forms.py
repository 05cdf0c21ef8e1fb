"""What the texts of settings must look like."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

OCR_MODES = ("auto", "off", "force")
"""Recognise pages without text that can be read; none; all."""

_STORE = re.compile(r"local|milvus\+(https?://[^\s/:]\S*|.+\.db)")
_HOST = re.compile(r"[\w.-]+", re.ASCII)  # as browsers send it: xn--… where it has other letters


class Form(NamedTuple):
    """What a text must look like: a test, and the words with which an error says so."""

    fits: Callable[[str], bool]
    description: str


def words(value: str) -> list[str]:
    """Return the parts of a setting that holds several, separated by commas."""
    return [word.strip() for word in value.split(",") if word.strip()]


def is_address(name: str) -> bool:
    """Whether this is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_store(store: str) -> bool:
    return _STORE.fullmatch(store) is not None


def _is_origin(origin: str) -> bool:
    """Whether this is an origin as browsers send it."""
    try:
        parts = urlsplit(origin)
        host = parts.hostname or ""
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return False
    if not (_HOST.fullmatch(host) or is_address(host)):
        return False
    return origin in {
        f"{scheme}://{name}{port}" for scheme in ("http", "https") for name in (host, f"[{host}]")
    }


def _is_rate(rate: str) -> bool:
    from limits import parse_many  # only a service needs it, and only if this is set

    try:
        return all(limit.amount for limit in parse_many(rate))
    except ValueError:
        return False


OCR_FORM = Form(lambda mode: mode in OCR_MODES, f"one of {', '.join(OCR_MODES)}")
STORE_FORM = Form(_is_store, "a store: use local, milvus+http://HOST:PORT or milvus+FILE.db")
RATE_FORM = Form(lambda rate: not rate or _is_rate(rate), "a rate: write it as 100/minute")
HOSTS_FORM = Form(
    lambda hosts: all(map(_HOST.fullmatch, words(hosts))),
    "a list of host names: write them without scheme and port, as qa.example.org",
)
WEBHOOK_HOSTS_FORM = Form(
    lambda hosts: all(_HOST.fullmatch(host) or is_address(host) for host in words(hosts)),
    "a list of hosts: write them without scheme and port, as hooks.example.org or 10.0.0.7",
)
PROXIES_FORM = Form(
    lambda proxies: all(map(is_address, words(proxies))),
    "a list of IP addresses: write them as 10.0.0.1, 10.0.0.2",
)
ORIGINS_FORM = Form(
    lambda origins: all(map(_is_origin, words(origins))),
    "a list of origins: write them as https://example.org",
)
