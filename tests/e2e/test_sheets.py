"""A sheet of questions is chosen or dropped, and the browser saves the answers."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, expect

from e2e.conftest import Open
from e2e.test_access import check_accessibility

QUESTION = "How large was the trade turnover in 2018?"
DROP = """(form, [name, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name));
    for (const type of ["dragover", "drop"])
        form.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "asked.csv"
    path.write_text(f"id,question\n7,{QUESTION}\n", "utf-8")
    return path


def answers(page: Page) -> tuple[Download, list[dict[str, str]]]:
    """Send the sheet, and return the file that the browser saves."""
    with page.expect_download() as saved:
        page.get_by_role("button", name="Answer the questions").click()
    with Path(saved.value.path()).open(encoding="utf-8-sig", newline="") as file:
        return saved.value, list(csv.DictReader(file))


def check(page: Page) -> None:
    saved, [row] = answers(page)
    assert saved.suggested_filename == "asked-answers.csv"
    assert row["id"] == "7"
    assert "21.5%" in row["answer"]
    address = page.url
    page.goto(row["permalink"])
    assert address.removesuffix("/batch") in page.url
    expect(page.locator("mark#passage, mark").first).to_contain_text("21.5%")


@pytest.mark.parametrize("java_script_enabled", [True, False])
def test_a_chosen_sheet_comes_back(
    demo: str, open_page: Open, sheet: Path, *, java_script_enabled: bool
) -> None:
    page = open_page(demo, java_script_enabled=java_script_enabled)
    page.get_by_role("link", name="Many questions at once").click()
    page.get_by_label("Sheet of questions").set_input_files(sheet)
    check(page)


def test_a_dropped_sheet_comes_back(demo: str, open_page: Open, sheet: Path) -> None:
    page = open_page(f"{demo}/batch")
    expect(page.get_by_text("You can also drop the file here.")).to_be_visible()
    page.locator("#batch").evaluate(DROP, [sheet.name, sheet.read_text("utf-8")])
    expect(page.get_by_label("Sheet of questions")).to_be_focused()
    expect(page.locator("#batch")).not_to_have_class("card-form over")
    with page.expect_download():
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Answer the questions").press("Enter")
    expect(page.get_by_role("status").filter(has_text="are being answered")).to_be_visible()


def test_a_sheet_that_is_too_large_is_not_sent(demo: str, open_page: Open, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * ((4 << 20) + 1))
    page = open_page(f"{demo}/batch")
    page.get_by_label("Sheet of questions").set_input_files(large)
    page.get_by_role("button", name="Answer the questions").click()
    assert page.locator("#sheet").evaluate("input => input.validationMessage") == "This file is too large."
    assert page.get_by_role("alert").count() == 0


@pytest.fixture
def expected_refusals(open_page: Open, complaints: list[str]) -> Iterator[None]:
    """Expect the browser's own lines about answers with status 413 and 422."""
    yield  # before open_page looks at them
    complaints[:] = [line for line in complaints if "413" not in line and "422" not in line]


@pytest.mark.usefixtures("expected_refusals")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_refused_sheet_is_explained(
    demo: str, open_page: Open, tmp_path: Path, scheme: str, width: int
) -> None:
    unclear = tmp_path / "unclear.csv"
    unclear.write_text("first one,second one\nWho is it?,Where is it?\n", "utf-8")
    page = open_page(f"{demo}/batch", color_scheme=scheme, viewport={"width": width, "height": 800})
    page.get_by_label("Answers as").select_option("docx")
    page.get_by_label("Sheet of questions").set_input_files(unclear)
    page.get_by_role("button", name="Answer the questions").click()
    expect(page.get_by_role("alert")).to_contain_text("name the column, one of 'first one', 'second one'")
    expect(page.get_by_label("Answers as")).to_have_value("docx")
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Column of the questions").fill("second one")
    page.get_by_label("Answers as").select_option("csv")
    page.get_by_label("Sheet of questions").set_input_files(unclear)
    _, [row] = answers(page)
    assert row["second one"] == "Where is it?"


@pytest.mark.usefixtures("expected_refusals")
def test_without_javascript_a_sheet_that_is_too_large_is_refused(
    demo: str, open_page: Open, tmp_path: Path
) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * (20 << 20))
    page = open_page(f"{demo}/batch", java_script_enabled=False)
    page.get_by_label("Sheet of questions").set_input_files(large)
    page.get_by_role("button", name="Answer the questions").click()
    expect(page.get_by_role("alert")).to_contain_text("The sheet has more than 4 MiB")
