from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from qa.types import Filters, Mode
from web.fake_search import FakeSearch
from web.helpers import problem


def test_every_parameter_reaches_the_searcher(client: FlaskClient, search: FakeSearch) -> None:
    response = client.get(
        "/api/v1/search?q=+a+b+&k=7&offset=3&mode=dense&source=TASS&source=Khmer+Times&language=EN"
        "&path=news/&path=*.md&from=2019-01-02&to=2020-03-04&min_confidence=0.25"
    )
    assert response.status_code == 200
    (query,) = search.queries
    assert (query.question, query.k, query.offset, query.mode) == ("a b", 7, 3, Mode.DENSE)
    assert query.min_confidence == 0.25
    assert query.filters == Filters(
        source=("TASS", "Khmer Times"),
        language=("en",),
        path=("news/", "*.md"),
        date_from="2019-01-02",
        date_to="2020-03-04",
    )


def test_type_and_document_are_filters(client: FlaskClient, search: FakeSearch) -> None:
    client.get("/api/v1/search?q=a&type=application/pdf&type=text/plain&document=abc")
    assert search.queries[-1].filters == Filters(
        media_type=("application/pdf", "text/plain"), document=("abc",)
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=+%09", "q"),
        ("q=" + "x" * 201, "q"),
        ("q=a&q=b", "q"),
        ("q=a&k=0", "k"),
        ("q=a&k=101", "k"),
        ("q=a&k=ten", "k"),
        ("q=a&k=1&k=2", "k"),
        ("q=a&offset=-1", "offset"),
        ("q=a&offset=1001", "offset"),
        ("q=a&mode=fast", "mode"),
        ("q=a&from=yesterday", "from"),
        ("q=a&from=2019-02-30", "from"),
        ("q=a&to=20190203", "to"),
        ("q=a&to=2019-W01-1", "to"),
        ("q=a&to=1577836800", "to"),
        ("q=a&source=", "source.0"),
        ("q=a&path=" + "x" * 501, "path.0"),
        ("q=a" + "&language=en" * 51, "language"),
        ("q=a&min_confidence=1.1", "min_confidence"),
        ("q=a&min_confidence=nan", "min_confidence"),
        ("q=a&date_from=2019-01-01", "date_from"),
        ("q=a&colour=red", "colour"),
    ],
)
def test_an_invalid_parameter_is_named(client: FlaskClient, query: str, field: str) -> None:
    body = problem(client.get(f"/api/v1/search?{query}"), 422)
    assert [error["field"] for error in body["errors"]] == [field]
    assert body["detail"].startswith(f"{field}: {body['errors'][0]['message']}")


def test_a_date_range_must_not_end_before_it_begins(client: FlaskClient) -> None:
    body = problem(client.get("/api/v1/search?q=a&from=2020-01-02&to=2020-01-01"), 422)
    assert body["errors"] == [{"field": "", "message": "from must not be later than to"}]
    assert client.get("/api/v1/search?q=a&from=2020-01-02&to=2020-01-02").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"q": "a", "questions": ["b"]}, ""),
        ({"questions": []}, "questions"),
        ({"questions": ["a"] * 101}, "questions"),
        ({"questions": ["a", " "]}, "questions.1"),
        ({"questions": ["a", "x" * 201]}, "questions"),
        ({"q": "a", "k": "7"}, "k"),
        ({"q": "a", "k": True}, "k"),
        ({"q": 7}, "q"),
        ({"q": "a", "from": 1577836800}, "from"),
        ({"q": "a", "source": "TASS"}, "source"),
        ({"q": "a", "size": 1}, "size"),
        ([1], ""),
        ("a", ""),
        ({"q": None}, "q"),
    ],
)
def test_an_invalid_field_is_named(client: FlaskClient, body: object, field: str) -> None:
    body = problem(client.post("/api/v1/search", json=body), 422)
    assert [error["field"] for error in body["errors"]] == [field]
