"""The commands about a built index: ``qa status``, ``qa verify``, ``qa calibrate`` and ``qa backup``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa import config
from qa.cli import output
from qa.cli.options import index_option, json_option, setting, store_option
from qa.types import IndexInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qa.indexing.ledger import Entry, Summary
    from qa.retrieval.calibration import Measurement


@click.command()
@index_option
@store_option
@click.option("--files", is_flag=True, help="List every file ever seen, and its state.")
@json_option
def status(*, files: bool, as_json: bool, **flags: Any) -> None:
    """Show what the index holds."""
    settings = config.load(flags)
    from qa.indexing import ledger
    from qa.retrieval import calibration
    from qa.stores.publication import publications

    published = publications(settings)
    name, stored = published.live()
    live = published.open(name)
    summary = ledger.summary(settings.index)
    entries = ledger.entries(settings.index) if files else []
    measured = calibration.fitting(stored, settings.index, live.manifest)
    if as_json:
        content = output.as_json(live.info) | {"calibration": asdict(measured) if measured else None}
        content["ledger"] = asdict(summary) if summary else None
        content |= {"files": [asdict(entry) for entry in entries]} if files else {}
        click.echo(json.dumps(content, ensure_ascii=False))
    else:
        click.echo("\n".join(_status_lines(live.info, measured, summary, entries)))


def _status_lines(
    info: IndexInfo, measured: Measurement | None, summary: Summary | None, entries: Sequence[Entry]
) -> list[str]:
    """Return the lines that a person reads."""
    lines = [
        f"generation  {info.generation}",
        f"created     {info.created}",
        f"model       {info.model}",
        f"documents   {info.documents}",
        f"passages    {info.passages}",
        f"sentences   {info.sentences}",
    ]
    if info.store != config.LOCAL:
        lines.append(f"store       {info.store}")
    if measured:
        lines.append(f"calibrated  {measured.created}, on generation {measured.generation}")
    lines.append(f"not read    {info.failure_count}")
    lines += [f"  {output.describe_failure(failure)}" for failure in info.failures]
    if info.unnamed_failures:
        lines.append(f"  {output.describe_unnamed(info.unnamed_failures)}")
    if summary:
        lines.append(f"checked     {summary.checked}")
        lines.append(
            f"files       {', '.join(f'{number} {state}' for state, number in summary.counts.items())}"
        )
        lines += [f"  {output.describe_left_out(summary.left_out)}"] if summary.left_out else []
        lines += (
            [f"  {output.describe_partly(summary.counts['partly'], summary.partly)}"]
            if summary.partly
            else []
        )
        line = output.describe_illegible(summary.illegible, info.passages, info.model)
        lines += [f"languages   {line}"] if line else []
    for entry in entries:
        reason = f": {output.printable(entry.reason)}" if entry.reason else ""
        lines.append(f"  {entry.state:8}{entry.since}  {output.printable(entry.path)}{reason}")
    return lines


@click.command()
@index_option
@json_option
def verify(index: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Check every byte of the index, and every passage against its text."""
    settings = config.load({"index": index})
    from qa.index import generation
    from qa.indexing import ledger

    folder = generation.current(settings.index)
    generation.verify(folder)
    ledger.verify(settings.index)
    click.echo(
        json.dumps({"generation": folder.name, "whole": True}) if as_json else f"{folder.name} is intact"
    )


@click.command()
@index_option
@store_option
@click.option("--reset", is_flag=True, help="Remove the calibration.")
@json_option
def calibrate(*, reset: bool, as_json: bool, **flags: Any) -> None:
    """Fit the confidence to the index's model and content. You need no questions of your own."""
    settings = config.load(flags)
    if reset:
        _remove_calibration(settings, as_json=as_json)
        return
    from qa.index import generation
    from qa.retrieval import calibration, calibrator
    from qa.retrieval.live import encoder_of
    from qa.stores.publication import publish_calibration

    live = generation.load(generation.current(settings.index))
    measured = calibrator.measure(live, encoder_of(live, cache=settings.cache))
    path = calibration.write(settings.index, measured)
    publish_calibration(settings)
    if as_json:
        click.echo(json.dumps(asdict(measured), ensure_ascii=False))
    else:
        click.echo(f"{calibration.describe(measured)}\nsaved in {path}")


def _remove_calibration(settings: config.Settings, *, as_json: bool) -> None:
    from qa.index import calibration_file
    from qa.stores.publication import publish_calibration

    removed = calibration_file.remove(settings.index)
    publish_calibration(settings)
    text = "the calibration is removed" if removed else "there was no calibration"
    click.echo(json.dumps({"removed": removed}) if as_json else text)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-keys", is_flag=True, help="Include the file of the API keys.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@setting("judgements", type=click.Path(dir_okay=False), help="File of judgements to include.")
@index_option
@json_option
def backup(file: Path, *, with_keys: bool, overwrite: bool, as_json: bool, **flags: Any) -> None:
    """Write a copy of the index to FILE, a tar archive. Builds and the service can go on meanwhile."""
    from qa.indexing import backup as backups
    from qa.news import news_file, undelivered

    settings = config.load(flags)
    # News before deliveries: those of news that came between the two are then of no known news, and harmless.
    news = (news_file.NAME, undelivered.NAME)
    written = backups.write(settings, file, keys=with_keys, overwrite=overwrite, more=news)
    for wanted in (settings.judgements, settings.keys if with_keys else None):
        if wanted and not wanted.is_file():
            click.echo(f"qa: {wanted} does not exist, so it is not in the backup", err=True)
    if as_json:
        click.echo(json.dumps(asdict(written), ensure_ascii=False))
        return
    size = f"{output.count(written.files, 'file')}, {written.bytes / 2**20:.1f} MB, checked"
    with_keys_too = ", with keys" if written.keys else ""
    click.echo(f"generation {written.generation} is in {written.path}: {size}{with_keys_too}")
