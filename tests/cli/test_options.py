"""The options, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from qa.cli.options import setting
from qa.config import settings


@pytest.mark.parametrize(
    "words",
    [
        ["ask", "a\udcff"],
        ["ask", "Rice", "--source", "\udcff"],
        ["ask", "Rice", "--language", "\udcff"],
        ["ask", "Rice", "--path", "\udcff"],
        ["key", "create", "\udcff"],
    ],
)
def test_bytes_that_are_not_utf_8_are_wrong_usage(run, built: Path, words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "it is not UTF-8" in result.stderr


@pytest.mark.parametrize("name", settings())
def test_an_option_is_made_from_the_declaration_of_its_setting(name: str) -> None:
    declared = settings()[name]
    flag = [] if declared.kind is bool else ["1"]
    option = click.command()(setting(name)(lambda **_: None)).params[0]
    assert (option.opts, option.name) == ([declared.flag], name)
    assert option.help.startswith(declared.declaration.help)
    assert (f"[default: {declared.default}]" in option.help) == bool(declared.default)
    context = click.Context(click.Command("x"))
    given = click.command()(setting(name)(lambda **_: None)).make_context("x", [declared.flag, *flag]).params
    assert given == {name: True if declared.kind is bool else (1 if declared.kind is int else "1")}
    assert option.get_default(context) is None


def test_a_number_outside_its_bounds_is_refused() -> None:
    command = click.command()(setting("port")(lambda **_: None))
    with pytest.raises(click.BadParameter, match="65536 is not in the range"):
        command.make_context("x", ["--port", "65536"])


def test_arguments_of_an_option_can_be_overridden() -> None:
    [option] = click.command()(setting("ray", metavar="ADDRESS", help="Else.")(lambda **_: None)).params
    assert (option.metavar, option.help) == ("ADDRESS", "Else.")
