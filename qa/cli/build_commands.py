"""The commands that build: ``qa index``, ``qa watch`` and ``qa forget``."""

from __future__ import annotations

import json
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from qa import config
from qa.cli import output
from qa.cli.building import build_and_publish
from qa.cli.deliveries import deliver_news, tell_attempt
from qa.cli.news_command import tell_news
from qa.cli.options import (
    allow_empty_option,
    docs_option,
    index_option,
    json_option,
    model_options,
    setting,
    store_option,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from qa.errors import QAError
    from qa.indexing.build import Report

_SOME_NOT_READ = 3  # the exit code


@click.command()
@click.argument("docs", required=False, type=click.Path())
@index_option
@store_option
@model_options
@setting("ray", metavar="ADDRESS")
@allow_empty_option
@json_option
def index(*, allow_empty: bool, as_json: bool, **flags: Any) -> None:
    """Build the index of the documents in DOCS (docs_raw), or update it."""
    settings = config.load(flags)
    report = build_and_publish(settings, allow_empty=allow_empty)
    _print_report(report, as_json=as_json)
    if report.left_out and not as_json:
        click.echo(output.describe_left_out(report.left_out))
    if report.partly_read and not as_json:
        click.echo(output.describe_partly(report.partly_read, report.partly))
    if not as_json and (line := output.describe_illegible(report.illegible, report.passages, settings.model)):
        click.echo(line)
    tell_news(settings)
    deliver_news(settings)
    if report.failures:
        sys.exit(_SOME_NOT_READ)


def _print_report(report: Report, *, as_json: bool) -> None:
    for failure in report.failures:
        click.echo(f"not read: {output.describe_failure(failure)}", err=True)
    if report.unnamed_failures:
        click.echo(f"not read: {output.describe_unnamed(report.unnamed_failures)}", err=True)
    if as_json:
        click.echo(json.dumps(output.as_json(report), ensure_ascii=False))
    else:
        click.echo(
            f"{output.count(report.documents, 'document')}, {output.count(report.passages, 'passage')}, "
            f"{report.seconds:.1f} seconds, {output.count(report.unread_files, 'file')} not read "
            f"({report.reason}; {output.count(report.embedded, 'passage')} embedded)"
        )


@click.command()
@click.argument("docs", required=False, type=click.Path())
@index_option
@store_option
@model_options
@allow_empty_option
@json_option
def watch(docs: str | None, *, allow_empty: bool, as_json: bool, **flags: Any) -> None:
    """Build the index, and update it whenever something in DOCS (docs_raw) changes, until interrupted."""
    settings = config.load({"docs": docs} | flags)
    from qa.indexing import retention, safeguard
    from qa.indexing import watch as watching
    from qa.news.delivering import Courier

    safeguard.check_apart(settings)

    said: str | None = None

    def build() -> None:
        nonlocal said
        report = build_and_publish(settings, allow_empty=allow_empty)
        _print_report(report, as_json=as_json)
        line = output.describe_illegible(report.illegible, report.passages, settings.model)
        if line and not said and not as_json:  # once is enough
            click.echo(line)
            said = line
        sys.stdout.flush()  # a program that reads the output gets it line by line
        tell_news(settings)
        courier.wake()

    def tidy() -> None:
        retention.expire_unless_locked(settings.index, settings.retention_days)
        retention.expire_published(settings)

    def complain(error: QAError) -> None:
        click.echo(f"qa: {error}", err=True)

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    courier = Courier(settings, tell_attempt, complain)
    try:
        with suppress(KeyboardInterrupt):
            watching.watch(settings.docs, build, complain, stop, own=settings.own_paths(), tidy=tidy)
    finally:
        courier.stop()


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@docs_option
@index_option
@store_option
@model_options
@json_option
def forget(paths: tuple[str, ...], *, as_json: bool, **flags: Any) -> None:
    """Remove every trace of deleted files or folders from the index.

    PATH is relative to the documents folder.
    """
    settings = config.load(flags)
    from qa.indexing import forget as forgetting
    from qa.news.news_file import forget_news

    def rebuild(places: Collection[str]) -> Report:
        forget_news(settings.index, places)  # first: a second try, after a kill, finds the rest to be done
        return build_and_publish(settings, forgotten=places)

    outcome = forgetting.forget(
        settings,
        paths,
        rebuild,
        progress=sys.stderr.isatty(),
    )
    forget_news(settings.index, outcome.paths)
    tell_news(settings)
    deliver_news(settings)
    if as_json:
        click.echo(json.dumps(asdict(outcome), ensure_ascii=False))
        return
    for name in outcome.still_open:
        click.echo(
            f"qa: generation {name} is removed, but a running process keeps it open until it switches to the "
            "new one or restarts",
            err=True,
        )
    click.echo(
        f"{output.count(len(outcome.files), 'file')} forgotten, "
        f"{output.count(len(outcome.removed), 'earlier generation')} removed"
        f"{', a new generation published' if outcome.rebuilt else ''}"
    )
