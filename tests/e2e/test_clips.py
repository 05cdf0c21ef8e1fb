"""Clips: results are kept in the browser, put in order, annotated, printed and exported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.conftest import Open
from e2e.test_access import check_accessibility

QUESTION = "trade turnover"
RESULT_CLIP = ".hits h3 ~ .more .clip"


def clipped(demo: str, open_page: Open, count: int = 3, **options: object) -> Page:
    """Return the clips page after so many results have been clipped."""
    page = open_page(f"{demo}/?q={QUESTION.replace(' ', '+')}", **options)
    for number in range(count):
        page.locator(RESULT_CLIP).nth(number).click()
    expect(page.locator("#clip-count")).to_have_text(str(count))
    page.goto(f"{demo}/clips")
    expect(page.locator(".clipping")).to_have_count(count)
    return page


def button(page: Page, name: str, number: int) -> Locator:
    """Return a button of the clip with this number, whose name must say the number."""
    own = page.locator(".clipping").nth(number - 1).get_by_role("button", name=name)
    expect(own).to_have_accessible_name(re.compile(rf"{name}\s?: clip {number}"))
    return own


def quotations(page: Page) -> list[str]:
    return page.locator(".clipping mark").all_inner_texts()


def test_clips_are_put_in_order_by_keyboard_and_stay_so(demo: str, open_page: Open) -> None:
    page = clipped(demo, open_page)
    first, second, third = quotations(page)
    button(page, "Move down", 1).focus()
    page.keyboard.press("Enter")
    assert quotations(page) == [second, first, third]
    page.keyboard.press("Enter")  # the button has kept the focus
    assert quotations(page) == [second, third, first]
    page.reload()
    expect(page.locator(".clipping")).to_have_count(3)
    assert quotations(page) == [second, third, first]


def test_a_removal_can_be_undone(demo: str, open_page: Open) -> None:
    page = clipped(demo, open_page)
    before = quotations(page)
    page.get_by_label("Note").nth(1).fill("My note")
    button(page, "Remove", 2).click()
    expect(page.locator(".clipping")).to_have_count(2)
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".clipping")).to_have_count(3)
    assert quotations(page) == before
    assert page.get_by_label("Note").nth(1).input_value() == "My note"
    page.get_by_role("button", name="Remove all").click()
    expect(page.locator("#clips")).to_contain_text("There are no clips yet.")


def test_a_second_click_takes_a_result_out(demo: str, open_page: Open) -> None:
    page = open_page(f"{demo}/?q=trade+turnover")
    clip = page.locator(RESULT_CLIP).first
    clip.click()
    expect(clip).to_have_attribute("aria-pressed", "true")
    clip.click()
    expect(clip).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#clip-count")).to_have_text("")


def test_the_answer_and_further_passages_of_a_document_can_be_clipped(demo: str, open_page: Open) -> None:
    page = open_page(f"{demo}/?q=trade+turnover")
    page.locator(".answer .clip").click()
    page.locator(".others summary").first.click()
    page.locator(".others .clip").first.click()
    expect(page.locator("#clip-count")).to_have_text("2")
    answer = page.locator(".answer .best").inner_text()
    other = page.locator(".others blockquote").first.inner_text()
    page.goto(f"{demo}/clips")
    expect(page.locator(".clipping mark")).to_have_count(2)
    first, second = quotations(page)
    assert first == answer
    assert second in other


def test_selected_text_can_be_clipped(demo: str, open_page: Open) -> None:
    page = open_page(f"{demo}/?q=trade+turnover")
    page.locator(".hit h3 a").first.click()
    select_first_words(page)
    clip = page.locator("#selected .clip")
    clip.click()
    expect(clip).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#clip-count")).to_have_text("1")
    selected = page.evaluate("getSelection().toString()")
    page.reload()
    select_first_words(page)
    expect(clip).to_have_attribute("aria-pressed", "true")
    clip.click()
    expect(page.locator("#clip-count")).to_have_text("")
    clip.click()
    expect(page.locator("#clip-count")).to_have_text("1")
    page.goto(f"{demo}/clips")
    expect(page.locator(".clipping mark")).to_have_text(selected)


def test_a_selection_that_the_service_does_not_quote_is_not_clipped(
    demo: str, open_page: Open, complaints: list[str]
) -> None:
    page = open_page(f"{demo}/?q=trade+turnover")
    page.locator(".hit h3 a").first.click()
    page.route("**/quotations/**", lambda route: route.fulfill(status=503))
    select_first_words(page)
    page.locator("#selected .clip").click()
    expect(page.locator("#toast")).to_have_text("The service did not answer. Nothing was clipped.")
    expect(page.locator("#clip-count")).to_have_text("")
    complaints.clear()  # the browser notes the failed request


def select_first_words(page: Page) -> None:
    """Select what stands in the first paragraph before its first mark or end."""
    page.wait_for_load_state()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.text p [data-s]'))")
    expect(page.locator("#selected")).to_be_visible()


def test_clips_are_exported_with_their_notes(demo: str, open_page: Open) -> None:
    page = clipped(demo, open_page, 2)
    page.get_by_label("Note").first.fill("Ask the ministry")
    first, _ = quotations(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Markdown").click()
    text = Path(download.value.path()).read_text("utf-8")
    assert download.value.suggested_filename == "clips.md"
    assert f"## {QUESTION}" in text
    assert "Ask the ministry" in text
    assert first.split()[-1].rstrip(".") in text


def test_printed_clips_and_results_carry_question_marks_and_citations(demo: str, open_page: Open) -> None:
    page = clipped(demo, open_page, 2)
    page.get_by_label("Note").first.fill("Ask the ministry")
    page.emulate_media(media="print")
    expect(page.locator(".clipping h2").first).to_be_visible()
    expect(page.locator(".clipping .source").first).to_contain_text("/documents/")
    expect(page.locator(".noted").first).to_have_text("Ask the ministry")
    for control in ("#export", ".clipping textarea >> nth=0", ".moves >> nth=0"):
        expect(page.locator(control)).to_be_hidden()
    page.goto(f"{demo}/?q=trade+turnover")
    expect(page.locator(".printed")).to_have_text(f"Question: {QUESTION}")
    expect(page.locator(".citation").first).to_contain_text("/documents/")
    assert page.locator("mark").first.evaluate("node => getComputedStyle(node).printColorAdjust") == "exact"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_accessible(demo: str, open_page: Open, scheme: str, width: int) -> None:
    page = clipped(demo, open_page, color_scheme=scheme, viewport={"width": width, "height": 740})
    check_accessibility(page)
    button(page, "Remove", 1).click()
    expect(page.locator(".clipping")).to_have_count(2)
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
