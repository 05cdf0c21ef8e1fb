from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from e2e.conftest import Open

TURNOVER = "How large was the trade turnover with Cambodia in 2018?"


def ask(page: Page, question: str) -> None:
    """Type a question, and wait for its results."""
    page.locator("#q").fill("")
    page.locator("#q").press_sequentially(question, delay=5)
    expect(page).to_have_title(f"{question} – Ask these documents")


def shown(page: Page) -> list[str]:
    return page.locator(".hit h3").all_inner_texts()


def test_results_update_as_you_type_and_the_address_follows(awkward: str, open_page: Open) -> None:
    page = open_page(awkward)
    expect(page.locator("#q")).to_be_focused()
    page.evaluate("window.same = true")
    ask(page, TURNOVER)
    expect(page.locator(".hit mark").first).to_contain_text("$202 million")
    assert re.search(r"\?q=How\+large.*2018%3F$", page.url)
    expect(page.locator("#count")).to_contain_text("Very likely answered here")
    expect(page.locator("#q")).to_be_focused()
    before = shown(page)
    page.locator("#q").press("Enter")
    assert page.evaluate("window.same")
    page.reload()
    assert shown(page) == before
    expect(page.locator("#q")).to_have_value(TURNOVER)


def test_a_late_answer_is_not_shown(awkward: str, open_page: Open) -> None:
    page = open_page(awkward)
    late: list[Route] = []
    page.route(re.compile(r"q=zeppelin$"), lambda route: late.append(route))  # noqa: PLW0108 -- Playwright reads its signature
    with page.expect_request(re.compile(r"q=zeppelin$")):
        page.locator("#q").fill("zeppelin")
    ask(page, "zinnia harvest")
    expect(page.locator(".hit h3").first).to_contain_text("Harvest of")
    titles = shown(page)
    try:
        late[0].continue_()
    except Exception:  # noqa: BLE001 -- the browser has already dropped it, as it should
        late.clear()
    page.wait_for_timeout(400)
    assert shown(page) == titles
    assert "zinnia" in page.url


def test_typing_and_undoing_it_keeps_the_address_of_the_shown_results(awkward: str, open_page: Open) -> None:
    page = open_page(f"{awkward}/?q=zinnia+harvest")
    held: list[Route] = []
    page.route(re.compile(r"q=zinnia\+harvests$"), lambda route: held.append(route))  # noqa: PLW0108 -- as above
    page.locator("#q").press("End")
    with page.expect_request(re.compile(r"q=zinnia\+harvests$")):
        page.locator("#q").press_sequentially("s")
    page.locator("#q").press("Backspace")
    page.wait_for_url(re.compile(r"q=zinnia\+harvest$"))
    expect(page.locator("#content")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator(".hit h3").first).to_contain_text("Harvest of")


def test_back_and_forward_step_through_the_questions(awkward: str, open_page: Open) -> None:
    page = open_page(awkward)
    ask(page, "zinnia harvest")
    page.locator("#q").press("Enter")
    page.locator(".facets a", has_text="Office 1").click()
    expect(page.locator(".facets [aria-current]")).to_contain_text("Office 1")
    ask(page, "zeppelin")
    page.go_back()
    expect(page.locator("#q")).to_have_value("zinnia harvest")
    expect(page.locator(".facets [aria-current]")).to_contain_text("Office 1")
    page.go_back()
    expect(page.locator(".facets [aria-current]")).to_have_count(0)
    page.go_back()
    expect(page.locator("#suggestions")).to_be_visible()
    expect(page.locator("#q")).to_have_value("")
    page.go_forward()
    expect(page.locator("#q")).to_have_value("zinnia harvest")


def test_recent_questions_are_stored_in_this_browser_only(awkward: str, open_page: Open) -> None:
    page = open_page(awkward)
    expect(page.locator("#recents")).to_be_hidden()
    ask(page, "zinnia harvest")
    page.locator("#q").press("Enter")
    page.goto(awkward)
    expect(page.locator("#recents a")).to_have_text(["zinnia harvest"])
    page.locator("#recents a").click()
    expect(page.locator(".hit h3").first).to_contain_text("Harvest of")
    page.goto(awkward)
    page.get_by_role("button", name="Clear this list").click()
    page.reload()
    expect(page.locator("#recents")).to_be_hidden()


def test_a_click_on_a_suggestion_searches_for_it(awkward: str, open_page: Open) -> None:
    page = open_page(awkward)
    suggestion = page.locator(".suggestions a").first
    name = suggestion.inner_text()
    suggestion.click()
    expect(page.locator("#q")).to_have_value(name)
    expect(page.locator(".hit").first).to_be_visible()


