"""Post news to a webhook, signed as Standard Webhooks has it (standardwebhooks.com).

The connection goes to this machine or to a host that the settings name, and to the very address that was
checked. No redirect is followed, and of the answer only the status counts.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from qa import __version__
from qa.errors import DeliveryError
from qa.news.destinations import Webhook

_PREFIX = "whsec_"
_LEAST_KEY = 24
"""The shortest secret, in bytes: Standard Webhooks has none that are shorter."""

_MOST_SECRET_FILE = 10_000
"""The largest file of a secret, in bytes."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def post(webhook: Webhook, message: str, body: bytes, hosts: Collection[str], seconds: float) -> None:
    """Post news; return once the receiver has said that it has it.

    Args:
        webhook: where to.
        message: the id that is the same whenever this news is posted.
        body: the news as JSON.
        hosts: the hosts beside this machine that may be posted to.
        seconds: how long it may take after the host's address is known.

    Raises:
        DeliveryError: the receiver must not be connected to, does not answer, or answers that it does not
            have the news; or the secret cannot be used.
    """
    key = read_key(webhook.secret_file)
    headers = {"Content-Type": "application/json", "User-Agent": f"qa/{__version__}"}
    headers |= signed_headers(key, message, int(time.time()), body)
    addresses = permitted_addresses(webhook, hosts)
    ends = time.monotonic() + seconds
    try:
        with _connected(webhook, addresses, ends) as connection:
            connection.request("POST", _target(webhook.url), body, headers)
            status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise DeliveryError(_failure(error, late=time.monotonic() >= ends, seconds=seconds)) from error
    if 300 <= status < 400:  # noqa: PLR2004 -- what HTTP calls redirection
        raise DeliveryError(f"it answered {status}: redirects are not followed, so name the address itself")
    if not 200 <= status < 300:  # noqa: PLR2004 -- what HTTP calls success
        raise DeliveryError(f"it answered {status}")


def read_key(path: Path) -> bytes:
    """Return the key of a secret's file: base64, with or without ``whsec_`` in front.

    Raises:
        DeliveryError: there is none in the file.
    """
    try:
        with path.open("rb") as file:
            secret = file.read(_MOST_SECRET_FILE).decode().strip()
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except OSError as error:
        raise DeliveryError(f"its secret_file {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, binascii.Error, ValueError):
        key = b""
    if len(key) < _LEAST_KEY:
        raise DeliveryError(
            f"its secret_file {path} holds no secret: write whsec_ and at least {_LEAST_KEY} random bytes "
            "in base64, such as those of `openssl rand -base64 32`"
        )
    return key


def signed_headers(key: bytes, message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers that sign a message.

    Args:
        key: the secret's bytes.
        message: the message's id.
        timestamp: when it is sent, in seconds since 1970; a receiver refuses what is old.
        body: what is sent.
    """
    signature = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, "sha256")
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def permitted_addresses(webhook: Webhook, hosts: Collection[str]) -> tuple[str, ...]:
    """Return the addresses of a webhook's host, after a check that news may go there.

    ``localhost`` and loopback addresses are this machine. Any other host must be one of ``hosts``, and its
    name must not lead to this machine or to an address that only the local link knows: whoever answers for
    that name could otherwise point it at what only this machine can reach.

    Raises:
        DeliveryError: it may not, or the host has no address.
    """
    parts = urlsplit(webhook.url)
    host = parts.hostname or ""
    literal = _literal(host)
    here = host == "localhost" or (literal is not None and literal.is_loopback)
    if not here and host not in {named.lower() for named in hosts}:
        raise DeliveryError(f"{host} is not in the setting webhook_hosts: add it if news may go there")
    try:
        found = socket.getaddrinfo(host, _port(webhook.url), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DeliveryError(f"{host} has no address: {getattr(error, 'strerror', None) or error}") from error
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not _is_permitted(address, here=here):
            raise DeliveryError(f"{host} leads to {address}, where no news may go")
    return addresses


def _is_permitted(address: str, *, here: bool) -> bool:
    ip = _literal(address)
    if ip is None or here:
        return ip is not None and ip.is_loopback
    return not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)


def _literal(host: str) -> _Address | None:
    """Return the IP address that a host is written as; that of IPv4 in one of IPv6."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@contextmanager
def _connected(webhook: Webhook, addresses: Collection[str], ends: float) -> Iterator[HTTPConnection]:
    """Yield a connection to the first address that takes one; whatever is sent, it ends in time.

    A timeout of the socket alone would start anew with each byte of an answer.
    """
    parts = urlsplit(webhook.url)
    host = parts.hostname or ""
    plain = _connect(addresses, _port(webhook.url), ends)
    with plain, plain.dup() as guard:
        alarm = threading.Timer(max(0.0, ends - time.monotonic()), _break_off, [guard])
        alarm.daemon = True
        alarm.start()
        try:
            connection = HTTPConnection(host, _port(webhook.url))
            connection.sock = plain
            if parts.scheme == "https":
                connection.default_port = 443
                connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
            try:
                yield connection
            finally:
                connection.close()
        finally:
            alarm.cancel()


def _connect(addresses: Collection[str], port: int, ends: float) -> socket.socket:
    failure: OSError = TimeoutError()
    for address in addresses:
        remaining = ends - time.monotonic()
        if remaining <= 0:
            break
        try:
            return socket.create_connection((address, port), remaining)
        except OSError as error:
            failure = error
    raise failure


def _break_off(guard: socket.socket) -> None:
    with suppress(OSError):  # it is over already
        guard.shutdown(socket.SHUT_RDWR)


def _failure(error: OSError | HTTPException, *, late: bool, seconds: float) -> str:
    if late or isinstance(error, TimeoutError):
        return f"it did not answer within {seconds:g} seconds"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, OSError):
        return error.strerror or "it closed the connection"
    return "it did not answer as HTTP has it"  # such an error may quote what it answered: it isn't shown
