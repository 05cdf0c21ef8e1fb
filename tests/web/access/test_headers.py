from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from web.helpers import id_of

ADDRESSES = (
    *("/", "/?q=trade", "/nothing", "/api/v1/search", "/api/v1/status", "/static/style.css", "/docs"),
    "/documents",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_has_the_security_headers(client: FlaskClient, address: str) -> None:
    with client.get(address) as response:
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'; ")
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert "Cache-Control" in response.headers
        assert "Set-Cookie" not in response.headers
        assert "Strict-Transport-Security" not in response.headers


def test_https_is_required_from_then_on(client: FlaskClient) -> None:
    response = client.get("/", base_url="https://localhost")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_view_may_set_its_own_policy(client: FlaskClient) -> None:
    with client.get(f"/api/v1/documents/{id_of('evil.html')}/file") as response:
        assert response.headers.getlist("Content-Security-Policy") == ["default-src 'none'; sandbox"]
