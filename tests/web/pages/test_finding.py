"""Find in a document: by words and by meaning, counted and step by step."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from qa.types import Span
from qa.web.pages.finding import Matches
from web.fake_search import NEWS, FakeSearch
from web.helpers import id_of, page, without_offsets

TASS = id_of("news/tass.txt")


def marked(html: str, kind: str) -> list[str]:
    return re.findall(rf'<mark class="{kind}"[^>]*>([^<]*)</mark>', html)


def count(html: str) -> str:
    return re.search(r'<nav id="matches"[^>]*>\s*<span role="status">(.*?)</span>', html)[1]


def link(html: str, rel: str) -> str | None:
    match = re.search(rf'<a href="([^"]*)" rel="{rel}">', html.split('id="matches"')[1])
    return match and unescape(match[1])


def test_words_are_found_as_people_compare_them(client: FlaskClient, search: FakeSearch) -> None:
    document_id = search.add(
        "words.txt", "L’Été was hot.\n\nIn l'ete\nof 1990 it rained.\n\nEtc. No more L ÉTÉ."
    )
    html = page(client, f"/documents/{document_id}?find=l%27ete")
    assert count(html) == "1 of 3"
    assert marked(html, "current") == ["L’Été"]
    assert marked(html, "match") == ["l&#39;ete", "L ÉTÉ"]
    assert html.count('id="match"') == 1
    assert 'value="l&#39;ete"' in html


def test_links_step_through_the_matches(client: FlaskClient, search: FakeSearch) -> None:
    text = "\n\n".join(f"Paragraph {n} has rice, and more rice." for n in range(4000))
    address = f"/documents/{search.add('long.txt', text)}?find=rice"
    html = page(client, f"{address}&n=5001")
    assert count(html) == "5,001 of 8,000"
    before = without_offsets(html).split('<mark class="current"')[0]
    assert re.findall(r"Paragraph (\d+) has", before)[-1] == "2500"
    assert count(page(client, link(html, "next"))) == "5,002 of 8,000"
    assert count(page(client, link(html, "prev"))) == "5,000 of 8,000"
    assert link(page(client, f"{address}&n=1"), "prev") is None
    assert link(page(client, f"{address}&n=8000"), "next") is None
    assert count(page(client, f"{address}&n=99999")) == "8,000 of 8,000"


def test_the_first_match_is_at_the_passage_that_is_shown(client: FlaskClient, search: FakeSearch) -> None:
    text = "\n\n".join(f"Paragraph {n} has rice." for n in range(100))
    start = text.index("Paragraph 40 ")
    html = page(client, f"/documents/{search.add('long.txt', text)}?find=rice&start={start}&end={start + 12}")
    assert count(html) == "41 of 100"
    assert marked(html, "passage") == ["Paragraph 40"]


def test_a_phrase_is_found_across_paragraphs_and_lines(client: FlaskClient, search: FakeSearch) -> None:
    text = "The trade of rice\n\nand maize grew. The trade\nof rice fell."
    html = page(client, f"/documents/{search.add('across.txt', text)}?find=rice+and+maize")
    assert count(html) == "1 of 1"
    assert "".join(marked(html, "current")) == "rice" + "and maize"


def test_meaning_starts_with_the_best_and_steps_in_order(client: FlaskClient) -> None:
    html = page(client, f"/documents/{TASS}?find=the+trade+of+Cambodia+and+tourists&by=meaning")
    assert count(html).endswith("of 3")
    numbers = {
        count(page(client, f"/documents/{TASS}?find=the+trade+of+Cambodia+and+tourists&by=meaning&n={n}"))
        for n in (1, 2, 3)
    }
    assert numbers == {"1 of 3", "2 of 3", "3 of 3"}
    assert '<option value="meaning" selected>' in html


def test_meaning_finds_more_than_the_results_page_lists(client: FlaskClient, search: FakeSearch) -> None:
    text = "\n\n".join(f"Paragraph {n} has rice." for n in range(300))
    address = f"/documents/{search.add('long.txt', text)}?find=rice&by=meaning"
    assert count(page(client, f"{address}&n=250")) == "250 of 300"
    assert [query.k for query in search.queries] == [100, 500]


def test_only_so_many_passages_are_found_by_meaning(client: FlaskClient, search: FakeSearch) -> None:
    text = "\n\n".join(f"Paragraph {n} has rice." for n in range(600))
    address = f"/documents/{search.add('long.txt', text)}?find=rice&by=meaning"
    assert count(page(client, f"{address}&n=999")) == "500 of 500+"


def test_few_passages_are_sought_once(client: FlaskClient, search: FakeSearch) -> None:
    assert count(page(client, f"/documents/{TASS}?find=trade&by=meaning")) == "1 of 1"
    assert [query.k for query in search.queries] == [100]


@pytest.mark.parametrize(
    "query", ["find=zeppelin", "find=...", "find=" + "x" * 300, "find=zeppelin&by=meaning"]
)
def test_nothing_found_is_said(client: FlaskClient, search: FakeSearch, query: str) -> None:
    html = page(client, f"/documents/{TASS}?{query}")
    assert count(html) == "Nothing found"
    assert 'class="match"' not in html


@pytest.mark.parametrize("query", ["find=", "find=+++", "n=3", "by=meaning"])
def test_without_words_nothing_is_sought(client: FlaskClient, query: str) -> None:
    html = page(client, f"/documents/{TASS}?{query}")
    assert 'role="status">' not in html.split('id="matches"')[1].split("</nav>")[0]


def test_markup_in_what_is_sought_is_text(client: FlaskClient) -> None:
    html = page(client, f"/documents/{TASS}?find=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in html


def test_marks_of_matches_are_disjoint_and_the_current_one_wins() -> None:
    matches = Matches("x", "words", 3, 2, Span(4, 8), lambda _: [Span(0, 5), Span(4, 8), Span(6, 9)])
    assert [mark.span for mark in matches.marks(Span(0, 9))] == [Span(4, 8)]


def test_passages_like_one_are_listed(client: FlaskClient, search: FakeSearch) -> None:
    search.add("more.txt", "Ministers met in Phnom Penh in June, said the trade office.")
    start = NEWS.index("HANOI. The")
    html = page(client, f"/documents/{TASS}/similar/{start}")
    assert "Ministers met in Phnom Penh in June" in html
    assert f"/documents/{TASS}/similar/{start}" in page(
        client, f"/documents/{TASS}?start={start}&end={start + 30}"
    )
    assert page(client, f"/documents/{TASS}/similar/999999", 404)
