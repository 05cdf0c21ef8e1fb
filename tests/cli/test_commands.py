"""The commands together: help, version, and the exit codes of errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from qa import __version__


@pytest.mark.parametrize("words", [["ask", "Rice?"], ["status"], ["verify"]])
def test_without_an_index_the_message_says_what_to_do(run, words: list[str]) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "qa: there is no index in index: run `qa index`\n"


@pytest.mark.parametrize(
    "words",
    [
        ["ask"],
        ["ask", ""],
        ["ask", " \n"],
        ["ask", "x" * 1001],
        ["ask", "Rice?", "-k", "0"],
        ["ask", "Rice?", "-k", "101"],
        ["ask", "Rice?", "--mode", "magic"],
        ["index", "a", "b"],
        ["serve", "--port", "99999"],
        ["nonsense"],
        ["status", "--nonsense"],
    ],
)
def test_wrong_usage_exits_with_2(run, built: Path, words: list[str]) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


def test_a_wrong_setting_is_wrong_usage(run, tmp_path: Path) -> None:
    (tmp_path / "qa.toml").write_text("prot = 1")
    result = run("status")
    assert result.exit_code == 2
    assert result.stderr.startswith("qa: qa.toml sets 'prot'")


def test_version_and_help(run) -> None:
    assert run("--version").stdout == f"qa, version {__version__}\n"
    help_ = run("--help").stdout
    for command in ("index", "serve", "ask", "status", "verify"):
        assert f"\n  {command} " in help_
    assert run("index", "-h").exit_code == 0


def test_it_also_runs_as_a_module(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "qa", "status"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "qa: there is no index in index: run `qa index`\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        *(
            (
                ("serve", flag, value),
                f"qa: the command line sets {flag[2:].replace('-', '_')} to '{value}', which is ",
            )
            for flag, value in (
                *(("--rate-limit", "often"), ("--cors", "*"), ("--store", "somewhere"), ("--docs", "")),
                *(("--index", ""), ("--host", ""), ("--judgements", "")),
            )
        ),
        (("index", ""), "qa: the command line sets docs to '', which is empty"),
        (("watch", ""), "qa: the command line sets docs to '', which is empty"),
        (("ask", "x", "--index", ""), "qa: the command line sets index to '', which is empty"),
        (
            ("status", "--store", "milvus+"),
            "qa: the command line sets store to 'milvus+', which is not a store",
        ),
    ],
)
def test_a_wrong_flag_is_refused_before_anything_is_done(run, words: tuple[str, ...], message: str) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"), [("QA_PROXIES", "proxy"), ("QA_HOSTS", "http://x"), ("QA_DOCS", "")]
)
@pytest.mark.parametrize("command", ["serve", "index", "status"])
def test_every_command_refuses_a_wrong_variable(
    run, monkeypatch: pytest.MonkeyPatch, command: str, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result = run(command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"qa: the environment sets {name[3:].lower()} to '{value}', which is ")
