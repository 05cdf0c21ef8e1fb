"""A question saved from its results, asked, listed, and removed; with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from e2e.conftest import ROOT, Open, serve
from e2e.test_access import check_accessibility
from qa.news.saved_questions import read_saved

QUESTION = "How large was the trade turnover with Cambodia in 2018?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("editable")


@pytest.fixture(scope="module")
def editable(folder: Path) -> Iterator[str]:
    """Return the address of a service on which people may save questions."""
    yield from serve(folder, ROOT / "docs_raw", "--edit", QA_SAVED=str(folder / "saved.toml"))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_question_is_saved_asked_and_removed(
    editable: str, open_page: Open, folder: Path, *, scripts: bool
) -> None:
    page = open_page(editable, java_script_enabled=scripts, viewport={"width": 360, "height": 800})
    page.locator("#q").fill(QUESTION)
    page.locator("#q").press("Enter")
    page.get_by_text("Save this question").click()
    if scripts:
        check_accessibility(page)
    name = page.locator("[name=name]")
    expect(name).to_have_value("trade-turnover-cambodia-2018")
    name.fill("turnover")
    page.get_by_role("button", name="Save", exact=True).click()
    entry = page.locator("#turnover")
    expect(entry.get_by_role("heading")).to_have_text(QUESTION)
    assert [question.question for question in read_saved(folder / "saved.toml")] == [QUESTION]
    for _ in range(60):
        if entry.get_by_role("link", name="Atom feed").count():
            break
        page.wait_for_timeout(1000)
        page.goto(f"{editable}/saved")
    feed = entry.get_by_role("link", name="Atom feed").get_attribute("href")
    assert page.request.get(editable + (feed or "")).ok
    entry.get_by_role("link", name=QUESTION, exact=True).click()
    expect(page.get_by_role("link", name="Saved as turnover")).to_be_visible()
    page.get_by_role("link", name="Saved as turnover").click()
    if scripts:
        check_accessibility(page)
    entry.locator("summary").click()
    entry.get_by_role("button", name="Remove this question").click()
    expect(page.get_by_text("Removed.")).to_be_visible()
    assert read_saved(folder / "saved.toml") == ()
