from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qa.results.citations import Quotation
from qa.types import Document, Hit, Metadata, Passage, Span
from qa.web.pages.cards import Card
from qa.web.pages.exports import COLUMNS, csv_table
from web.fake_search import FakeSearch

FORMULA = ("=", "+", "-", "@", "\t", "\r")
VALUES = st.text(alphabet="ab =+-@\t\r\n\",;'é", max_size=20)


def card(text: str, title: str, score: float = 0.5) -> Card:
    document = Document("d" * 16, "news/a.txt", "text/plain", "ab" * 32, Metadata(title=title), len(text), 1)
    span = Span(0, len(text))
    passage = Passage(f"{document.id}:0-{len(text)}", document, span, text, (span,))
    quotation = Quotation(document, span, text, "http://localhost/documents/d")
    return Card(Hit(1, passage, score, {}, ()), (), "/documents/d", quotation, None)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=4))
def test_a_table_holds_every_value_and_no_formula(texts: list[tuple[str, str]]) -> None:
    rows = list(csv.DictReader(StringIO(csv_table(card(*pair) for pair in texts), newline="")))
    assert len(rows) == len(texts)
    for row, (text, title) in zip(rows, texts, strict=True):
        assert tuple(row) == COLUMNS
        assert row["passage"] == ("'" if text.startswith(FORMULA) else "") + text
        assert row["title"] == ("'" if title.startswith(FORMULA) else "") + title
        assert not any(value.startswith(FORMULA) for value in row.values())


def test_numbers_are_not_escaped() -> None:
    [row] = csv.DictReader(StringIO(csv_table([card("a", "b", score=0.123456)])))
    assert (row["score"], row["char_start"], row["char_end"]) == ("0.1235", "0", "1")


def test_the_results_are_exported_in_their_order(client: FlaskClient, search: FakeSearch) -> None:
    search.add(
        "b.txt", '=SUM(trade) grew.\n\nThe trade, "quoted".', Metadata(title="+Title", published="2020-01-02")
    )
    table = client.get("/results.csv?q=the+trade+grew&sort=date")
    assert table.content_type == "text/csv; charset=utf-8"
    assert "results.csv" in table.headers["Content-Disposition"]
    rows = list(csv.DictReader(StringIO(table.get_data().decode("utf-8-sig"))))
    assert rows[0]["published"] == "2020-01-02"
    assert {row["title"] for row in rows} >= {"'+Title", "Cambodia & Russia"}
    assert any(row["passage"] == "'=SUM(trade) grew." for row in rows)
    answer = json.loads(client.get("/results.json?q=the+trade+grew&sort=date").get_data())
    assert [result["rank"] for result in answer["results"]] == [int(row["rank"]) for row in rows]
    assert answer["results"][0]["document"]["title"] == "+Title"
    assert answer["facets"]["results"] == len(rows)


@pytest.mark.parametrize("extension", ["csv", "json"])
def test_an_invalid_search_cannot_be_exported(client: FlaskClient, extension: str) -> None:
    assert client.get(f"/results.{extension}").status_code == 422
    assert client.get(f"/results.{extension}?q=a&from=soon").status_code == 422
