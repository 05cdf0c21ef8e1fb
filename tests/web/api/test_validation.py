from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from web.helpers import problem


@pytest.mark.parametrize("body", ["", "{", '{"q": "\\ud800"}', "[" * 100_000, b"\xff"])
def test_malformed_json_is_refused(client: FlaskClient, body: str) -> None:
    problem(client.post("/api/v1/search", data=body, content_type="application/json"), 400)


def test_other_media_types_and_sizes_are_refused(client: FlaskClient) -> None:
    problem(client.post("/api/v1/search", data={"q": "a"}), 415)
    problem(client.post("/api/v1/search", json={"q": "a" * (1 << 20)}), 413)
    problem(client.post("/api/v1/search?k=2", json={"q": "a"}), 422)
