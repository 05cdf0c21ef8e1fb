"""``qa``: the commands together, and the exit codes of errors.

Data goes to standard output, progress and messages to standard error. Exit codes: 0 fine, 1 the work failed,
2 wrong usage, 3 done but some documents could not be read.
"""

from __future__ import annotations

import logging
from typing import Any

import click

from qa import __version__
from qa.cli.ask_command import ask
from qa.cli.batch_command import batch
from qa.cli.build_commands import forget, index, watch
from qa.cli.eval_command import evaluate
from qa.cli.index_commands import backup, calibrate, status, verify
from qa.cli.key_commands import key
from qa.cli.mcp_command import mcp
from qa.cli.news_command import news
from qa.cli.record_commands import diff, replay
from qa.cli.serve_command import serve
from qa.errors import QAError, QueryError, QuestionsError, SettingsError

_FAILED, _WRONG_USAGE = 1, 2


class _Commands(click.Group):
    """Turns the errors that a person can act on into messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except QAError as error:
            click.echo(f"qa: {error}", err=True)
            wrong_usage = isinstance(error, SettingsError | QueryError | QuestionsError)
            ctx.exit(_WRONG_USAGE if wrong_usage else _FAILED)
        except KeyboardInterrupt:
            click.echo("qa: stopped", err=True)
            ctx.exit(_FAILED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qa")
def main() -> None:
    """Answer questions with passages from a folder of documents."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)


for _command in (
    index,
    watch,
    forget,
    backup,
    serve,
    mcp,
    key,
    ask,
    batch,
    replay,
    diff,
    news,
    evaluate,
    calibrate,
    status,
    verify,
):
    main.add_command(_command)
