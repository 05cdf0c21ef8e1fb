from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qa.records.replay import replay
from qa.records.search_record import read_record
from qa.results.citations import Quotation
from qa.types import Document, Hit, Metadata, Passage, Span
from qa.web.pages.cards import Card
from qa.web.pages.exports import COLUMNS, csv_table
from web.fake_search import FakeSearch
from web.helpers import Tags, page

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


ASKED = (
    "q=the+trade+grew",
    "q=the+trade+grew&sort=date",
    "q=the+trade+grew&group=passage&language=en&path=news",
    "q=the+trade+grew&group=passage&sort=date&mode=lexical&verbatim=true&show=50",
)


@pytest.mark.parametrize("asked", ASKED)
def test_the_record_of_a_search_has_what_the_page_lists(
    client: FlaskClient, search: FakeSearch, tmp_path: Path, asked: str
) -> None:
    for number in range(5):
        text = f"The trade of {number} grew.\n\nThe trade grew."
        search.add(f"news/{number}.txt", text, Metadata(published=f"2020-01-0{number + 1}", language="en"))
    link = address_of(page(client, f"/?{asked}"), "/record?")
    answer = client.get(link)
    assert answer.content_type == "application/json"
    assert "attachment" in answer.headers["Content-Disposition"]
    path = tmp_path / "record.json"
    path.write_bytes(answer.get_data())
    record = read_record(path)
    exported = client.get(f"/results.json?{asked}").get_json()
    assert record.query.question == "the trade grew"
    assert {result.text for result in record.results} == {each["text"] for each in exported["results"]}
    if "group=passage" in asked:
        assert [result.rank for result in record.results] == list(range(1, len(record.results) + 1))
        assert [result.text for result in record.results] == [each["text"] for each in exported["results"]]
    assert replay(record, search).is_unchanged
    search.add("news/new.txt", "The trade grew, the trade grew.", Metadata(language="en"))
    assert "new" in {outcome.verdict for outcome in replay(record, search).outcomes}


def test_a_search_without_results_has_a_record(client: FlaskClient, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(client.get(address_of(page(client, "/?q=zeppelin"), "/record?")).get_data())
    assert read_record(path).results == ()


def address_of(html: str, start: str) -> str:
    """Return the address of the link on a page that begins in a certain way."""
    [link] = [
        attributes["href"]
        for tag, attributes in Tags(html).tags
        if tag == "a" and (attributes.get("href") or "").startswith(start)
    ]
    assert link
    return link


@pytest.mark.parametrize("asked", ["", "?q=a&from=soon", f"?q={'a' * 300}"])
def test_an_invalid_search_has_no_record(client: FlaskClient, asked: str) -> None:
    assert client.get(f"/record{asked}").status_code == 422