def test_facets_and_timeline_state_how_many_results_they_leave(awkward: str, open_page: Open) -> None:
    page = open_page(f"{awkward}/?q=zinnia+harvest&show=100")
    for name in ("source-Office 0", "year-2007"):
        link = page.locator(f'[data-same="{name}"]')
        number = int(link.locator(".counted").inner_text())
        link.click()
        expect(page.locator("#verdict + p")).to_contain_text(re.compile(rf"\b{number} relevant passages?"))
        expect(page.locator(f'[data-same="{name}"]')).to_be_focused()
        expect(page.locator(f'[data-same="{name}"]')).to_have_attribute("aria-current", "true")
        page.locator(f'[data-same="{name}"]').click()
        expect(page.locator(".facets [aria-current]")).to_have_count(0)
    bars = page.locator(".timeline a").count()
    bar = page.locator('.timeline a[title="2002 – 2003: 2"]')
    bar.click()
    expect(page.locator(".results > .hits .hit")).to_have_count(2)
    assert {time.split()[-1] for time in page.locator(".results > .hits time").all_inner_texts()} == {
        "2002",
        "2003",
    }
    page.get_by_role("link", name="All dates").click()
    expect(page.locator(".timeline a")).to_have_count(bars)


def test_sorting_and_showing_more_results(awkward: str, open_page: Open) -> None:
    page = open_page(f"{awkward}/?q=zinnia+harvest")
    page.get_by_role("link", name="date", exact=True).click()
    expect(page.locator(".hit h3").first).to_contain_text("Harvest of 2014")
    years = [time.split()[-1] for time in page.locator(".hit time").all_inner_texts()]
    assert years == sorted(years, reverse=True)
    assert len(years) == 10
    page.get_by_role("link", name="More results").click()
    expect(page.locator(".hit").nth(10).locator("h3 a")).to_be_focused()
    assert "sort=date" in page.url
    assert "show=20" in page.url


def test_nearly_identical_passages_are_one_result(awkward: str, open_page: Open) -> None:
    page = open_page(f"{awkward}/?q=What+did+the+zeppelin+carry%3F")
    first = page.locator(".hit").first
    expect(first.locator(".also")).to_contain_text("Also in: The zeppelin in Borabo (Borabo)")
    assert sum("zeppelin in" in title for title in shown(page)) == 1


def test_an_unanswered_question_is_reported_and_the_closest_passages_are_folded(
    awkward: str, open_page: Open
) -> None:
    page = open_page(f"{awkward}/?q=What+does+a+tourist+visa+for+Angkor+Wat+cost%3F")
    expect(page.get_by_role("heading", name="These documents don't seem to answer that.")).to_be_visible()
    expect(page.locator(".hit").first).to_be_hidden()
    page.get_by_text("Show the closest passages anyway").first.click()
    expect(page.locator(".hit").first).to_be_visible()


def test_unreadable_files_are_reported(awkward: str, open_page: Open) -> None:
    page = open_page(f"{awkward}/?q=zeppelin")
    page.get_by_role("link", name=re.compile(r"^1 of \d\d files could not be read$")).click()
    expect(page.locator(".unread .path")).to_contain_text("zz/broken.pdf")
    page.go_back()
    page.get_by_role("button", name="Hide").click()
    expect(page.get_by_text("could not be read")).to_have_count(0)


def test_everything_works_without_javascript(awkward: str, open_page: Open) -> None:
    page = open_page(awkward, java_script_enabled=False)
    page.locator("#q").fill("zinnia harvest")
    page.locator("#q").press("Enter")
    page.locator('[data-same="source-Office 0"]').click()
    page.locator('[data-same="year-2007"]').click()
    assert "source=Office+0" in page.url
    assert page.locator(".results .hit").count() >= 1
    page.locator(".hit h3 a").first.click()
    expect(page.locator("mark#passage")).to_be_in_viewport()
    page.get_by_role("link", name="Copy citation").click()
    expect(page.locator("body")).to_contain_text("Harvest of 2007, Office 0, 2007-10-10")


def test_the_search_can_be_added_to_the_browser(awkward: str, open_page: Open) -> None:
    page = open_page(awkward)
    description = page.locator('link[rel="search"]').get_attribute("href")
    answer = page.request.get(f"{awkward}{description}")
    assert answer.headers["content-type"].startswith("application/opensearchdescription+xml")
    assert f'template="{awkward}/?q={{searchTerms}}"' in answer.text()
