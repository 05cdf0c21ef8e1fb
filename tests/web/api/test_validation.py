from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import BaseModel, Field, ValidationError

from qa.web.api.validation import read_query
from qa.web.problems import RequestError
from web.helpers import problem

SEARCH = "/api/v1/search"


class Query(BaseModel):
    names: list[str] = Field(default=[], alias="name")
    size: int = 1


def test_only_a_list_may_be_repeated(app: Flask) -> None:
    with app.test_request_context("/?name=a&name=b&size=3"):
        assert read_query(Query) == Query(name=["a", "b"], size=3)
    with (
        app.test_request_context("/?size=3&size=3"),
        pytest.raises(RequestError, match="must not be repeated"),
    ):
        read_query(Query)
    with app.test_request_context("/?size=x"), pytest.raises(ValidationError):
        read_query(Query)


@pytest.mark.parametrize("body", ["", "{", '{"q": "\\ud800"}', "[" * 100_000, b"\xff"])
def test_malformed_json_is_refused(client: FlaskClient, body: str) -> None:
    refused = problem(client.post(SEARCH, data=body, content_type="application/json"), 400)
    assert "not valid JSON" in refused["detail"]


def test_other_media_types_and_sizes_are_refused(client: FlaskClient) -> None:
    problem(client.post(SEARCH, data={"q": "a"}), 415)
    problem(client.post(SEARCH, json={"q": "a" * (1 << 20)}), 413)


def test_a_body_must_have_its_announced_length(client: FlaskClient) -> None:
    short = {"CONTENT_LENGTH": "20"}
    refused = client.post(
        SEARCH, data=b'{"q": "a"}', environ_overrides=short, content_type="application/json"
    )
    problem(refused, 400)


def test_a_request_without_parameters_refuses_them(client: FlaskClient) -> None:
    for address in ("/api/v1/status?full=1", "/api/v1/documents/0000000000000000?full=1"):
        assert problem(client.get(address), 422)["errors"] == [
            {"field": "full", "message": "is not a known parameter"}
        ]
    problem(client.post(f"{SEARCH}?k=2", json={"q": "a"}), 422)


def test_json_numbers_must_be_numbers(client: FlaskClient) -> None:
    problem(client.post(SEARCH, json={"q": "a", "k": "7"}), 422)
    assert client.get(f"{SEARCH}?q=a&k=7").status_code == 200
