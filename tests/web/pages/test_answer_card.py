from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qa.types import Metadata, Query, SearchResult, ShortAnswer, Span
from qa.web.pages.answer_card import answer_card
from web.fake_search import FakeSearch
from web.helpers import Tags, page

QUESTION = "How much did trade with Cambodia grow in 2018?"
ADDRESS = "/?q=" + QUESTION.replace(" ", "+").replace("?", "%3F")
TEXTS = {
    "a.txt": "Ministers met. Trade with Cambodia did grow by 25% in 2018.",
    "b.txt": "In 2018 trade with Cambodia did grow much: 25%.",
    "c.txt": "Much trade with Cambodia did grow 21% in 2018.",
}


@pytest.fixture
def result(search: FakeSearch) -> SearchResult:
    for name, text in TEXTS.items():
        search.add(name, text, Metadata(title=f"Title <{name}>", source="TASS", published="2019-01-02"))
    result = search.search(Query(QUESTION, k=100))
    words = {"matched_terms": ("trade", "Cambodia", "grow", "2018"), "unmatched_terms": ()}
    own = [replace(hit, **words) for hit in result.hits if hit.passage.document.path in TEXTS]
    hits = tuple(sorted(own, key=lambda hit: hit.passage.document.path))
    search.changes = {"hits": hits}
    return replace(result, hits=hits)


def test_the_card_has_the_best_sentence_and_what_others_state(app: Flask, result: SearchResult) -> None:
    with app.test_request_context():
        answer = answer_card(result, {"q": QUESTION})
    assert answer.card.quotation.text == "Trade with Cambodia did grow by 25% in 2018."
    assert [(value.text, value.documents) for value in answer.values] == [("25%", 2), ("21%", 1)]
    sources = [source for value in answer.values for source in value.sources]
    assert [(source.number, source.passage.document.path) for source in sources] == [
        (2, "b.txt"),
        (3, "c.txt"),
    ]


def test_there_is_no_card_where_nothing_answers(app: Flask, result: SearchResult) -> None:
    silent = tuple(replace(hit, answers=()) for hit in result.hits)
    weak = tuple(replace(hit, relevant=False) for hit in result.hits)
    with app.test_request_context():
        assert answer_card(replace(result, answerable=False), {}) is None
        for hits in (silent, weak, ()):
            assert answer_card(replace(result, hits=hits), {}) is None


def test_the_sentence_with_the_short_answer_is_the_best(app: Flask, result: SearchResult) -> None:
    passage = result.hits[2].passage
    start = passage.text.index("21%")
    short = ShortAnswer("21%", Span(start, start + 3), passage.id)
    with app.test_request_context():
        answer = answer_card(replace(result, short_answer=short), {"q": QUESTION})
    assert answer.card.hit.passage == passage
    assert "21%" in answer.card.quotation.text
    assert [value.text for value in answer.values] == ["21%", "25%"]


def test_only_the_rows_that_answer_are_shown(app: Flask, result: SearchResult) -> None:
    hit = result.hits[0]
    text = "Cambodia | 25%\nVietnam | 15%"
    span = Span(0, len(text))
    sentences = (Span(0, 14), Span(15, len(text)))
    passage = replace(hit.passage, text=text, span=span, sentences=sentences, header="Country | Growth")
    answers = (replace(hit.answers[0], text="Vietnam | 15%", span=sentences[1]),)
    with app.test_request_context():
        answer = answer_card(
            replace(result, hits=(replace(hit, passage=passage, answers=answers),)), {"q": "x"}
        )
    assert [["".join(piece.text for piece in cell) for cell in row] for row in answer.rows] == [
        ["Vietnam", "15%"]
    ]


def test_the_card_stands_above_the_results(client: FlaskClient, result: SearchResult) -> None:
    html = page(client, ADDRESS)
    assert html.index('id="verdict"') < html.index('class="answer"') < html.index('class="hits"')
    text = " ".join(Tags(html.split('class="answer"', 1)[1].split("</article>", 1)[0]).text.split())
    assert "[1] Title <a.txt> TASS2 January 2019" in text
    assert "In this passage: trade ✓" in text
    assert "2 documents say 25% [2] In 2018 trade with Cambodia did grow much: 25%. Title <b.txt>" in text
    assert "1 document says 21% [3] Much trade with Cambodia did grow 21% in 2018. Title <c.txt>" in text
    assert 'class="answer"' not in page(client, "/?q=xylophone&min_confidence=1")


def test_the_order_of_the_list_does_not_change_the_card(client: FlaskClient, result: SearchResult) -> None:
    cards = {
        page(client, f"{ADDRESS}{more}").split('class="best"', 1)[1].split("</blockquote>", 1)[0]
        for more in ("", "&sort=date", "&group=passage")
    }
    assert len(cards) == 1
