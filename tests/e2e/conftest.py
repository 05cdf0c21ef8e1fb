"""A real browser, and the real service over two corpora: the demo, and one that is hard to display.

These tests need Chromium and run with ``make e2e``. Without Chromium they are skipped, or fail if
``E2E_REQUIRED`` is set.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from e2e.documents import DOCUMENTS

ROOT = Path(__file__).parents[2]
PATHS = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "chrome"))
CHROMIUM = next((path for path in PATHS if path), None)
MISSING = "no Chromium here: install it (`apt-get install chromium`) and run `make e2e`"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]

Open = Callable[..., Page]

expect.set_options(timeout=30_000)  # the machine may be busy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM or os.environ.get("E2E_REQUIRED"):
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=MISSING))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail(MISSING)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def serve(folder: Path, docs: Path, *flags: str) -> Iterator[str]:
    """Build an index of a folder, serve it, and yield the address of the service."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QA_")}
    environment |= {"PYTHONPATH": str(ROOT), "QA_WORKERS": "1", "HF_HUB_OFFLINE": "1"}
    qa = [sys.executable, "-m", "qa"]
    location = ["--index", str(folder / "index")]
    built = subprocess.run(
        [*qa, "index", str(docs), *location], env=environment, check=False, capture_output=True
    )
    assert built.returncode in {0, 3}, built.stderr.decode()
    command = [*qa, "serve", *location, "--docs", str(docs), "--port", "0", *flags]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as service:
        try:
            line = service.stderr.readline()
            assert line.startswith("Serving on "), line
            yield line.split()[-1]
        finally:
            service.terminate()
            service.communicate()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the service over the demo corpus."""
    yield from serve(tmp_path_factory.mktemp("demo"), ROOT / "docs_raw")


@pytest.fixture(scope="session")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the service over the demo corpus and documents that are hard to display."""
    folder = tmp_path_factory.mktemp("awkward")
    shutil.copytree(ROOT / "docs_raw", folder / "docs")
    for name, content in DOCUMENTS.items():
        path = folder / "docs" / "zz" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    yield from serve(folder, folder / "docs")


@pytest.fixture
def complaints() -> list[str]:
    """Collect the messages of the browser and requests to other hosts; there must be none in the end."""
    return []


@pytest.fixture
def open_page(browser: Browser, complaints: list[str]) -> Iterator[Open]:
    """Open an address in a new browser context."""
    contexts: list[BrowserContext] = []

    def open_(address: str, **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1180, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        own = "/".join(address.split("/")[:3])
        page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda sent: complaints.append(sent.url) if not sent.url.startswith(own) else None)
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []
