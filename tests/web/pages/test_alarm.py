"""The alarm is put away until it changes."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from qa.types import ReadFailure
from web.fake_search import FakeSearch
from web.helpers import OWN, page

ALARM = "1 of 4 files could not be read"


def _put_away(client: FlaskClient) -> str:
    """Press the button of the alarm, and return where that leads."""
    [state] = re.findall(r'name="state" value="(\w+)"', page(client, "/?q=trade&source=TASS"))
    answer = client.post("/alarm", data={"q": "trade", "source": ["TASS"], "state": state}, headers=OWN)
    assert answer.status_code == 303
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    return answer.location


def test_the_alarm_is_put_away_until_something_else_cannot_be_read(
    client: FlaskClient, search: FakeSearch
) -> None:
    assert ALARM in page(client, "/?q=trade")
    assert _put_away(client) == "/?q=trade&source=TASS"
    assert "could not be read" not in page(client, "/?q=trade")
    search.failures = (ReadFailure("other.pdf", "it is damaged"),)
    assert ALARM in page(client, "/?q=trade")
    search.failures = ()
    assert "could not be read" not in page(client, "/?q=trade")


def test_another_site_cannot_put_it_away(client: FlaskClient) -> None:
    answer = client.post("/alarm", data={"state": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_nothing_leads_elsewhere(client: FlaskClient) -> None:
    answer = client.post("/alarm", data={"state": "x\r\ny", "q": "//evil.example"}, headers=OWN)
    assert answer.location == "/?q=%2F%2Fevil.example"
