"""The processes of the service, run by granian: one for each core, each with several threads.

Python runs one thread of a process at a time, and half of the work of a search is Python code.
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
from functools import partial
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from qa import config
from qa.config import Settings
from qa.errors import QAError
from qa.indexing import sidecars, uploads
from qa.news import saving
from qa.web import create_app
from qa.web.access import load
from qa.web.access.authentication import check_access
from qa.web.access.keys import Keys
from qa.web.api.endpoints import MAX_BODY
from qa.web.judgements import Judgements
from qa.web.pages import question_sheets
from qa.web.server import connections, logs
from qa.web.server.addresses import reserve, url_of
from qa.web.server.gateway import Gateway, Receive, Send
from qa.web.server.native_memory import limit_arenas
from qa.web.server.native_threads import limit_native_threads
from qa.web.uploading import streamed

_HEADER_MS = 10_000
"""How long headers may take, and a connection may wait for its next request. Chosen for slow networks."""

_HEADER_BYTES = 64 << 10
"""Maximum length of the headers. Chosen: a letter of a question takes up to twelve bytes in an address."""

_CONNECTIONS = 4096
"""Connections of a process. Chosen to be plenty: a busy service refuses requests, not connections."""

_OWN_DESCRIPTORS = 256
"""Descriptors that a process keeps for files. Chosen so that it can always accept a connection."""

_STOP_SECONDS = 10
"""How long a process may take to stop before its unfinished requests are abandoned. A choice."""

_LISTENING_INTERVAL = 0.02
_PARENT_INTERVAL = 1.0
_DROP_INTERVAL = 0.25
"""Seconds between two checks of a state that nothing reports. Chosen: soon enough, and at hardly any cost."""

_log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SettingsError: the host, the port or the keys cannot be used, what people may change on the page
            cannot be written, or anyone could read the documents.
        QAError: a process could not start; it has logged why.
    """
    _check_writable(settings)
    logs.configure(settings)
    with reserve(settings.host, settings.port) as reserved:
        keys = check_access(settings, reserved.getsockname()[0])
        max_connections = min(_CONNECTIONS, _raise_descriptor_limit() - _OWN_DESCRIPTORS)
        worker = _Worker(settings, keys, url_of(reserved), max_connections, _load_shared(settings))
        with suppress(SystemExit):  # the log says why
            _granian(settings, reserved, max_connections).serve(target_loader=worker.load, wrap_loader=False)
            if not worker.failed.is_set():
                return
    raise QAError("The service had to stop. The log above says why.")


def _check_writable(settings: Settings) -> None:
    """Raise SettingsError if something that people may change on the page cannot be written."""
    if settings.judgements:
        Judgements(settings.judgements).check()
    if settings.upload:
        uploads.check(settings)
    if settings.edit:
        sidecars.check(settings.docs)
        saving.check(settings.saved)


def _load_shared(settings: Settings) -> Any:
    """Load what the processes share, including those started later, and return the tokenizer if there is one.

    It is only read, so its memory stays shared: the tokenizer, and what tells languages.
    """
    if multiprocessing.get_start_method() != "fork":  # each process begins empty
        return None
    limit_native_threads()
    from qa.retrieval.live import load_tokenizer  # loads libraries
    from qa.text.language import load_identifier

    load_identifier()
    return load_tokenizer(settings)


def _granian(settings: Settings, reserved: socket.socket, max_connections: int) -> MPServer:
    address, port = reserved.getsockname()[:2]
    return MPServer(
        "qa",
        address,
        port,
        interface=Interfaces.ASGI,
        # Only one process can open a file of Milvus Lite.
        workers=1 if settings.store_is_file else settings.workers,
        loop=Loops.asyncio,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MS, max_buffer_size=_HEADER_BYTES),
        backpressure=max_connections,
        log_level=LogLevels.error,
        log_dictconfig={"loggers": {"_granian": {"handlers": []}}},  # to the root logger, like all others
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
    )


class _Worker:
    """A process of the service. It loads the app itself, so that no thread and no lock is forked.

    Only the tokenizer and what tells languages are there before, which have neither.
    """

    def __init__(
        self, settings: Settings, keys: Keys, url: str, max_connections: int, tokenizer: Any
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._url = url
        self._max_connections = max_connections
        self._tokenizer = tokenizer
        self._parent = os.getpid()
        self._announced = multiprocessing.Lock()
        self.failed = multiprocessing.Event()

    def load(self) -> Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]:
        """Return the process's ASGI app; stop the service if it cannot be created."""
        logs.configure(self._settings)
        try:
            app, note = self._create_app()
        except Exception:  # noqa: BLE001 -- whatever it is, no process could serve
            _log.exception("The service cannot start")
            self.failed.set()
            os.kill(self._parent, signal.SIGTERM)
            raise SystemExit(1) from None
        threads = load.threads(self._settings)
        sheets = {question_sheets.PATH: question_sheets.max_body(self._settings)}
        gateway = Gateway(app, threads, MAX_BODY, streamed(self._settings), max_bodies=sheets)

        async def serve(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await self._live(note, receive, send)
            else:
                await gateway(scope, receive, send)

        return serve

    def _create_app(self) -> tuple[Flask, str]:
        """Return the app, and a note about its index to print at the start."""
        limit_arenas()
        limit_native_threads()
        from qa.retrieval.live import LiveSearcher, encoder_of  # loads libraries

        load = partial(encoder_of, loaded=self._tokenizer, cache=self._settings.cache)
        live = LiveSearcher(self._settings, load)
        try:
            store = live.current().info.store
            note = "" if store == config.LOCAL else f"The index is in {store}\n"
        except QAError as error:
            note = f"Not ready yet: {error}\n"
        app = create_app(self._settings, live.current, self._keys)
        # What is loaded stays: searching it for garbage would stop every request for 50 ms (measured).
        gc.freeze()
        return app, note

    async def _live(self, note: str, receive: Receive, send: Send) -> None:
        """Run the background tasks from the start of the process to its end."""
        tasks = self._announce(note), self._keep_descriptors_free(), self._follow_parent()
        running = [asyncio.ensure_future(task) for task in tasks]
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in running:
            task.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _announce(self, note: str) -> None:
        """Print the address when the process listens on it; the first process prints it for all."""
        while not connections.is_listening():  # noqa: ASYNC110 -- granian does not report it
            await asyncio.sleep(_LISTENING_INTERVAL)
        if self._announced.acquire(block=False):
            sys.stderr.write(f"{note}Serving on {self._url}\n")
            sys.stderr.flush()

    async def _keep_descriptors_free(self) -> None:
        """Make sure that new connections can be accepted, however many silent ones there are."""
        limit = _OWN_DESCRIPTORS + self._max_connections // 2
        while True:
            await asyncio.sleep(_DROP_INTERVAL)
            connections.drop_silent(limit)

    async def _follow_parent(self) -> None:
        """Stop if the process that started this one has been killed."""
        while os.getppid() == self._parent:  # noqa: ASYNC110 -- nothing reports it
            await asyncio.sleep(_PARENT_INTERVAL)
        os.kill(os.getpid(), signal.SIGTERM)


def _raise_descriptor_limit() -> int:
    """Raise the limit of open descriptors as far as needed and allowed, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _OWN_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft
