"""Serve with gunicorn: one process, one model, several threads."""

from __future__ import annotations

import gc
import os
import socket
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from qa import config
from qa.config import Settings
from qa.contracts import QAError, SettingsError
from qa.web import create_app
from qa.web.judgements import Judgements

_SILENT_SECONDS = 60
"""How long a connection on which nothing is asked is kept from gunicorn."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SettingsError: the host, the port or the file of judgements cannot be used.
    """
    if settings.judgements:
        Judgements(settings.judgements).check()
    with _listen(settings.host, settings.port) as listener:
        address, master = _address(listener), os.getpid()
        try:
            # gunicorn closes the descriptor that it is given.
            _Server(settings, os.dup(listener.fileno()), address).run()
        except SystemExit as stopped:
            # The worker is forked in there and must end there.
            if os.getpid() != master:
                raise
            if stopped.code:
                raise QAError("The service could not go on; what stands above says why.") from None


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn around the app. The app is made in the worker, so that no thread or lock is forked."""

    def __init__(self, settings: Settings, listener: int, address: str) -> None:
        self._settings = settings
        self._listener = listener
        self._serving_on = address
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        config.keep_native_libraries_to_one_core()
        from qa.search import LiveSearcher  # noqa: PLC0415 -- loads the model's libraries: the worker's business

        live = LiveSearcher(self._settings)
        try:
            live.current()
        except QAError as error:
            sys.stderr.write(f"Not ready yet: {error}\n")
        app = create_app(self._settings, live.current)
        # What is loaded by now stays: to look through it for garbage would stop every request for 50 ms.
        gc.freeze()
        return app

    def _options(self) -> dict[str, Any]:
        return {
            "bind": f"fd://{self._listener}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": self._settings.threads,
            "keepalive": 30,
            "timeout": 120,
            "graceful_timeout": 10,
            # The most that gunicorn allows: a letter that is not Latin takes six to twelve bytes there.
            "limit_request_line": 8190,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_worker_init": self._announce,
        }

    def _announce(self, _worker: Any) -> None:
        sys.stderr.write(f"Serving on {self._serving_on}\n")
        sys.stderr.flush()


def _listen(host: str, port: int) -> socket.socket:
    # getaddrinfo takes a port that is too high for another, without a word.
    if not 0 <= port < 1 << 16:
        raise SettingsError(f"{port} is not a port: ports go from 0 to 65535.")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{host!r} port {port} is not an address to serve on: {error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_DEFER_ACCEPT"):
            # Linux hands over a connection once something was asked on it: browsers open some to spare, and
            # gunicorn lets a thread wait for seconds on each.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _SILENT_SECONDS)
        listener.bind(address)
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"Cannot serve on {host} port {port}: {error}. Another port can be had with --port."
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
