from __future__ import annotations

from pathlib import Path

from qa.web.access.keys import Keys
from web.helpers import bearer

STATUS = "/api/v1/status"


def test_the_limit_holds_for_each_address_and_says_when_to_retry(client_with) -> None:
    client = client_with(rate_limit="3/minute")
    for _ in range(3):
        assert client.get(STATUS).status_code == 200
    refused = client.get(STATUS)
    assert (refused.status_code, refused.content_type) == (429, "application/problem+json")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert client.get(STATUS, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 200
    assert [client.get("/healthz").status_code for _ in range(9)] == [200] * 9


def test_with_keys_the_limit_holds_for_each_key(client_with, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    first, second = Keys(keys).create("One"), Keys(keys).create("Two")
    client = client_with(rate_limit="1/minute", keys=keys)

    def status_with(key: str) -> int:
        return client.get(STATUS, headers=bearer(key)).status_code

    assert [status_with(key) for key in (first, second, first)] == [200, 200, 429]


def test_by_default_there_is_no_limit(client_with) -> None:
    response = client_with(rate_limit="").get(STATUS)
    assert "X-RateLimit-Limit" not in response.headers
