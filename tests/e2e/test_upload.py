"""Files are added on the page: chosen, dropped, or sent without JavaScript."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import ROOT, Open, serve
from e2e.test_access import check_accessibility

FINCH = b"The zebra finch of Kampot sings at night, said the warden of the park in May."
BUILT = 120_000
"""Milliseconds for a build."""


class Library(NamedTuple):
    """A service that takes files, and its documents folder."""

    address: str
    docs: Path


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("uploads")
    shutil.copytree(ROOT / "docs_raw", folder / "docs")
    for address in serve(folder, folder / "docs", "--upload"):
        yield Library(address, folder / "docs")


def payload(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def upload(page: Page, *files: dict[str, object], replaces: bool = False) -> None:
    page.locator(".upload summary").click()
    page.locator(".upload [name=replace]").set_checked(replaces)
    page.locator(".upload [type=file]").set_input_files(list(files))
    page.get_by_role("button", name="Upload").click()


def forgive(complaints: list[str], *statuses: int) -> None:
    """Forget what the browser says of files that were refused as they should be."""
    refused = [f"the server responded with a status of {status}" for status in statuses]
    complaints[:] = [one for one in complaints if not any(words in one for words in refused)]


def line(page: Page, name: str) -> str:
    """Return the words of a file's line, once they are there."""
    item = page.locator("#uploads li", has_text=name)
    expect(item).to_have_attribute("data-name", name)
    return item.inner_text()


def test_chosen_files_are_sent_read_and_listed(
    library: Library, open_page: Open, complaints: list[str]
) -> None:
    page = open_page(f"{library.address}/documents?path=background")
    large = bytes(range(256)) * 12_000
    upload(page, payload("finch.txt", FINCH), payload("damaged.pdf", large), payload("program.exe", b"MZ"))
    assert "files of this kind are not read" in line(page, "program.exe")
    assert (library.docs / "background/damaged.pdf").read_bytes() == large
    expect(page.locator("#uploads [data-again]")).to_have_count(0, timeout=BUILT)
    assert "It has been read." in line(page, "finch.txt")
    assert "It could not be read." in line(page, "damaged.pdf")
    expect(page.locator("#shelf .path", has_text="background/finch.txt")).to_be_visible()
    page.locator("#uploads a", has_text="finch.txt").click()
    expect(page.locator("main")).to_contain_text("zebra finch of Kampot")
    forgive(complaints, 415)


def test_a_dropped_file_is_sent_to_the_folder_that_is_shown(library: Library, open_page: Open) -> None:
    page = open_page(f"{library.address}/documents")
    page.locator(".folders a", has_text="background").click()
    expect(page.locator("#upload-title")).to_have_text("Add files to background")
    transfer = page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["The ibis came back in June."], "ibis.txt"));
            return transfer;
        }"""
    )
    page.dispatch_event("h1", "dragover", {"dataTransfer": transfer})
    expect(page.locator(".upload.over")).to_be_visible()
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})
    expect(page.locator(".upload.over")).to_have_count(0)
    assert "It has arrived and will be read soon." in line(page, "ibis.txt")
    assert (library.docs / "background/ibis.txt").read_text() == "The ibis came back in June."
    expect(page.locator("#uploads [data-again]")).to_have_count(0, timeout=BUILT)


def test_without_javascript_the_form_sends_several_files(
    library: Library, open_page: Open, complaints: list[str]
) -> None:
    page = open_page(f"{library.address}/documents", java_script_enabled=False)
    upload(page, payload("stork.txt", b"The stork nests on the roof."), payload("same.txt", b"One."))
    expect(page.locator("h1")).to_have_text("Added files")
    assert "stork.txt" in line(page, "stork.txt")
    assert (library.docs / "same.txt").read_bytes() == b"One."
    page.get_by_role("link", name="All documents").click()
    upload(page, payload("same.txt", b"Two."))
    assert "another file has this name" in line(page, "same.txt")
    page.get_by_role("link", name="All documents").click()
    upload(page, payload("same.txt", b"Two."), replaces=True)
    expect(page.locator("#uploads li")).to_have_count(1)
    assert (library.docs / "same.txt").read_bytes() == b"Two."
    forgive(complaints, 409)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_while_files_are_added(
    library: Library, open_page: Open, complaints: list[str], scheme: str, width: int
) -> None:
    options = {"viewport": {"width": width, "height": 740}, "color_scheme": scheme}
    page = open_page(f"{library.address}/documents?path=background", **options)
    upload(page, payload("chronology.md", b"Another file."), payload("program.exe", b"MZ"))
    assert "files of this kind are not read" in line(page, "program.exe")
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(f"{library.address}/documents/added?path=background&file=chronology.md&file=none.txt")
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    forgive(complaints, 409, 415)
