"""The feeds of the saved questions, as a feed reader fetches them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.news.changes import Change, Memory
from qa.news.news_file import NAME, Asked, News, NewsFile, write_news


@pytest.fixture
def _news(settings: Settings) -> None:
    settings.index.mkdir(parents=True, exist_ok=True)
    now = "2026-01-01T00:00:00+00:00"
    change = Change(
        "changed", "Trade", "TASS", None, "a.md", None, None, "It is 2.", "It was 1.", "/documents/x"
    )
    asked = {name: Asked("How?", now, Memory("", "", (), ())) for name in ("trade", "quiet")}
    news = News("urn:uuid:1", "trade", "How?", "g", now, (change,))
    write_news(settings.index, NewsFile("g", "", asked, (news,)))


def _entries(feed: str) -> list[ET.Element]:
    return ET.fromstring(feed).findall("{http://www.w3.org/2005/Atom}entry")


@pytest.mark.usefixtures("_news")
def test_a_reader_gets_the_feed_of_a_question_and_nothing_twice(client: FlaskClient) -> None:
    answer = client.get("/feeds/trade.atom")
    assert answer.status_code == 200
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    assert "It is 2." in answer.text
    again = client.get("/feeds/trade.atom", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert len(_entries(answer.text)) == 1
    assert not _entries(client.get("/feeds/quiet.atom").text)


@pytest.mark.usefixtures("_news")
def test_a_question_that_was_not_asked_has_no_feed(client: FlaskClient) -> None:
    assert client.get("/feeds/other.atom").status_code == 404
    assert client.get("/feeds/..%2Fnews.atom").status_code == 404


def test_without_news_there_is_no_feed(client: FlaskClient, settings: Settings) -> None:
    assert not (settings.index / NAME).exists()
    assert client.get("/feeds/trade.atom").status_code == 404
