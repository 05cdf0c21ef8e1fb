from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.web import create_app
from web.fake_search import FakeSearch

STATUS = "/api/v1/status"
OTHER = "https://example.org"


@pytest.fixture
def with_(settings: Settings, search: FakeSearch):
    def make(**changed: str) -> FlaskClient:
        return create_app(replace(settings, **changed), lambda: search).test_client()

    return make


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.0.2.7", "LOCALHOST", "qa.test:1"],
)
def test_our_own_hosts_are_served(with_, host: str) -> None:
    assert with_(hosts="other.test, qa.test").get(STATUS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "localhost.evil.test",
        "127.0.0.1.evil.test",
        "evil.test:8000",
        "[",
        "a b",
        "x" * 300,
        "[::1",
    ],
)
def test_any_other_host_is_refused(with_, host: str) -> None:
    assert with_(hosts="qa.test").get(STATUS, headers={"Host": host}).status_code == 400


def test_a_rate_is_kept_by_each_address_and_tells_when_to_ask_again(with_) -> None:
    client = with_(rate_limit="3/minute")
    for _ in range(3):
        assert client.get(STATUS).status_code == 200
    refused = client.get(STATUS)
    assert (refused.status_code, refused.content_type) == (429, "application/problem+json")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert client.get(STATUS, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 200
    assert [client.get("/healthz").status_code for _ in range(9)] == [200] * 9


def test_only_a_proxy_that_is_named_is_believed(with_) -> None:
    client = with_(rate_limit="1/minute", proxies="192.0.2.1", hosts="qa.test")

    def ask(proxy: str, address: str) -> int:
        headers = {"X-Forwarded-For": address, "X-Forwarded-Host": "qa.test", "X-Forwarded-Proto": "https"}
        response = client.get(STATUS, headers=headers, environ_base={"REMOTE_ADDR": proxy})
        assert ("Strict-Transport-Security" in response.headers) == (proxy == "192.0.2.1")
        return response.status_code

    assert [ask("192.0.2.1", "198.51.100.1"), ask("192.0.2.1", "198.51.100.2")] == [200, 200]
    assert ask("192.0.2.1", "198.51.100.1") == 429
    # Whoever makes up where it comes from is counted as one all the same.
    assert [ask("203.0.113.9", "198.51.100.3"), ask("203.0.113.9", "198.51.100.4")] == [200, 429]


def test_another_site_may_ask_if_it_is_named(with_) -> None:
    client = with_(cors=f"{OTHER}, http://localhost:3000")
    asks = {"Origin": OTHER, "Access-Control-Request-Method": "POST"}
    allowed = client.options("/api/v1/search", headers=asks)
    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == OTHER
    assert allowed.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    answer = client.get(STATUS, headers={"Origin": OTHER})
    assert answer.headers["Access-Control-Allow-Origin"] == OTHER
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "https://example.org.evil.test", "http://example.org", ""]
)
def test_no_other_site_may_ask(with_, origin: str) -> None:
    client = with_(cors=OTHER)
    for response in (
        client.options("/api/v1/search", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}),
        client.get(STATUS, headers={"Origin": origin}),
        with_().get(STATUS, headers={"Origin": OTHER}),
        client.get("/", headers={"Origin": OTHER}),
    ):
        assert "Access-Control-Allow-Origin" not in response.headers


SECRET = "A secret outside of the folder."
UP = [
    *("../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "..%252fsecret.txt"),
    *(
        "..%5csecret.txt",
        "..\\secret.txt",
        "%252e%252e%252fsecret.txt",
        "..%c0%afsecret.txt",
        "..%e0%80%afsecret.txt",
    ),
    *(
        "....//secret.txt",
        "..;/secret.txt",
        "..%00/secret.txt",
        "secret.txt%00.txt",
        "//secret.txt",
        "%2fsecret.txt",
    ),
    *(
        "..%u2215secret.txt",
        "..%ef%bc%8fsecret.txt",
        "file:///secret.txt",
        "news/../../secret.txt",
        "./../secret.txt",
    ),
]


@pytest.mark.parametrize("up", UP)
@pytest.mark.parametrize(
    "address",
    [
        *(
            "/{}",
            "/static/{}",
            "/docs/assets/{}",
            "/documents/{}",
            "/api/v1/documents/{}",
            "/api/v1/documents/{}/file",
        ),
        *("/api/v1/documents/{}/text", "/api/v1/passages/{}", "/api/v1/passages/{}:0-9"),
    ],
)
def test_nothing_outside_of_the_folder_is_served(
    client: FlaskClient, settings: Settings, address: str, up: str
) -> None:
    for folder in (settings.docs.parent, settings.docs.parent.parent):
        (folder / "secret.txt").write_text(SECRET)
    absolute = up.replace("secret.txt", quote(str(Path(settings.docs.parent, "secret.txt")).lstrip("/")))
    for path in (up, absolute):
        response = client.get(address.format(path))
        assert SECRET not in response.get_data(as_text=True)
        assert response.status_code in {301, 302, 308, 400, 404, 422}


def test_no_cookie_is_ever_set(client: FlaskClient) -> None:
    for address in ("/", "/?q=trade", STATUS, "/docs", "/documents"):
        assert "Set-Cookie" not in client.get(address).headers
