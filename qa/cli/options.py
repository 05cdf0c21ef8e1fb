"""The options of the commands. Those of a setting are made from its declaration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from qa import config
from qa.types import Mode


class Text(click.types.StringParamType):
    """A text that is compared with others. Bytes that are not UTF-8 arrive as lone surrogates: refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text.

        Raises:
            click.BadParameter: it is not UTF-8.
        """
        text = str(super().convert(value, param, ctx))
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("it is not UTF-8", param, ctx)
        return text


def setting(name: str, **overrides: Any) -> Callable[[Any], Any]:
    """Return the option of a setting; ``overrides`` are arguments of ``click.option``.

    A value that is not given is None, so that the variable, ``qa.toml`` or the default holds.
    """
    declared = config.settings()[name]
    help_, default = declared.declaration.help, declared.default
    arguments: dict[str, Any] = {
        "default": None,
        "help": f"{help_}  [default: {default}]" if default else help_,
    }
    if declared.kind is bool:
        arguments["is_flag"] = True
    elif declared.declaration.bounds:
        arguments["type"] = click.IntRange(*declared.declaration.bounds)
    elif declared.kind is Path:
        # A path is passed on as text: as a Path, an empty one would be the working folder.
        arguments["type"] = click.Path()
    return click.option(declared.flag, **arguments | overrides)


index_option = setting("index")
store_option = setting("store")
reranker_option = setting("reranker")
reader_option = setting("reader")


def model_options(command: Any) -> Any:
    """Add the options of the model that a command builds with."""
    for name in ("document_prompt", "query_prompt", "model"):
        command = setting(name)(command)
    return command


docs_option = setting("docs")
mode_option = click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.HYBRID.value,
    show_default=True,
    help="Search by meaning (dense), by words (lexical) or by both (hybrid).",
)
allow_empty_option = click.option(
    "--allow-empty",
    is_flag=True,
    help="Build even if the folder is empty, or most of the indexed files are gone from it.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
