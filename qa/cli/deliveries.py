"""The lines on news that is delivered, or is not."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from qa.cli.output import printable
from qa.errors import QAError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.config import Settings
    from qa.news.delivering import Attempt


def deliver_news(settings: Settings) -> None:
    """Deliver the news that is due, for some seconds, and print a line on each attempt.

    Whatever goes wrong is printed, too: the build is done.
    """
    from qa.news.delivering import deliver_briefly

    try:
        ended = deliver_briefly(settings, tell_attempt)
    except QAError as error:
        click.echo(f"qa: the news was not delivered: {error}", err=True)
        return
    if not ended:
        click.echo("qa: a delivery of news hangs: it is left for the next time", err=True)


def deliver_at_once(settings: Settings, names: Sequence[str], *, as_json: bool) -> None:
    """Deliver the undelivered news on some questions, or on all, and print a line on each attempt.

    If an attempt fails, the command ends with exit code 1.
    """
    from qa.news.delivering import deliver

    attempts = []
    for attempt in deliver(settings, names=names, at_once=True):
        attempts.append(attempt)
        tell_attempt(attempt)
    if as_json:
        entries = [asdict(attempt.entry) for attempt in attempts]
        click.echo(json.dumps({"deliveries": entries}, ensure_ascii=False))
    elif not attempts:
        click.echo("qa: there is no news to deliver", err=True)
    if any(attempt.problem for attempt in attempts):
        sys.exit(1)


def tell_attempt(attempt: Attempt) -> None:
    """Print a line on one attempt to deliver news."""
    entry = attempt.entry
    if attempt.problem:
        line = f"news on {entry.name} did not reach {attempt.receiver}: {entry.state}"
    else:
        line = f"news on {entry.name} was delivered to {attempt.receiver}"
    click.echo(printable(f"qa: {line}"), err=True)
