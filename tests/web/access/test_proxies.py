from __future__ import annotations

STATUS = "/api/v1/status"
PROXY = "192.0.2.1"


def test_only_a_proxy_in_the_settings_is_trusted(client_with) -> None:
    client = client_with(rate_limit="1/minute", proxies=PROXY, hosts="qa.test")

    def status_for(proxy: str, address: str) -> int:
        headers = {"X-Forwarded-For": address, "X-Forwarded-Host": "qa.test", "X-Forwarded-Proto": "https"}
        response = client.get(STATUS, headers=headers, environ_base={"REMOTE_ADDR": proxy})
        assert ("Strict-Transport-Security" in response.headers) == (proxy == PROXY)
        return response.status_code

    assert [status_for(PROXY, "198.51.100.1"), status_for(PROXY, "198.51.100.2")] == [200, 200]
    assert status_for(PROXY, "198.51.100.1") == 429
    # A client that makes up its address counts as one client.
    assert [status_for("203.0.113.9", "198.51.100.3"), status_for("203.0.113.9", "198.51.100.4")] == [
        200,
        429,
    ]


def test_a_forwarded_host_is_checked_like_any_other(client_with) -> None:
    client = client_with(proxies=PROXY, hosts="qa.test")
    headers = {"Host": "qa.test", "X-Forwarded-Host": "evil.test"}
    forwarded = client.get(STATUS, headers=headers, environ_base={"REMOTE_ADDR": PROXY})
    direct = client.get(STATUS, headers=headers, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert (forwarded.status_code, direct.status_code) == (400, 200)


def test_without_proxies_no_forwarded_header_is_trusted(client_with) -> None:
    headers = {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"}
    response = client_with().get(STATUS, headers=headers)
    assert response.status_code == 200
    assert "Strict-Transport-Security" not in response.headers
