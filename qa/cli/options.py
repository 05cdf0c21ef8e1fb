"""The options of the commands. Those of a setting are made from its declaration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import click

from qa import config
from qa.errors import QueryError
from qa.types import Filters, Mode


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


class ISODate(click.ParamType[str]):
    """A date such as 2019-07-03."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the date.

        Raises:
            click.BadParameter: it is not an ISO date.
        """
        try:
            is_date = date.fromisoformat(value).isoformat() == value
        except ValueError:
            is_date = False
        if not is_date:
            self.fail(f"{value!r} is not a date such as 2019-07-03", param, ctx)
        return str(value)


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


def given_options(context: click.Context, *without: str) -> list[str]:
    """Return the options that a command was given, as words of a command line.

    Args:
        context: the command's.
        without: the names of options to leave out.
    """
    words: list[str] = []
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if not isinstance(option, click.Option) or not given or name in without:
            continue
        flag, value = max(option.opts, key=len), context.params[name]
        if option.is_flag:
            words.append(flag)
        else:
            words += [word for each in (value if option.multiple else [value]) for word in (flag, str(each))]
    return words


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
base_url_option = click.option(
    "--base-url",
    type=Text(),
    default="",
    help="Address of the search page, for permalinks.  [default: its host and port on this machine]",
)
verbatim_option = click.option(
    "--verbatim", is_flag=True, help="Search the question as it stands, with its slips."
)

_FILTERS = {
    "source": "Only documents of this publisher",
    "language": "Only passages in this language (ISO 639-1)",
    "path": "Only this folder, file or pattern",
    "type": "Only files of this type, such as pdf or application/pdf",
    "document": "Only the document with this id",
}
_DATES = {
    "from": "Only documents published on this day or later",
    "to": "Only documents published on this day or earlier",
}


def filter_options(command: Any) -> Any:
    """Add an option for each filter of the API."""
    for name, help_ in reversed(_DATES.items()):
        command = click.option(f"--{name}", f"date_{name}", type=ISODate(), help=f"{help_}.")(command)
    for name, help_ in reversed(_FILTERS.items()):
        option = click.option(f"--{name}", type=Text(), multiple=True, help=f"{help_}; may be repeated.")
        command = option(command)
    return command


def filter_values(flags: dict[str, Any]) -> dict[str, Any]:
    """Take the values of ``filter_options`` out of a command's flags, and return them by their names.

    Raises:
        QueryError: the first date is later than the last.
    """
    values = {name: flags.pop(name) for name in (*_FILTERS, "date_from", "date_to")}
    if values["date_from"] and values["date_to"] and values["date_from"] > values["date_to"]:
        raise QueryError("--from must not be later than --to")
    return values


def filters_of(values: dict[str, Any]) -> Filters:
    """Return the values of ``filter_options`` in the engine's terms."""
    from qa.readers import named_type

    values = dict(values)
    return Filters(media_type=tuple(map(named_type, values.pop("type"))), **values)
