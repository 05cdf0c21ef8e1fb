"""The address that a service listens on, reserved before any of its processes starts."""

from __future__ import annotations

import socket

from qa.errors import SettingsError


def reserve(host: str, port: int) -> socket.socket:
    """Return a socket that reserves the address for the processes of this service.

    Raises:
        SettingsError: the host or port cannot be used, or another program listens there.
    """
    # getaddrinfo silently turns a port that is too high into another.
    if not 0 <= port < 1 << 16:
        raise SettingsError(f"{port} is not a valid port: ports range from 0 to 65535.")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        exclusive, shared = (socket.socket(family, socket.SOCK_STREAM) for _ in range(2))
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{host!r} port {port} is not a usable address: {_reason(error)}") from error
    try:
        with exclusive:  # fails if another program listens there
            exclusive.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            exclusive.bind(address)
            address = exclusive.getsockname()
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(address)
    except OSError as error:
        shared.close()
        raise SettingsError(
            f"Cannot serve on {host} port {port}: {_reason(error)}. Choose another port."
        ) from error
    return shared


def _reason(error: Exception) -> str:
    """Return what an error says, without its number."""
    return str(error.strerror if isinstance(error, OSError) and error.strerror else error)


def url_of(reserved: socket.socket) -> str:
    """Return the address of a reserved socket as a URL."""
    host, port = reserved.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
