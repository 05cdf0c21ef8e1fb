"""The build of the commands ``index``, ``watch`` and ``forget``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from qa.config import Settings
    from qa.indexing.build import Report


def build_and_publish(settings: Settings, **options: Any) -> Report:
    """Build with the options of ``build.build``, and say what became of the index."""
    from qa.indexing.build import build_with_model

    report = build_with_model(settings, progress=sys.stderr.isatty(), **options)
    if report.published_to:
        click.echo(f"qa: generation {report.generation} is live in {report.published_to}", err=True)
    if report.calibrated:
        click.echo(f"qa: the index was calibrated: {report.calibrated}", err=True)
    return report
