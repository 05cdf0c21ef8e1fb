from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from e2e.conftest import Open
from e2e.documents import EVIL

PANDEMIC = "/?q=Which+vaccine+was+the+first+to+be+registered%3F"


def test_a_document_opens_at_the_passage_and_shortcuts_step_through_results(
    awkward: str, open_page: Open
) -> None:
    page = open_page(f"{awkward}/?q=trade+turnover+with+Cambodia")
    page.locator(".hit h3 a").first.click()
    expect(page.locator("mark#passage")).to_be_in_viewport()
    assert page.locator("mark.other").count() > 0
    steps = page.locator(".steps nav")
    expect(steps).to_contain_text(re.compile(r"Result \d of \d in this document"))
    current = int(re.search(r"Result (\d+)", steps.inner_text())[1])
    has_next = page.locator(".steps [rel=next]").count() > 0
    key, after = ("j", current + 1) if has_next else ("k", current - 1)
    page.keyboard.press(key)
    expect(steps).to_contain_text(f"Result {after} of")
    expect(page.locator("mark#passage")).to_be_in_viewport()


def test_the_page_of_a_pdf_is_shown_with_the_passage_marked(demo: str, open_page: Open) -> None:
    page = open_page(demo + PANDEMIC)
    page.locator(".hit h3 a", has_text="pandemic").first.click()
    picture = page.locator(".facsimile img")
    expect(picture).to_be_visible()
    answer = page.request.get(f"{demo}{picture.get_attribute('src')}")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.body()[8:12] == b"WEBP"
    frame = page.locator(".facsimile svg").bounding_box()
    lines = page.locator(".facsimile rect")
    assert lines.count() > 0
    for line in [lines.nth(number).bounding_box() for number in range(lines.count())]:
        assert frame["x"] <= line["x"] <= line["x"] + line["width"] <= frame["x"] + frame["width"]
        assert frame["y"] <= line["y"] <= line["y"] + line["height"] <= frame["y"] + frame["height"]
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("figcaption")).to_contain_text("page 2 of 2")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_page_that_cannot_be_drawn_in_time_shows_a_note_and_its_text(
    awkward: str, open_page: Open, complaints: list[str], *, scripts: bool
) -> None:
    results = open_page(f"{awkward}/?q=Who+tuned+the+xylophone%3F")
    slow = results.locator(".hit h3 a", has_text="slow").first.get_attribute("href")
    page = open_page(awkward + slow, java_script_enabled=scripts)
    expect(page.locator("mark#passage, mark.sentence").first).to_contain_text("xylophone of the palace")
    if scripts:
        expect(page.locator(".facsimile .failed")).to_be_visible()
        expect(page.locator(".facsimile img")).to_have_count(0)
    page.reload()  # now the service knows
    expect(page.locator(".facsimile .failed")).to_contain_text("Its text is shown here.")
    expect(page.locator(".facsimile .failed")).to_be_visible()
    expect(page.locator("figcaption")).to_contain_text("page 1 of 1")
    assert all("422" in complaint or "503" in complaint for complaint in complaints)
    complaints.clear()


def test_a_long_document_is_shown_in_parts_with_an_outline(awkward: str, open_page: Open) -> None:
    page = open_page(f"{awkward}/?q=Where+was+narwhal+number+300+seen%3F")
    page.locator(".hit h3 a").first.click()
    expect(page.locator("mark#passage")).to_be_in_viewport()
    assert page.locator("article p").count() < 250
    page.get_by_role("link", name="Part 290", exact=True).click()
    expect(page.locator("article :is(h2, h3)", has_text="Part 290")).to_be_in_viewport()
    page.get_by_role("link", name="Later in this document").click()
    expect(page.get_by_role("link", name="Earlier in this document")).to_be_visible()


def test_html_and_script_are_shown_as_text(awkward: str, open_page: Open) -> None:
    page = open_page(f"{awkward}/?q=What+does+the+quokka+eat%3F")
    expect(page.locator(".hit h3").first).to_have_text(EVIL)
    expect(page.locator(".hit blockquote").first).to_contain_text(EVIL)
    page.locator(".hit h3 a").first.click()
    expect(page.locator("h1")).to_have_text(EVIL)
    expect(page.locator("article")).to_contain_text(EVIL)


def test_right_to_left_text_runs_from_right_to_left(awkward: str, open_page: Open) -> None:
    page = open_page(f"{awkward}/?q=التجارة+بين+البلدين")
    quotation = page.locator(".hit blockquote").first
    assert quotation.evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert quotation.get_attribute("lang") == "ar"
    page.locator(".hit h3 a").first.click()
    assert page.locator("article").evaluate("node => getComputedStyle(node).direction") == "rtl"


def test_a_click_copies_a_quotation_with_its_citation(demo: str, open_page: Open) -> None:
    page = open_page(f"{demo}/?q=How+large+was+the+trade+turnover+in+2018%3F")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".copy").first.click()
    expect(page.locator("#toast")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("“In 2018 the trade turnover")
    permalink = copied.split()[-1]
    page.get_by_text("More formats").first.click()
    page.get_by_role("link", name="CSL-JSON").first.click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('['))")
    [item] = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert item["URL"] == permalink
    page.goto(permalink)
    expect(page.get_by_text("The quotation is unchanged.")).to_be_visible()


@pytest.mark.parametrize("extension", ["csv", "json"])
def test_the_results_can_be_downloaded(demo: str, open_page: Open, extension: str) -> None:
    page = open_page(f"{demo}/?q=trade+turnover")
    with page.expect_download() as download:
        page.get_by_role("link", name=extension.upper(), exact=True).click()
    assert download.value.suggested_filename == f"results.{extension}"
    assert "turnover" in download.value.path().read_text("utf-8-sig")
