"""Serve with gunicorn: a process for each core, each with several threads.

Python runs one thread of a process at a time, and half of a question's work is Python's.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.errors import HaltServer

from qa import config
from qa.config import Settings
from qa.contracts import QAError, SettingsError
from qa.web import create_app, load, logs, security
from qa.web.judgements import Judgements
from qa.web.keys import Keys

_ENDED = "The service could not go on; what stands above says why."

_SILENT_SECONDS = 60
"""How long a connection on which nothing is asked is kept from gunicorn."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SettingsError: the host, the port, the keys or the file of judgements cannot be used, or anybody could
            ask.
    """
    if settings.judgements:
        Judgements(settings.judgements).check()
    with _reserve(settings.host, settings.port) as reserved:
        keys = security.check_access(settings, reserved.getsockname()[0])
        master = os.getpid()
        try:
            _Server(settings, keys, _address(reserved)).run()
        except SystemExit as stopped:
            # The worker is forked in there and must end there.
            if os.getpid() != master:
                raise
            if stopped.code:
                raise QAError(_ENDED) from None
        except HaltServer:  # gunicorn was ending for one process when another could not begin, either
            raise QAError(_ENDED) from None


def _worker_class() -> Any:
    if not sys.platform.startswith("linux"):
        return "gthread"
    from qa.web.worker import PatientWorker  # noqa: PLC0415 -- needs what Linux alone has

    return PatientWorker


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn around the app. The app is made in the worker, so that no thread or lock is forked."""

    def __init__(self, settings: Settings, keys: Keys, address: str) -> None:
        self._settings = settings
        self._keys = keys
        self._address = address
        self._told = ""
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options().items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        logs.configure(self._settings)
        config.keep_native_libraries_to_one_core()
        from qa.search import LiveSearcher  # noqa: PLC0415 -- loads the model's libraries: the worker's business

        live = LiveSearcher(self._settings)
        try:
            store = live.current().info.store
            self._told = "" if store == config.LOCAL else f"The index is in {store}\n"
        except QAError as error:
            self._told = f"Not ready yet: {error}\n"
        app = create_app(self._settings, live.current, self._keys)
        # What is loaded by now stays: to look through it for garbage would stop every request for 50 ms.
        gc.freeze()
        return app

    def _options(self) -> dict[str, Any]:
        return {
            "bind": self._address,
            # Each process has a socket of its own: of one for all, the first to wake takes every connection.
            "reuse_port": True,
            "post_fork": _hand_over_what_speaks,
            "worker_class": _worker_class(),
            # A file of Milvus Lite is one process's.
            "workers": 1 if self._settings.store_is_file else self._settings.workers,
            "threads": load.threads(self._settings),
            "keepalive": 30,
            "timeout": 120,
            "graceful_timeout": 10,
            # The most that gunicorn allows: a letter that is not Latin takes six to twelve bytes there.
            "limit_request_line": 8190,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_worker_init": self._announce,
        }

    def _announce(self, worker: Any) -> None:
        if worker.age == 1:  # the first of them speaks for all
            sys.stderr.write(f"{self._told}Serving on http://{self._address}\n")
            sys.stderr.flush()


def _hand_over_what_speaks(_arbiter: Any, worker: Any) -> None:
    """Let Linux hand over a connection only once something was asked on it.

    Browsers open some to spare, and gunicorn lets a thread wait for seconds on each.
    """
    if hasattr(socket, "TCP_DEFER_ACCEPT"):
        for listener in worker.sockets:
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _SILENT_SECONDS)


def _reserve(host: str, port: int) -> socket.socket:
    """Take an address, so that processes of this one may listen there, and others may not."""
    # getaddrinfo takes a port that is too high for another, without a word.
    if not 0 <= port < 1 << 16:
        raise SettingsError(f"{port} is not a port: ports go from 0 to 65535.")
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        alone, shared = (socket.socket(family, socket.SOCK_STREAM) for _ in range(2))
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{host!r} port {port} is not an address to serve on: {error}") from error
    try:
        with alone:  # which fails where somebody else listens
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(address)
            address = alone.getsockname()
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(address)
    except OSError as error:
        shared.close()
        raise SettingsError(
            f"Cannot serve on {host} port {port}: {error}. Another port can be had with --port."
        ) from error
    return shared


def _address(reserved: socket.socket) -> str:
    host, port = reserved.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
