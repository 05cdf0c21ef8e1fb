"""Accessibility: keyboard, screen reader, narrow, enlarged, dark, print; and nothing moves by itself."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from e2e.conftest import ROOT, Open

PAGES = {
    "start": "/",
    "results": "/?q=zinnia+harvest",
    "filtered": "/?q=zinnia+harvest&source=Office+0&from=2003-01-01&sort=date",
    "weak": "/?q=What+does+a+tourist+visa+for+Angkor+Wat+cost%3F",
    "refused": "/?q=a&from=soon",
    "documents": "/documents",
    "status": "/status",
    "batch": "/batch",
    "missing": "/nothing",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TURNOVER = "How large was the trade turnover with Cambodia in 2018?"


def check_accessibility(page: Page) -> None:
    """Check the page with axe."""
    report = Axe().run(page, options={"runOnly": RULES})
    assert report.violations_count == 0, report.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(
    awkward: str, open_page: Open, complaints: list[str], name: str, scheme: str
) -> None:
    page = open_page(awkward + PAGES[name], color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((details) => details.open = true)")
    check_accessibility(page)
    complaints[:] = [
        complaint for complaint in complaints if "404" not in complaint and "422" not in complaint
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_documents(awkward: str, open_page: Open, scheme: str) -> None:
    page = open_page(f"{awkward}/?q=Which+vaccine+was+the+first+to+be+registered%3F", color_scheme=scheme)
    page.locator(".hit h3 a", has_text="pandemic").first.click()
    expect(page.locator(".facsimile")).to_be_visible()
    page.get_by_text("More formats").click()
    check_accessibility(page)
    page.goto(f"{awkward}/?q=narwhal+number+300")
    page.locator(".hit h3 a").first.click()
    expect(page.locator("mark#passage")).to_be_visible()
    check_accessibility(page)
    page.keyboard.press("?")
    check_accessibility(page)


@pytest.mark.parametrize("width", [320, 590])
def test_nothing_overflows_a_narrow_or_enlarged_window(awkward: str, open_page: Open, width: int) -> None:
    page = open_page(awkward, viewport={"width": width, "height": 800}, locale="ru")
    for address in [*PAGES.values(), "/?q=Which+vaccine+was+the+first%3F"]:
        if address in {PAGES["refused"], PAGES["missing"]}:
            continue
        page.goto(awkward + address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    page.locator(".hit h3 a", has_text="pandemic").first.click()
    expect(page.locator("mark#passage")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("[popovertarget=facsimile]").click()
    expect(page.locator(".facsimile img")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_is_enough(awkward: str, open_page: Open) -> None:
    page = open_page(awkward)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("zinnia harvest")
    expect(page.locator(".hit").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".answer h3 a")).to_be_focused()
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(page.locator(".hit h3 a").nth(place)).to_be_focused()
    title = page.locator(".hit h3").nth(1).inner_text()
    page.keyboard.press("c")
    expect(page.locator("#toast")).to_have_text("Copied")
    assert title in page.evaluate("navigator.clipboard.readText()")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    assert page.evaluate("getSelection().toString()") == "zinnia harvest"
    page.locator("#q").blur()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator(".hit h3 a").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(title)


def test_the_focus_is_visible_and_the_skip_link_works(awkward: str, open_page: Open) -> None:
    page = open_page(f"{awkward}/?q=zinnia+harvest")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.locator(".hit h3 a").first.focus()
    assert page.locator(".hit h3 a").first.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"


def test_nothing_moves_by_itself(demo: str, open_page: Open) -> None:
    page = open_page(f"{demo}/?q=trade+turnover")
    assert page.evaluate("document.getAnimations().length") == 0
    durations = "[...document.querySelectorAll('*')].map((node) => getComputedStyle(node).transitionDuration)"
    assert set(page.evaluate(durations)) == {"0s"}
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_a_printed_page_has_citations_and_no_controls(demo: str, open_page: Open) -> None:
    page = open_page(f"{demo}/?q=trade+turnover")
    expect(page.locator(".citation").first).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".citation").first).to_contain_text("characters")
    for control in ("#ask", ".facets", ".tools", "header.top"):
        expect(page.locator(control)).to_be_hidden()


def test_a_russian_browser_gets_a_russian_page(demo: str, open_page: Open) -> None:
    page = open_page(f"{demo}/?q=Сколько+камбоджийцев+училось+в+СССР+и+России%3F", locale="ru-RU")
    assert page.locator("html").get_attribute("lang") == "ru"
    expect(page.locator("#verdict")).to_contain_text("Ответ")
    expect(page.locator(".hit time").first).to_contain_text("ноября 2026")
    check_accessibility(page)


def test_results_arrive_without_layout_shifts_or_console_messages(demo: str, open_page: Open) -> None:
    """``complaints`` holds every message of the browser, and every request to another host."""
    page = open_page(demo)
    loaded = page.evaluate(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".map((entry) => [entry.name, entry.decodedBodySize])"
    )
    names = {re.sub(r".*/|\?.*", "", name) for name, _ in loaded}
    assert {"style.css", "ask.js", "keys.js", "cite.js", "favicon.svg"} <= names
    page.evaluate(
        """() => {
          window.shifts = [];
          new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((one) => one.value)))
            .observe({ type: "layout-shift", buffered: true });
        }"""
    )
    page.locator("#q").press_sequentially(TURNOVER, delay=20)
    expect(page).to_have_title(re.compile("2018"))
    page.wait_for_timeout(200)
    assert page.evaluate("window.shifts") == []
    answer = page.request.get(page.url).body()
    assert sum(size for _, size in loaded) + len(answer) <= 110_000, (loaded, len(answer))


_TURNOVER_PAGE = "/?q=How+large+was+the+trade+turnover+with+Cambodia+in+2018%3F"
_PHONE = {"viewport": {"width": 360, "height": 740}}


@pytest.mark.parametrize(
    ("name", "address", "options"),
    [
        ("start", "/", {}),
        ("results", _TURNOVER_PAGE, {}),
        ("phone", _TURNOVER_PAGE, _PHONE),
        ("dark", "/?q=What+does+a+tourist+visa+for+Angkor+Wat+cost%3F", {"color_scheme": "dark"}),
        ("pdf", "/?q=Which+vaccine+was+the+first+to+be+registered%3F", {}),
        ("library", "/documents", {}),
        ("clips", _TURNOVER_PAGE, {}),
        ("status", "/status", {}),
    ],
)
def test_screenshots_are_taken(
    demo: str, open_page: Open, name: str, address: str, options: dict[str, Any]
) -> None:
    """Save screenshots in build/screenshots; `make screenshots` copies them to docs from there."""
    page = open_page(demo + address, **({"viewport": {"width": 1100, "height": 800}} | options))
    if name == "pdf":
        page.locator(".hit h3 a", has_text="pandemic").first.click()
    if name == "clips":
        for button in page.locator("button.clip:visible").all()[:2]:
            button.click()
        page.locator("#clips-link").click()
        expect(page.locator(".clipping")).to_have_count(2)
    page.wait_for_load_state("networkidle")
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    picture = Image.open(BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(64).save(folder / f"{name}.png", optimize=True)
    assert picture.size == ((360, 740) if name == "phone" else (1100, 800))
