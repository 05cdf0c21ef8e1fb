"""Answers that a client has already are not sent again, and long ones are compressed."""

from __future__ import annotations

import gzip

import pytest
from flask.testing import FlaskClient

from web.fake_search import FakeSearch
from web.helpers import id_of

LONG = "Rice is sold. " * 500


@pytest.mark.parametrize(
    "address",
    ["/api/v1/search?q=trade", "/api/v1/documents", "/api/v1/status", "/api/v1/files", "/openapi.json"],
)
def test_an_answer_that_the_client_has_is_not_sent_again(client: FlaskClient, address: str) -> None:
    first = client.get(address)
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    other = client.get(address, headers={"If-None-Match": 'W/"other"'})
    assert (other.status_code, other.headers["ETag"]) == (200, tag)


def test_the_time_that_a_search_took_makes_no_other_answer(client: FlaskClient, search: FakeSearch) -> None:
    tag = client.get("/api/v1/search?q=trade").headers["ETag"]
    search.changes = {"took_ms": 123.0}
    assert client.get("/api/v1/search?q=trade", headers={"If-None-Match": tag}).status_code == 304
    search.changes = {"total": 5}
    assert client.get("/api/v1/search?q=trade", headers={"If-None-Match": tag}).status_code == 200


def test_another_text_has_another_tag(client: FlaskClient, search: FakeSearch) -> None:
    address = f"/api/v1/documents/{id_of('windows.txt')}/text"
    tag = client.get(address).headers["ETag"]
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
    search.texts[id_of("windows.txt")] += "!"
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 200


def test_a_problem_has_no_tag(client: FlaskClient) -> None:
    response = client.get("/api/v1/search", headers={"If-None-Match": "*"})
    assert response.status_code == 422
    assert "ETag" not in response.headers


def test_a_long_answer_is_compressed_for_clients_that_can_take_it(
    client: FlaskClient, search: FakeSearch
) -> None:
    address = f"/api/v1/documents/{search.add('long.txt', LONG)}/text"
    plain = client.get(address)
    packed = client.get(address, headers={"Accept-Encoding": "br;q=1.0, gzip;q=0.8"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data == LONG.encode()
    assert packed.headers["Content-Length"] == str(len(packed.data))
    assert len(packed.data) < len(plain.data) / 10
    assert plain.headers["ETag"] == packed.headers["ETag"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in packed.headers["Vary"]


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "br"])
def test_clients_that_cannot_take_gzip_get_none(
    client: FlaskClient, search: FakeSearch, accepted: str
) -> None:
    address = f"/api/v1/documents/{search.add('long.txt', LONG)}/text"
    response = client.get(address, headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in response.headers
    assert response.data == LONG.encode()


def test_a_posted_question_is_compressed_and_has_no_tag(client: FlaskClient, search: FakeSearch) -> None:
    search.add("long.txt", LONG)
    response = client.post("/api/v1/search", json={"q": "rice"}, headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert "ETag" not in response.headers


def test_short_answers_and_files_travel_as_they_are(client: FlaskClient) -> None:
    headers = {"Accept-Encoding": "gzip"}
    address = f"/api/v1/documents/{id_of('windows.txt')}"
    assert "Content-Encoding" not in client.get(f"{address}/text", headers=headers).headers
    with client.get(f"{address}/file", headers=headers) as response:
        assert "Content-Encoding" not in response.headers
