"""``qa serve``: the search page and the API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import click

from qa import config
from qa.cli.options import docs_option, index_option, reader_option, reranker_option, setting, store_option

_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@click.command()
@index_option
@store_option
@docs_option
@setting("host")
@setting("port")
@setting("judgements", type=click.Path(dir_okay=False))
@setting("edit")
@setting("upload")
@setting("insecure")
@setting("rate_limit")
@setting("cors", metavar="ORIGIN")
@setting("log_json")
@setting("log_questions")
@reranker_option
@reader_option
def serve(**flags: Any) -> None:
    """Serve the search page and the API."""
    settings = config.load(flags)
    with shared_metrics():
        from qa.web.server.processes import serve as run

        run(settings)


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Have the processes that are started within count their metrics together, in a temporary folder.

    Enter it before prometheus_client is loaded, which reads the variable then: every module of the service
    loads it.
    """
    creator, folder = os.getpid(), mkdtemp(prefix="qa-metrics-")
    os.environ[_METRICS_FOLDER] = folder
    try:
        yield
    finally:
        if os.getpid() == creator:  # a process that was forked meanwhile leaves it to the others
            del os.environ[_METRICS_FOLDER]
            rmtree(folder, ignore_errors=True)
