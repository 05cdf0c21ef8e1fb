"""Authentication by key: when the service may start without keys, and the key that each request carries."""

from __future__ import annotations

import ipaddress
import logging
import stat

from flask import Flask, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from qa.config import Settings
from qa.errors import SettingsError
from qa.web.access.keys import Keys
from qa.web.service import is_probe

_EXPOSED = stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH
"""Permissions that the file of keys should not grant. The service's group may read it."""

_log = logging.getLogger(__name__)


def check_access(settings: Settings, address: str) -> Keys:
    """Return the keys to serve with, unless anyone on the network could read the documents.

    Args:
        settings: where the keys are, and whether the service may run without any.
        address: the IP address that the service listens on.

    Raises:
        SettingsError: the keys cannot be read or have disappeared, or none exist and other machines can
            reach ``address``.
    """
    path = settings.keys
    keys = Keys(path, insecure=settings.insecure)
    if not keys.all():
        _check_without_keys(settings, address, keys)
    elif path.stat().st_mode & _EXPOSED:
        _log.warning("Other users can read or change %s. Run `chmod 600 %s`.", path, path)
    return keys


def _check_without_keys(settings: Settings, address: str, keys: Keys) -> None:
    path = settings.keys
    if not keys.needed:
        if not (settings.insecure or is_loopback(address)):
            raise SettingsError(
                f"Anyone who can reach {settings.host} could read the documents. "
                "Make a key with `qa key create`, or use --insecure to serve without keys."
            )
    elif path.exists():
        _log.warning(
            "%s holds no keys, so every request is refused. Make a key with `qa key create`. "
            "To serve without keys, remove the file and use --insecure.",
            path,
        )
    else:
        raise SettingsError(
            f"{path} is missing, but keys existed before. Restore it, make a new key with `qa key create`, "
            "or use --insecure to serve without keys."
        )


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an IP address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def init_app(app: Flask, keys: Keys) -> None:
    """Require a key of every request except probes, if there are keys."""
    app.before_request(lambda: _check_key(keys))


def _check_key(keys: Keys) -> None:
    """Take the key as a bearer token, or, from a browser's login dialog, as the password."""
    if not keys.needed or is_probe():
        return
    credentials = request.authorization
    key = keys.find((credentials.token or credentials.password or "") if credentials else "")
    if not key:
        schemes = [WWWAuthenticate(scheme, {"realm": "qa"}) for scheme in ("bearer", "basic")]
        raise Unauthorized(
            "A key is required. Send it as `Authorization: Bearer KEY`.", www_authenticate=schemes
        )
    g.key = key.id
