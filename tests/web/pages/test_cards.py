from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, request

from qa.results.citations import quote_passage
from qa.results.facets import Count
from qa.results.listing import Listing, list_results
from qa.results.permalinks import FILE_DIGITS, check
from qa.types import Metadata, Query
from qa.web.pages import cards
from web.fake_search import FakeSearch


@pytest.fixture
def listing(search: FakeSearch) -> Listing:
    for year in (2018, 2019, 2020):
        metadata = Metadata(title=str(year), source="S", published=f"{year}-05-05", language="en")
        search.add(f"{year}.txt", f"The trade of {year} grew. It was a good year.", metadata)
    return list_results(search, Query("The trade grew"))


def parameters_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_a_card_marks_and_quotes_the_best_sentence(app: Flask, listing: Listing) -> None:
    with app.test_request_context():
        for hit in listing.hits:
            card = cards.card(hit, {"q": "The trade grew", "show": "20"}, None)
            best = hit.answers[0]
            assert "".join(piece.text for piece in card.pieces) == hit.passage.text
            assert [piece.text for piece in card.pieces if piece.kind] == [best.text]
            assert (card.quotation.span, card.quotation.text) == (best.span, best.text)
            assert parameters_of(card.url)["q"] == ["The trade grew"]
            assert "show" not in parameters_of(card.url)


def test_a_hit_without_answers_is_quoted_whole(app: Flask, listing: Listing) -> None:
    hit = replace(listing.hits[0], answers=())
    with app.test_request_context():
        card = cards.card(hit, {}, "right")
    assert card.quotation.text == hit.passage.text
    assert card.verdict == "right"


def test_a_permalink_can_be_checked(app: Flask, listing: Listing, search: FakeSearch) -> None:
    hit = listing.hits[0]
    with app.test_request_context(base_url="https://qa.test"):
        quotation = quote_passage(hit.passage, hit.answers[0].span, request.url_root)
    assert quotation.permalink.startswith(f"https://qa.test/documents/{hit.passage.document.id}?")
    link = parameters_of(quotation.permalink)
    assert link["sha"] == [hit.passage.document.sha256[:FILE_DIGITS]]
    text = search.text(hit.passage.document.id)
    assert check(text, quotation.span, link["quote"][0]) == ("unchanged", quotation.span)
    assert check("Now: " + text, quotation.span, link["quote"][0]).state == "moved"


@pytest.mark.parametrize(
    ("answerable", "confidence", "level"),
    [
        (False, 0.99, "none"),
        (True, 0.9, "high"),
        (True, 0.89, "fair"),
        (True, 0.7, "fair"),
        (True, 0.1, "low"),
    ],
)
def test_the_confidence_has_a_level(
    listing: Listing, confidence: float, level: str, *, answerable: bool
) -> None:
    result = replace(listing.result, answerable=answerable, confidence=confidence)
    assert cards.confidence_level(result) == level


def test_without_a_claimed_confidence_an_answer_is_possible(listing: Listing) -> None:
    result = replace(listing.result, answerable=True, confidence=0.99, language_support="words")
    assert cards.confidence_level(result) == "low"
    assert cards.confidence_level(replace(result, answerable=False)) == "none"


def test_the_link_of_a_value_selects_it_and_then_deselects_it(listing: Listing) -> None:
    parameters = {"q": "trade", "source": ["TASS"], "show": "20"}
    selected = parameters_of(cards._toggled(parameters, "source", Count("S", 3)))
    assert selected == {"q": ["trade"], "source": ["TASS", "S"]}
    deselected = parameters_of(
        cards._toggled(selected | {"q": "trade"}, "source", Count("s", 3, chosen=True))
    )
    assert deselected == {"q": ["trade"], "source": ["TASS"]}


def test_the_link_of_a_year_sets_and_removes_the_dates() -> None:
    selected = parameters_of(cards._toggled({"q": "trade"}, "year", Count("2019", 1)))
    assert selected == {"q": ["trade"], "from": ["2019-01-01"], "to": ["2019-12-31"]}
    assert parameters_of(cards._toggled(selected, "year", Count("2019", 1, chosen=True))) == {"q": ["trade"]}


def test_a_facet_that_cannot_narrow_the_results_is_left_out(listing: Listing) -> None:
    hit_count = len(listing.hits)
    counts = {"source": (Count("S", hit_count),), "language": (Count("en", hit_count - 1),), "type": ()}
    assert cards.choices({}, replace(listing, counts=counts)).keys() == {"language"}
    counts = {"source": (Count("S", hit_count, chosen=True),)}
    assert cards.choices({}, replace(listing, counts=counts)).keys() == {"source"}


def test_columns_are_shares_of_the_highest_bar(listing: Listing) -> None:
    columns = cards.columns({"q": "trade"}, listing.timeline)
    assert max(column.height for column in columns) == 1
    for column in columns:
        assert column.height == column.bar.count / listing.timeline.highest
        assert parameters_of(column.url) == {
            "q": ["trade"], "from": [column.bar.start], "to": [column.bar.end]
        }  # fmt: skip
    assert cards.columns({}, None) == []
