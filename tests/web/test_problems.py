from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qa.errors import (
    BuildError,
    IndexUnavailableError,
    ModelError,
    NotFoundError,
    QAError,
    QueryError,
    StoreUnavailableError,
)
from qa.web.problems import PROBLEM, detail_of, error_response
from web.fake_search import FakeSearch, MakeApp, no_index
from web.helpers import id_of, problem


def test_messages_are_plain(client: FlaskClient) -> None:
    def message(query: str) -> str:
        return client.get(f"/api/v1/search?{query}").get_json()["detail"]

    assert message("k=3") == "q: is required"
    assert message("q=+") == "q: must not be empty"
    assert message("q=a&k=0") == "k: must be greater than or equal to 1"
    assert message("q=a&k=ten") == "k: must be a whole number"
    assert message("q=a&size=1") == "size: is not a known parameter"
    assert message("q=" + "я" * 201) == "q: must be at most 200 characters long; this has 201"


def test_a_problem_lists_a_limited_number_of_fields(client: FlaskClient) -> None:
    fields = {"q": "trade"} | {f"a{place}": 1 for place in range(5000)}
    response = client.post("/api/v1/search", json=fields)
    assert response.status_code == 422
    assert len(response.data) < 20_000
    assert len(response.json["errors"]) == 101
    assert response.json["errors"][-1] == {"field": "", "message": "4900 more fields are invalid"}


def test_missing_and_outdated_things_have_their_own_status(client: FlaskClient) -> None:
    unknown = "0" * 16
    for address in ("", "/text", "/file"):
        body = problem(client.get(f"/api/v1/documents/{unknown}{address}"), 404)
        assert unknown in body["detail"]
    problem(client.get(f"/api/v1/passages/{unknown}:0-3"), 404)
    problem(client.get(f"/api/v1/passages/{id_of('windows.txt')}:0-999"), 410)
    problem(client.get("/api/v1/nothing"), 404)
    assert problem(client.delete("/api/v1/search"), 405)["title"] == "Method Not Allowed"
    assert "POST" in client.delete("/api/v1/search").headers["Allow"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (QueryError("too odd"), 422),
        (ModelError("no model"), 503),
        (BuildError("odd"), 500),
        (KeyError("secret"), 500),
    ],
)
def test_an_error_of_the_searcher_has_a_fitting_status(  # noqa: PLR0917 -- fixtures
    client: FlaskClient, search: FakeSearch, monkeypatch, caplog, error: Exception, status: int
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(search, "search", fail)
    response = client.get("/api/v1/search?q=a")
    problem(response, status)
    assert b"Traceback" not in response.data
    assert b"secret" not in response.data
    assert (status == 500) == ("/api/v1/search failed" in caplog.text)
    assert client.get("/?q=a").status_code == status


@pytest.mark.parametrize("address", ["/api/v1/status", "/", "/?q=a", "/readyz", "/nothing"])
def test_an_error_while_opening_the_index_is_a_problem_too(make_app: MakeApp, address: str) -> None:
    def broken() -> FakeSearch:
        raise KeyError("secret")

    response = make_app(broken).test_client().get(address)
    assert response.status_code == (404 if address == "/nothing" else 500)
    assert b"secret" not in response.data


def test_without_an_index_the_answer_says_when_to_retry(make_app: MakeApp) -> None:
    for address in ("/api/v1/search?q=trade", "/api/v1/status", "/readyz", "/?q=trade"):
        response = make_app(no_index).test_client().get(address)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1"), address


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (QueryError("too odd"), "too odd"),
        (
            IndexUnavailableError("There is no index in index."),
            "There is no index in index. Run `qa index` to build it.",
        ),
        (IndexUnavailableError("Run `qa index` first."), "Run `qa index` first."),
        (
            StoreUnavailableError("milvus:19530"),
            "The store of the index does not answer. Try again in a moment.",
        ),
        (NotFoundError(), "No such document or passage."),
    ],
)
def test_the_detail_says_what_to_do(error: QAError, detail: str) -> None:
    assert detail_of(error) == detail


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/api/v1/x", PROBLEM), ("/readyz", PROBLEM), ("/documents/x", "text/html"), ("/apiary", "text/html")],
)
def test_programs_get_problems_and_browsers_get_pages(app: Flask, path: str, media_type: str) -> None:
    with app.test_request_context(path):
        response = error_response(404, "Not here.")
    assert (response.status_code, response.mimetype) == (404, media_type)
    assert "Not here." in response.get_data(as_text=True)
