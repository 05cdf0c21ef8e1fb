"""The wheel, installed where nothing else is: it indexes, answers and serves outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parents[2]

_FOUR_LINES = """
import qa
qa.build_index("docs", "index")
with qa.open_index("index") as index:
    print(index.ask("Who built the bridge?")[0].citation())
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that has nothing but the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("qa-*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv/bin/python"
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--no-compile",
        "--constraint",
        str(ROOT / "constraints.txt"),
    ]
    subprocess.run([*install, str(wheel)], check=True)
    return python.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/bridge.md").write_text(
        "# The bridge\n\nMaria Silva built the bridge in 1931.\n", "utf-8"
    )
    return tmp_path


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QA_", "PYTHON"))}
    return kept | {"HF_HUB_OFFLINE": "1"}


def test_four_lines_of_python_print_a_cited_answer(scripts: Path, folder: Path) -> None:
    assert len(_FOUR_LINES.strip().splitlines()) == 4
    done = subprocess.run(
        [scripts / "python", "-c", _FOUR_LINES],
        cwd=folder, env=_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("“Maria Silva built the bridge in 1931.” — The bridge")


@pytest.fixture
def served(scripts: Path, folder: Path) -> Iterator[str]:
    qa = str(scripts / "qa")
    subprocess.run([qa, "index", "docs"], cwd=folder, env=_environment(), check=True)
    service = subprocess.Popen(
        [qa, "serve", "--port", "8757", "--docs", "docs"], cwd=folder, env=_environment()
    )
    try:
        yield "http://127.0.0.1:8757"
    finally:
        service.terminate()
        service.wait()


def test_the_page_and_the_api_are_served(served: str) -> None:
    for _ in range(300):
        try:
            answer = json.load(urlopen(f"{served}/api/v1/search?q=Who+built+the+bridge%3F"))
            break
        except URLError:
            time.sleep(0.1)
    assert answer["results"][0]["document"]["path"] == "bridge.md"
    asked = Request(f"{served}/?q=Who+built+the+bridge%3F", headers={"Accept-Language": "ru"})
    page = urlopen(asked).read().decode()
    assert "Maria Silva" in page
    assert '<html lang="ru"' in page
