"""``qa mcp``: the index as tools for assistants."""

from __future__ import annotations

from typing import Any

import click

from qa import config
from qa.cli.options import base_url_option, index_option, setting, store_option
from qa.errors import SettingsError

_OVER_HTTP = ("host", "insecure")
"""The flags about who may connect."""


@click.command()
@index_option
@store_option
@click.option(
    "--http",
    "port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Serve over streamable HTTP on this port, not over standard input and output.",
)
@setting("host")
@setting("insecure")
@base_url_option
def mcp(port: int | None, base_url: str, **flags: Any) -> None:
    """Serve the index to assistants over the Model Context Protocol."""
    if port is None and (given := [f"--{name}" for name in _OVER_HTTP if flags[name]]):
        raise click.UsageError(
            f"{' and '.join(given)} needs --http PORT: over standard input and output, nothing listens. "
            "If the search page has another address, name that with --base-url."
        )
    settings = config.load(flags)
    try:
        from qa import mcp as server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mcp":
            raise
        raise SettingsError(
            "The package mcp is not installed. Install it from the checkout: pip install '.[mcp]'"
        ) from error
    from qa.api import Index

    with Index.open(settings, base_url) as index:
        if port is None:
            server.serve_stdio(index)
        else:
            server.serve_http(index, settings, port)
