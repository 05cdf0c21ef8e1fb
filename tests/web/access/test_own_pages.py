"""What only the service's own pages may send."""

from __future__ import annotations

import pytest
from flask import Flask, Response, request
from werkzeug.exceptions import Forbidden

from qa.web.access.own_pages import check_own_page, is_from_own_page, let_forms_name_origin

HERE = "http://search.example"


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": HERE}, False),
        ({"Origin": HERE}, True),
        ({"Origin": "https://search.example"}, True),
        ({"Origin": "http://search.example:81"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
def test_only_own_pages_pass(headers: dict[str, str], *, own: bool) -> None:
    with Flask(__name__).test_request_context(base_url=HERE, headers=headers):
        assert is_from_own_page(request) is own
        if own:
            check_own_page("Go away.")
        else:
            with pytest.raises(Forbidden, match=r"Go away\."):
                check_own_page("Go away.")


def test_a_page_with_forms_tells_its_origin_to_itself_only() -> None:
    response = Response()
    let_forms_name_origin(response)
    assert response.headers["Referrer-Policy"] == "same-origin"
