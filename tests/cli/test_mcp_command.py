"""``qa mcp``: what it serves, and where."""

from __future__ import annotations

import sys
from typing import Any, Self

import pytest
from click.testing import CliRunner

from qa.cli import main

server = pytest.importorskip("qa.mcp")


class _Opened:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []
    opened = _Opened()
    monkeypatch.setattr(
        "qa.api.Index.open",
        lambda settings, base_url: calls.append((str(settings.index), base_url)) or opened,
    )
    monkeypatch.setattr(server, "serve_stdio", lambda index: calls.append(("stdio", index is opened)))
    monkeypatch.setattr(
        server,
        "serve_http",
        lambda index, settings, port: calls.append((settings.host, port, index is opened)),
    )
    return calls


def test_it_talks_over_standard_input_and_output(served: list[Any]) -> None:
    assert CliRunner().invoke(main, ["mcp", "--index", "elsewhere"]).exit_code == 0
    assert served == [("elsewhere", ""), ("stdio", True)]


def test_it_listens_on_a_port(served: list[Any]) -> None:
    arguments = ["mcp", "--http", "8001", "--host", "::1", "--base-url", "https://search.example.org"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert served == [("index", "https://search.example.org"), ("::1", 8001, True)]


@pytest.mark.parametrize("flags", [["--host", "::1"], ["--insecure"], ["--host", "::1", "--insecure"]])
def test_who_may_connect_is_not_said_in_vain(served: list[Any], flags: list[str]) -> None:
    result = CliRunner().invoke(main, ["mcp", *flags])
    assert result.exit_code == 2
    assert "needs --http PORT" in result.stderr
    assert all(flag in result.stderr for flag in flags if flag.startswith("--"))
    assert not served


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "qa.mcp")
    monkeypatch.delattr("qa.mcp")
    for name in [name for name in sys.modules if name.startswith("mcp.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    result = CliRunner().invoke(main, ["mcp"])
    assert result.exit_code == 2
    assert "pip install '.[mcp]'" in result.stderr
