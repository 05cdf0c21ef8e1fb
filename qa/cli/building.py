"""Builds, and the Milvus that the settings name brought in line with the index."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from qa.errors import ExportRefusedError

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.indexing.build import Report


def build_and_publish(settings: Settings, **options: Any) -> Report:
    """Build with the options of ``build.build``, and publish the index where the settings want it."""
    from qa.embedding import load_encoder, load_plain
    from qa.indexing.build import build

    progress, is_local = sys.stderr.isatty(), settings.is_local
    try:
        report = build(settings, load_encoder(settings.model, settings.cache), progress=progress, **options)
    except ExportRefusedError as refusal:  # by the documents; it is remembered
        click.echo(f"qa: {refusal}", err=True)
        report = build(settings, load_plain(settings.model), progress=progress, **options)
    if not is_local:
        upload(settings, progress=progress)
    return report


def upload(settings: Settings, *, progress: bool) -> None:
    """Put the index into the Milvus that the settings name."""
    from qa.index import calibration_file, generation
    from qa.stores.milvus.upload import publish

    live = generation.load(generation.current(settings.index))
    published = publish(settings.store, live, calibration_file.read(settings.index), progress=progress)
    if published.changed:
        click.echo(f"qa: generation {published.generation} is live in {published.address}", err=True)
    else:
        tidy_store(settings)


def tidy_store(settings: Settings) -> None:
    """Drop earlier generations from the Milvus that the settings name, once their retention is over."""
    from qa.indexing import retention
    from qa.stores.milvus.upload import drop_earlier

    if retention.is_over(settings.index, settings.retention_days):
        drop_earlier(settings.store, settings.cache)


def forget_in_store(settings: Settings) -> None:
    """Leave only the live generation in the Milvus, if the settings name one."""
    if settings.is_local:
        return
    from qa.stores.milvus.upload import drop_earlier

    upload(settings, progress=sys.stderr.isatty())
    drop_earlier(settings.store, settings.cache)


def publish_calibration(settings: Settings) -> None:
    """Put the calibration, or that there is none, into the Milvus, if the settings name one."""
    if settings.is_local:
        return
    from qa.index import calibration_file
    from qa.stores.milvus.upload import calibrate

    calibrate(settings.store, calibration_file.read(settings.index))
