"""The document page: find in it, cite what is selected, and read it on a narrow screen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import Open
from e2e.test_access import check_accessibility

NARWHALS = "/?q=Where+was+narwhal+number+300+seen%3F"
PANDEMIC = "/?q=Which+vaccine+was+the+first+to+be+registered%3F"
NARROW = {"viewport": {"width": 360, "height": 740}}


def open_document(open_page: Open, service: str, question: str, **options: object) -> Page:
    """Open the first result of a question."""
    results = open_page(service + question)
    address = results.locator(".hit h3 a").first.get_attribute("href")
    return open_page(service + address, **options)


def test_words_are_found_while_typing_and_keys_step_through_them(awkward: str, open_page: Open) -> None:
    page = open_document(open_page, awkward, NARWHALS)
    page.keyboard.press("f")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("narwhal number")
    count = page.locator("#matches span")
    expect(count).to_have_text(re.compile(r"^\d+ of \d+$"))
    current, total = map(int, re.findall(r"\d+", count.inner_text()))
    assert total > 100
    expect(page.locator("#match")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(count).to_have_text(f"{current + 1} of {total}")
    expect(page.locator("#match")).to_have_count(1)
    expect(page.locator("#match")).to_be_in_viewport()
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.press("Shift+Enter")
    expect(count).to_have_text(f"{current} of {total}")
    page.locator("#matches").get_by_role("link", name="Next").click()
    expect(count).to_have_text(f"{current + 1} of {total}")
    page.reload()
    expect(count).to_have_text(f"{current + 1} of {total}")
    page.locator("#find").focus()
    page.keyboard.press("Escape")
    expect(page.locator("mark.current")).to_have_count(0)
    expect(page.locator("#find")).to_have_value("")


def test_a_document_is_searched_by_meaning_without_scripts(awkward: str, open_page: Open) -> None:
    page = open_document(open_page, awkward, NARWHALS, java_script_enabled=False)
    page.locator("#find").fill("In which bay was number 211 seen?")
    page.locator("select[name=by]").select_option("meaning")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#matches span")).to_have_text(re.compile(r"^\d+ of \d+$"))
    expect(page.locator("#match")).to_contain_text("211")
    expect(page.locator("#match")).to_be_in_viewport()


def select(page: Page, first: str, last: str) -> None:
    """Select from the beginning of one text to the end of another, wherever elements begin."""
    page.evaluate(
        """([first, last]) => {
          const walker = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
          const range = document.createRange();
          for (let node; (node = walker.nextNode()); ) {
            if (node.data.includes(first)) range.setStart(node, node.data.indexOf(first));
            if (node.data.includes(last)) range.setEnd(node, node.data.indexOf(last) + last.length);
          }
          getSelection().removeAllRanges();
          getSelection().addRange(range);
        }""",
        [first, last],
    )


def test_what_is_selected_over_joined_lines_can_be_cited(awkward: str, open_page: Open) -> None:
    page = open_document(open_page, awkward, "/?q=gecko+survey+of+the+outer+islands")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(page.locator("article")).to_contain_text("which went from house to house")
    select(page, "islands was made", "counted twice")
    bar = page.locator("#selected")
    expect(bar).to_be_visible()
    bar.get_by_role("link", name="Copy citation").click()
    expect(page.locator("#toast")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    quoted = re.sub(r"\s+", " ", copied)
    assert "islands was made by two teams, which went from house to house" in quoted
    assert "counted twice” " in quoted
    page.goto(copied.split()[-1])
    expect(page.get_by_text("The quotation is unchanged.")).to_be_in_viewport()
    marked = "".join(page.locator("mark.passage").all_inner_texts())
    assert marked.startswith("islands was made")
    assert marked.endswith("counted twice")


def test_a_selection_over_blocks_and_cells_begins_and_ends_where_it_should(
    awkward: str, open_page: Open
) -> None:
    page = open_document(open_page, awkward, "/?q=ocelot+hunts+at+night")
    select(page, "hunts at", "South")
    link = page.locator("#selected a.copy")
    expect(link).to_be_visible()
    start, end = map(int, re.search(r"/(\d+)-(\d+)\.txt", link.get_attribute("href")).groups())
    document_id = re.search(r"/documents/(\w+)", page.url)[1]
    text = page.request.get(f"{awkward}/api/v1/documents/{document_id}/text").body().decode()
    assert text[start:end].startswith("hunts at night.")
    assert text[start:end].endswith("South")


def test_markup_of_a_document_is_text(awkward: str, open_page: Open) -> None:
    page = open_document(open_page, awkward, "/?q=ocelot+hunts+at+night")
    article = page.locator("article.text")
    expect(article).to_contain_text('sleeps by day <script>alert("ocelot")</script> and hunts')
    expect(article).to_contain_text('<img src=x onerror="alert(2)">')
    assert article.locator("script, img, iframe, b, [onmouseover], [onerror]").count() == 0
    assert article.locator("a:not(.page)").count() == 0
    assert article.locator("th").all_inner_texts() == ["Place", "Ocelots"]
    assert article.locator("td").all_inner_texts() == [
        "<b onmouseover=alert(3)>North</b>",
        "12",
        "South",
        "7",
    ]
    assert article.locator("li").all_inner_texts() == ["one <iframe src=javascript:alert(4)>", "two"]


def test_on_a_narrow_screen_the_passage_is_in_view_and_its_page_behind_a_button(
    awkward: str, open_page: Open
) -> None:
    page = open_document(open_page, awkward, PANDEMIC, **NARROW)
    expect(page.locator("mark#passage, mark.sentence").first).to_be_in_viewport()
    expect(page.locator(".facsimile")).to_be_hidden()
    page.get_by_role("button", name="Picture of page").click()
    expect(page.locator(".facsimile img")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator(".facsimile")).to_be_hidden()
    page.get_by_role("button", name="Sections").click()
    expect(page.locator("#sections a").first).to_be_in_viewport()


SMALL = """[...document.querySelectorAll(".steps :is(a, button, input, select, summary), .page")]
  .filter((node) => node.checkVisibility({ visibilityProperty: true }))
  .map((node) => [node.textContent.trim(), node.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < 24 || box.width < 24)).map(([text]) => text)"""


@pytest.mark.parametrize("width", [360, 1280])
def test_targets_are_large_enough(awkward: str, open_page: Open, width: int) -> None:
    page = open_document(open_page, awkward, PANDEMIC, viewport={"width": width, "height": 740})
    assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_on_documents_of_each_kind(
    awkward: str, open_page: Open, scheme: str, width: int
) -> None:
    options = {"viewport": {"width": width, "height": 740}, "color_scheme": scheme}
    page = open_document(open_page, awkward, "/?q=ocelot+hunts+at+night", **options)
    check_accessibility(page)
    page.goto(f"{page.url.split('?')[0]}?find=ocelots")
    expect(page.locator("#match")).to_be_visible()
    select(page, "hunts at", "South")
    expect(page.locator("#selected")).to_be_visible()
    check_accessibility(page)
    page.locator("#selected").get_by_role("link", name="More like this").click()
    expect(page.locator("h1")).to_have_text("More like this")
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
