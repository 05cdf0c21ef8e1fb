from __future__ import annotations

from pathlib import Path

import pytest

from qa.web.access.keys import Keys

SEARCH = "/api/v1/search"
STATUS = "/api/v1/status"
OTHER = "https://example.org"
PREFLIGHT = {"Origin": OTHER, "Access-Control-Request-Method": "POST"}


def test_an_allowed_origin_may_call_the_api(client_with) -> None:
    client = client_with(cors=f"{OTHER}, http://localhost:3000")
    allowed = client.options(SEARCH, headers=PREFLIGHT)
    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == OTHER
    assert allowed.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    answer = client.get(STATUS, headers={"Origin": OTHER})
    assert answer.headers["Access-Control-Allow-Origin"] == OTHER
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "https://example.org.evil.test", "http://example.org", ""]
)
def test_no_other_origin_may_call_the_api(client_with, origin: str) -> None:
    client = client_with(cors=OTHER)
    for response in (
        client.options(SEARCH, headers=PREFLIGHT | {"Origin": origin}),
        client.get(STATUS, headers={"Origin": origin}),
        client_with().get(STATUS, headers={"Origin": OTHER}),
        client.get("/", headers={"Origin": OTHER}),
    ):
        assert "Access-Control-Allow-Origin" not in response.headers


def test_a_preflight_needs_no_key(client_with, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    Keys(keys).create("Newsroom")
    client = client_with(cors=OTHER, keys=keys)
    assert client.options(SEARCH, headers=PREFLIGHT).status_code == 204
    assert client.options(SEARCH, headers=PREFLIGHT | {"Origin": "https://evil.test"}).status_code == 401
    assert client.options("/", headers=PREFLIGHT).status_code == 401


@pytest.mark.parametrize("origin", [None, OTHER, "https://evil.test"])
def test_every_api_answer_varies_by_origin(client_with, origin: str | None) -> None:
    client = client_with(cors=OTHER)
    headers = {"Origin": origin} if origin else {}
    for address in (STATUS, "/api/nothing"):
        assert "Origin" in client.get(address, headers=headers).headers["Vary"]


def test_an_ipv6_origin_is_compared_literally(client_with) -> None:
    client = client_with(cors="http://[::1]:3000")
    allowed = client.get(STATUS, headers={"Origin": "http://[::1]:3000"})
    assert allowed.headers["Access-Control-Allow-Origin"] == "http://[::1]:3000"
    refused = client.get(STATUS, headers={"Origin": "http://::3000"})
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_a_problem_can_be_read_by_an_allowed_origin(client_with) -> None:
    refused = client_with(cors=OTHER).get(SEARCH, headers={"Origin": OTHER})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (422, OTHER)
