from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.config import Settings
from qa.web.access.hosts import host_check

STATUS = "/api/v1/status"


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.0.2.7", "LOCALHOST", "qa.test:1"],
)
def test_requests_for_our_own_hosts_are_answered(client_with, host: str) -> None:
    client = client_with(hosts="other.test, qa.test")
    assert client.get(STATUS, headers={"Host": host}).status_code == 200


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
def test_requests_for_other_hosts_are_refused(client_with, host: str) -> None:
    refused = client_with(hosts="qa.test").get(STATUS, headers={"Host": host})
    assert refused.status_code == 400
    assert refused.content_type == "application/problem+json"


def test_the_host_that_the_service_listens_on_is_its_own(client_with) -> None:
    client = client_with(host="Qa.Internal")
    assert client.get(STATUS, headers={"Host": "qa.internal:8000"}).status_code == 200


@given(st.ip_addresses(), st.integers(1, 65535))
def test_every_ip_address_is_allowed_with_and_without_a_port(address, port: int) -> None:
    is_own_host = host_check(Settings())
    host = f"[{address}]" if address.version == 6 else str(address)
    assert is_own_host(host)
    assert is_own_host(f"{host}:{port}")
    assert not is_own_host(f"{address}.evil.test")
