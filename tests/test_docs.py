"""The documentation is true to the code: its tables, paths, links and example files."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree as ET

import pages
import pytest
import test_imports
import yaml
from markdown_it import MarkdownIt
from pages import DOCS, README, ROOT, code, table

from qa import config, readers
from qa.cli import main
from qa.config import Settings
from qa.embedding.models import DEFAULT_MODEL
from qa.errors import IndexUnavailableError
from qa.readers import sidecar
from qa.readers.metadata import FIELDS
from qa.retrieval import confidence, signals
from qa.retrieval.fits import fit_for
from qa.types import How
from qa.web import create_app

LANGUAGES = {"sh", "python", "console", "toml", "text", "json", "yaml", "ini", "dockerfile", "mermaid"}

_PATH = re.compile(r"(?<![\w/.-])(?:qa|tests|benchmarks|examples)/(?:[\w.-]+/)*(?:[\w-]+\.\w+)?")
_COMMAND = re.compile(r"(?:qa|make|python3?|pip|curl|sh|node|mkdir|tar|export|ray|docker)\s")
_QA = re.compile(r"\bqa (?!key\b)([a-z]+)\b(.*)")
_VARIABLE = re.compile(r"\bQA_[A-Z_]+\b")
_OPTION = re.compile(r"(?<=\s)--[a-z-]+")
_REQUIREMENT = re.compile(r"[\w-]+")

by_page = pytest.mark.parametrize("page", pages.ALL, ids=lambda page: str(page.relative_to(ROOT)))


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_readme_has_ten_kilobytes_at_most() -> None:
    assert len(README.read_bytes()) <= 10_000


@by_page
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for link in pages.links(text):
        if link.startswith(("http://", "https://")):
            continue
        target, _, anchor = link.partition("#")
        file = page.parent / target if target else page
        assert file.exists(), link
        assert not anchor or anchor in pages.anchors(file.read_text("utf-8")), link


@by_page
def test_paths_of_the_project_exist(page: Path) -> None:
    missing = {path for path in _PATH.findall(page.read_text("utf-8")) if not (ROOT / path).exists()}
    assert not missing


@by_page
def test_code_blocks_name_their_language(page: Path) -> None:
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    indented = [token.content for token in tokens if token.type == "code_block"]
    assert not [block for block in indented if _COMMAND.match(block)]
    assert {token.info for token in tokens if token.type == "fence"} <= LANGUAGES


@by_page
def test_commands_that_no_test_runs_have_a_prompt(page: Path) -> None:
    for block in pages.blocks(page.read_text("utf-8")):
        if block.language == "console":
            assert block.text.startswith("$ "), block.text


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in pages.links(README.read_text("utf-8"))}
    missing = {page.name for page in DOCS if page.resolve() not in linked}
    assert not missing


def _options(command: str) -> set[str]:
    return {
        option
        for parameter in main.commands[command].params
        if parameter.param_type_name == "option"
        for option in parameter.opts
    }


def test_commands() -> None:
    rows = table(_read("docs/command-line.md"), "command")
    listed = {code(row[0])[0].split()[1]: set(code(row[2])) for row in rows}
    assert listed == {name: _options(name) for name in main.commands}


def test_variables_are_settings() -> None:
    known = {f"QA_{field.name.upper()}" for field in fields(Settings)}
    for page in pages.ALL:
        assert set(_VARIABLE.findall(page.read_text("utf-8"))) <= known, page.name


def test_options_of_commands_that_no_test_runs() -> None:
    for page in pages.ALL:
        for block in pages.blocks(page.read_text("utf-8")):
            for command, rest in _QA.findall(block.text) if block.language == "console" else ():
                assert set(_OPTION.findall(rest)) <= _options(command), f"{page.name}: qa {command}{rest}"


def test_formats() -> None:
    rows = table(_read("docs/documents.md"), "files")
    assert [suffix for row in rows for suffix in code(row[0])] == list(readers.SUFFIXES)


def test_formats_of_the_readme() -> None:
    rows = table(_read("README.md"), "format")
    assert {suffix for row in rows for suffix in code(row[1])} == set(readers.SUFFIXES)


def test_witnesses() -> None:
    rows = table(_read("docs/documents.md"), "`found`")
    assert {code(row[0])[0] for row in rows} == set(get_args(How))


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    def opener() -> Any:
        raise IndexUnavailableError

    return create_app(Settings(upload=True), opener).test_client().get("/openapi.json").json


def test_requests(openapi: dict[str, Any]) -> None:
    expected = {f"{verb.upper()} {path}" for path, verbs in openapi["paths"].items() for verb in verbs}
    assert {code(row[0])[0] for row in table(_read("docs/api.md"), "request")} == expected


def test_parameters_of_a_search(openapi: dict[str, Any]) -> None:
    parameters = {one["name"] for one in openapi["paths"]["/api/v1/search"]["get"]["parameters"]}
    rows = table(_read("docs/api.md"), "parameter")
    assert {name for row in rows for name in code(row[0])} == parameters


def test_signals() -> None:
    lines = (signals.__doc__ or "").split("=\n", 1)[1].rsplit("\n=", 1)[0].splitlines()
    named = {line.split()[0] for line in lines if not line.startswith("=")}
    rows = table(_read("docs/how-it-works.md"), "signal")
    assert {code(row[0])[0] for row in rows} == named


def test_thresholds() -> None:
    for page in ("docs/api.md", "docs/how-it-works.md"):
        assert f"below {confidence.ANSWERABLE}, `answerable` is false" in " ".join(_read(page).split())
    for page in ("docs/api.md", "docs/search-page.md"):
        assert f"score is at least {fit_for(DEFAULT_MODEL).relevant}" in " ".join(_read(page).split())


def test_a_sidecar_can_be_copied() -> None:
    (example,) = (text for text in _examples("toml") if text.startswith("# report.pdf.meta.toml"))
    facts = sidecar.parse(example.encode(), "example")
    assert all(facts.get(field) for field in FIELDS)


def test_settings_can_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = [text for text in _examples("toml") if text.startswith("# qa.toml")]
    assert examples
    for name in [name for name in os.environ if name.startswith("QA_")]:
        monkeypatch.delenv(name)
    for example in examples:
        (tmp_path / "qa.toml").write_text(example, "utf-8")
        assert config.load(folder=tmp_path) != Settings()


def test_configurations_are_well_formed() -> None:
    for text in _examples("yaml"):
        assert all(isinstance(part, dict) for part in yaml.safe_load_all(text))


def _examples(language: str) -> Iterator[str]:
    for page in DOCS:
        for block in pages.blocks(page.read_text("utf-8")):
            if block.language == language:
                yield block.text


def test_the_drawing_names_its_parts() -> None:
    root = ET.fromstring(_read("docs/how-it-works.svg"))
    words = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Documents", "Passages", "Signals", "Fusion", "Confidence"} <= words


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads(_read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    for_users = (
        needed for extra, needed in extras.items() if extra not in {"dev", "test", "fuzz", "servers"}
    )
    expected = [*project["dependencies"], *chain.from_iterable(for_users)]
    names = {_REQUIREMENT.match(requirement)[0].lower() for requirement in expected}
    rows = table(_read("CONTRIBUTING.md"), "package")
    assert {name.lower() for row in rows for name in code(row[0])} == names
    assert all(row[1] for row in rows)


def test_every_room_is_on_the_map() -> None:
    listed = [name for row in table(_read("CONTRIBUTING.md"), "room") for name in code(row[0])]
    assert sorted(name.strip("/").removesuffix(".py") for name in listed) == sorted(test_imports.ROOMS)


def test_twelve_places_are_found_in_fourteen_guesses() -> None:
    rows = table(_read("CONTRIBUTING.md"), "where is …?")
    assert len(rows) == 12
    assert sum(int(row[2]) for row in rows) <= 14
