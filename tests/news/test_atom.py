"""The feed: well-formed, complete as RFC 4287 asks, whatever stands in the documents."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from qa.news.atom import feed
from qa.news.changes import Change, Memory
from qa.news.news_file import Asked, News

_NAMES = {"a": "http://www.w3.org/2005/Atom"}
_ROOT = "http://127.0.0.1:8000/"

changes = st.builds(
    Change,
    kind=st.sampled_from(("new", "better", "changed", "gone")),
    title=st.text(),
    source=st.none() | st.text(),
    published=st.none(),
    path=st.text(),
    row=st.none(),
    page=st.none() | st.integers(1, 9),
    quotation=st.none() | st.text(),
    before=st.none() | st.text(),
    link=st.none() | st.just("/documents/0123456789abcdef?start=1&end=2#passage"),
)


def _feed(question: str, *news: News) -> ET.Element:
    asked = Asked(question, "2026-01-01T00:00:00+00:00", Memory("", "", (), ()))
    return ET.fromstring(feed("trade", asked, news, _ROOT))


def _news(number: int, *found: Change) -> News:
    created = f"2026-01-0{number}T00:00:00+00:00"
    return News(f"urn:uuid:{number}", "trade", "How?", f"g{number}", created, found)


@given(st.text(), st.lists(changes, min_size=1, max_size=3))
def test_any_text_makes_a_well_formed_feed(question: str, found: list[Change]) -> None:
    entry = _feed(question, _news(1, *found)).find("a:entry", _NAMES)
    assert entry is not None
    for name in ("id", "title", "updated", "content"):
        assert entry.find(f"a:{name}", _NAMES) is not None
    assert len(entry.findall("a:link", _NAMES)) <= 1


def test_markup_of_documents_stays_text() -> None:
    evil = "<script>alert(1)</script>"
    change = Change(
        "changed", evil, evil, None, "a.md", None, 2, evil, evil, "/documents/x?start=1&end=2#passage"
    )
    content = _feed("How?", _news(1, change)).findtext("a:entry/a:content", "", _NAMES)
    assert "<script" not in content
    assert content.count("&lt;script&gt;") == 4
    assert f'<a href="{_ROOT}documents/x?start=1&amp;end=2#passage">' in content


def test_the_latest_news_comes_first_and_the_feed_names_itself() -> None:
    change = Change("gone", "Trade", None, None, "a.md", None, None, None, "It was.", None)
    parsed = _feed("How?", _news(1, change), _news(2, change))
    assert [entry.text for entry in parsed.findall("a:entry/a:id", _NAMES)] == ["urn:uuid:2", "urn:uuid:1"]
    link = parsed.find("a:link", _NAMES)
    assert link is not None
    assert link.attrib["href"] == parsed.findtext("a:id", "", _NAMES) == f"{_ROOT}feeds/trade.atom"


def test_a_feed_without_news_is_valid() -> None:
    parsed = _feed("How?")
    assert parsed.findtext("a:updated", "", _NAMES)
    assert not parsed.findall("a:entry", _NAMES)
