"""Serve with granian: a process for each core, each with several threads.

Python runs one thread of a process at a time, and half of a question's work is Python's.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from qa import config
from qa.config import Settings
from qa.errors import QAError, SettingsError
from qa.web import create_app
from qa.web.access import load, security
from qa.web.access.keys import Keys
from qa.web.api.endpoints import MAX_BODY
from qa.web.judgements import Judgements
from qa.web.server import connections, logs
from qa.web.server.gateway import Gateway, Receive, Send

_HEADER_MS = 10_000
"""How long the headers of a request may take to arrive, and a connection may wait for its next request."""

_HEADER_BYTES = 64 << 10
"""How long they may be together. A letter that is not Latin takes six to twelve bytes in an address."""

_CONNECTIONS = 4096
"""How many connections a process holds. Requests, not connections, are sent away when the service is busy."""

_OWN_DESCRIPTORS = 256
"""How many descriptors a process keeps for files: accepting a connection must not fail for want of one."""

_STOP_SECONDS = 10
"""How long a process may take to end; what it still works on is then given up."""

_LOOK_SECONDS = 0.02
_PARENT_SECONDS = 1.0
_DROP_SECONDS = 0.25

_log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SettingsError: the host, the port, the keys or the file of judgements cannot be used, or anybody could
            ask.
        QAError: a process could not begin; it has logged why.
    """
    if settings.judgements:
        Judgements(settings.judgements).check()
    logs.configure(settings)
    with _reserve(settings.host, settings.port) as reserved:
        keys = security.check_access(settings, reserved.getsockname()[0])
        most = min(_CONNECTIONS, _raise_descriptor_limit() - _OWN_DESCRIPTORS)
        worker = _Worker(settings, keys, _url(reserved), most)
        with suppress(SystemExit):  # the log says why
            _granian(settings, reserved, most).serve(target_loader=worker.load, wrap_loader=False)
            if not worker.failed.is_set():
                return
    raise QAError("The service could not go on; what stands above says why.")


def _granian(settings: Settings, reserved: socket.socket, most_connections: int) -> MPServer:
    address, port = reserved.getsockname()[:2]
    return MPServer(
        "qa",
        address,
        port,
        interface=Interfaces.ASGI,
        # A file of Milvus Lite is one process's.
        workers=1 if settings.store_is_file else settings.workers,
        loop=Loops.asyncio,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MS, max_buffer_size=_HEADER_BYTES),
        backpressure=most_connections,
        log_level=LogLevels.error,
        log_dictconfig={"loggers": {"_granian": {"handlers": []}}},  # to the root logger, like everybody
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
    )


class _Worker:
    """A process of the service, which loads the app itself: no thread and no lock is forked."""

    def __init__(self, settings: Settings, keys: Keys, url: str, most_connections: int) -> None:
        self._settings = settings
        self._keys = keys
        self._url = url
        self._most_connections = most_connections
        self._parent = os.getpid()
        self._announced = multiprocessing.Lock()
        self.failed = multiprocessing.Event()

    def load(self) -> Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]:
        """Return the process's ASGI app; where it cannot be made, end the service."""
        logs.configure(self._settings)
        try:
            app, warning = self._create_app()
        except Exception:  # noqa: BLE001 -- whatever it is, no process can serve
            _log.exception("The service cannot start")
            self.failed.set()
            os.kill(self._parent, signal.SIGTERM)
            raise SystemExit(1) from None
        gateway = Gateway(app, load.threads(self._settings), MAX_BODY)

        async def serve(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await self._live(warning, receive, send)
            else:
                await gateway(scope, receive, send)

        return serve

    def _create_app(self) -> tuple[Flask, str]:
        """Return the app, and what to say where it cannot answer yet."""
        config.keep_native_libraries_to_one_core()
        from qa.retrieval.live import LiveSearcher  # loads the model's libraries: the worker's business

        live = LiveSearcher(self._settings)
        try:
            store = live.current().info.store
            note = "" if store == config.LOCAL else f"The index is in {store}\n"
        except QAError as error:
            note = f"Not ready yet: {error}\n"
        app = create_app(self._settings, live.current, self._keys)
        # What is loaded by now stays: to look through it for garbage would stop every request for 50 ms.
        gc.freeze()
        return app, note

    async def _live(self, note: str, receive: Receive, send: Send) -> None:
        """Follow the process from its start to its end."""
        tasks = self._announce(note), self._keep_descriptors_free(), self._follow_parent()
        watching = [asyncio.ensure_future(task) for task in tasks]
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in watching:
            task.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _announce(self, note: str) -> None:
        """Print the address once the process listens there: the first process speaks for all."""
        while not connections.is_listening():  # noqa: ASYNC110 -- granian tells nobody
            await asyncio.sleep(_LOOK_SECONDS)
        if self._announced.acquire(block=False):
            sys.stderr.write(f"{note}Serving on {self._url}\n")
            sys.stderr.flush()

    async def _keep_descriptors_free(self) -> None:
        """Make sure that somebody new can be accepted, however many connections say nothing."""
        most = _OWN_DESCRIPTORS + self._most_connections // 2
        while True:
            await asyncio.sleep(_DROP_SECONDS)
            connections.drop_silent(most)

    async def _follow_parent(self) -> None:
        """End where the process that started this one has been killed."""
        while os.getppid() == self._parent:  # noqa: ASYNC110 -- nor does the system
            await asyncio.sleep(_PARENT_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)


def _raise_descriptor_limit() -> int:
    """Let the process have as many descriptors as it may, and return how many those are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _OWN_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft


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


def _url(reserved: socket.socket) -> str:
    host, port = reserved.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
