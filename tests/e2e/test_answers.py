"""The answer card, results by document, and the keyboard on the results page."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from e2e.conftest import ROOT, Open
from e2e.test_access import check_accessibility

TURNOVER = "How large was the trade turnover between Russia and Cambodia in 2018?"
QUESTIONS = [
    json.loads(line)["question"]
    for line in (ROOT / "tests" / "demo_questions.jsonl").read_text("utf-8").splitlines()
]
PHONE = {"width": 360, "height": 740}
SMALL_TARGETS = """() => [...document.querySelectorAll("main a, main button, main summary, main input")]
  .filter((node) => node.checkVisibility() && node.offsetHeight < 24 && !node.closest(".unseen"))
  .filter((node) => node.type !== "hidden" && getComputedStyle(node).display !== "inline")
  .map((node) => node.outerHTML)"""


def test_a_phone_shows_the_first_answering_sentence_without_scrolling(demo: str, open_page: Open) -> None:
    page = open_page(demo, viewport=PHONE)
    answered = 0
    for question in QUESTIONS:
        page.goto(f"{demo}/?{urlencode({'q': question})}")
        if page.locator(".answer").count():
            answered += 1
            box = page.locator(".answer .best").bounding_box()
            assert box is not None
            assert box["y"] >= 0, question
            assert box["y"] + box["height"] <= PHONE["height"], question
        else:
            expect(page.locator("#verdict")).to_contain_text("seem to answer that")
    assert answered > len(QUESTIONS) / 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_card_and_the_groups_are_accessible(demo: str, open_page: Open, scheme: str, width: int) -> None:
    page = open_page(
        f"{demo}/?{urlencode({'q': TURNOVER})}", viewport={"width": width, "height": 740}, color_scheme=scheme
    )
    page.evaluate("document.querySelectorAll('details').forEach((details) => details.open = true)")
    check_accessibility(page)
    assert page.evaluate(SMALL_TARGETS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_card_says_how_many_documents_say_the_same(demo: str, open_page: Open) -> None:
    page = open_page(f"{demo}/?{urlencode({'q': TURNOVER})}")
    expect(page.locator(".answer .best")).to_contain_text("$202 million")
    expect(page.locator(".saying > p")).to_have_text("2 documents say $202 million")
    expect(page.locator(".saying > ol > li")).to_contain_text("[2] ")
    page.locator(".saying a").click()
    expect(page.locator("mark").first).to_be_in_viewport()


@pytest.mark.parametrize("scripts", [True, False])
def test_more_passages_of_a_document_open_in_place(demo: str, open_page: Open, *, scripts: bool) -> None:
    page = open_page(f"{demo}/?{urlencode({'q': TURNOVER})}", java_script_enabled=scripts)
    titles = page.locator(".results > .hits > .hit > article > h3").all_inner_texts()
    assert len(titles) == len(set(titles))
    others = page.locator(".others").first
    expect(others.locator(".hit").first).to_be_hidden()
    others.locator("summary").click()
    expect(others.locator(".hit").first).to_be_visible()
    page.get_by_role("link", name="passage", exact=True).click()
    expect(page.locator(".others")).to_have_count(0)
    assert "group=passage" in page.url
    page.get_by_role("link", name="document", exact=True).click()
    expect(page.locator(".others").first).to_be_visible()


def test_after_enter_the_keyboard_is_at_the_first_result(demo: str, open_page: Open) -> None:
    page = open_page(demo)
    page.keyboard.type(TURNOVER)
    page.keyboard.press("Enter")
    expect(page.locator(".answer h3 a")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".hit h3 a").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".answer h3 a")).to_be_focused()
    page.keyboard.press("/")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator(".answer h3 a")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/documents/"))


def test_escape_takes_the_suggestion_away_and_then_leaves_the_box(demo: str, open_page: Open) -> None:
    question = "How large was the trade turnovr with Cambodia?"
    page = open_page(f"{demo}/?{urlencode({'q': question})}")
    expect(page.locator("#corrected")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    expect(page.locator("#corrected")).to_have_count(0)
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#q")).not_to_be_focused()
    expect(page.locator("#q")).to_have_value(question)
    expect(page.locator("#verdict")).to_be_visible()
