"""The page of documents: folders, facets, order, names, and what became of the other files."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from qa.config import Settings
from qa.index import generation
from qa.index.store_writer import writing
from qa.indexing import ledger
from qa.types import Metadata, ReadFailure
from web.fake_search import EVIL, FakeSearch
from web.helpers import Tags, page


@pytest.fixture
def shelved(search: FakeSearch) -> FakeSearch:
    """Return a library with folders."""
    for path, year in (("reports/2019/a.txt", 2019), ("reports/2020/b.txt", 2020), ("reports/c.txt", 2020)):
        metadata = Metadata(title=f"Report {year}", source="Bank", published=f"{year}-05-01", language="en")
        search.add(path, "The river grew.", metadata)
    return search


@pytest.fixture
def seen(settings: Settings) -> None:
    """Write a ledger with files that were not read."""
    live = settings.index / "generations" / "20240102-abc"
    live.mkdir(parents=True)
    with writing(live / generation.STORE) as store:
        store.add_failure(
            ReadFailure("secret/plan.pdf", "is not a PDF that can be opened: it needs a password")
        )
        store.add_failure(ReadFailure(f"{EVIL[:9]}.txt".replace("/", ""), "is odd"))
    skipped = [
        ReadFailure("photo.psd", "is of no kind that can be read: .txt"),
        ReadFailure(".git", "is hidden"),
    ]
    ledger.write(settings.index, live, skipped)


def _listed(html: str) -> list[str]:
    return [unescape(path) for path in re.findall(r'<p class="path">(.*?)(?: ·.*)?</p>', html)]


def _link(html: str, name: str) -> str:
    """Return the address of the link that keeps its place by this name."""
    [address] = [
        attributes["href"] for tag, attributes in Tags(html).tags if attributes.get("data-same") == name
    ]
    assert address is not None
    return address


@pytest.mark.usefixtures("shelved")
def test_folders_lead_to_what_they_count(client: FlaskClient) -> None:
    html = page(client, "/documents")
    reports = _link(html, "folder-reports")
    assert ("reports", "3") in re.findall(r'dir="auto">(\w+)</span> <span class="counted">(\d+)', html)
    inner = page(client, reports)
    assert _listed(inner) == ["reports/2019/a.txt", "reports/2020/b.txt", "reports/c.txt"]
    innermost = page(client, _link(inner, "folder-2019"))
    assert _listed(innermost) == ["reports/2019/a.txt"]
    assert len(_listed(page(client, _link(innermost, "folder-")))) == 6


@pytest.mark.usefixtures("shelved")
def test_facets_are_chosen_and_taken_back(client: FlaskClient) -> None:
    chosen = page(client, _link(page(client, "/documents?path=reports"), "year-2020"))
    assert _listed(chosen) == ["reports/2020/b.txt", "reports/c.txt"]
    assert len(_listed(page(client, _link(chosen, "year-2020")))) == 3
    banks = page(client, _link(page(client, "/documents"), "source-Bank"))
    assert len(_listed(banks)) == 3
    both = page(client, _link(banks, "source-TASS"))
    assert len(_listed(both)) == 4
    assert len(_listed(page(client, _link(both, "unfiltered")))) == 6


@pytest.mark.usefixtures("shelved")
def test_words_of_titles_and_the_order_are_kept_together(client: FlaskClient) -> None:
    html = page(client, "/documents?name=REPORT&sort=date")
    assert _listed(html) == ["reports/2020/b.txt", "reports/c.txt", "reports/2019/a.txt"]
    assert (
        _listed(page(client, _link(html, "sort-date")))
        == list(reversed(_listed(html)))[:1] + _listed(html)[:2]
    )
    assert 'value="REPORT"' in html
    assert '<input type="hidden" name="sort" value="date">' in html
    assert "No document matches." in page(client, "/documents?name=xylophone")


@pytest.mark.parametrize("query", ["sort=colour", "from=yesterday", "from=2020-01-02&to=2020-01-01"])
def test_impossible_parameters_are_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/documents?{query}").status_code == 422


@pytest.mark.usefixtures("seen")
def test_files_that_were_not_read_say_what_to_do(client: FlaskClient) -> None:
    html = page(client, "/documents?state=failed")
    assert "Remove the password and save it again." in html
    assert "it needs a password" in html
    assert "<script>alert" not in html
    assert "secret/plan.pdf" in _listed(html)
    assert _listed(page(client, "/documents?state=failed&name=PLAN")) == ["secret/plan.pdf"]
    assert _listed(page(client, _link(html, "tab-skipped"))) == [".git", "photo.psd"]
    assert "None." in page(client, "/documents?state=partly")
    russian = client.get("/documents?state=failed", headers={"Accept-Language": "ru"})
    assert "Снимите пароль" in russian.get_data(as_text=True)


@pytest.mark.usefixtures("seen")
def test_tabs_count_the_files(client: FlaskClient) -> None:
    counts = re.findall(r'data-same="tab-(\w+)".*?counted">(\d+)', page(client, "/documents"))
    assert counts == [("indexed", "3"), ("partly", "0"), ("failed", "2"), ("skipped", "2")]


@pytest.mark.parametrize("state", ["zzz", "gone", "Failed", EVIL])
def test_an_unknown_state_is_refused_as_the_api_refuses_it(client: FlaskClient, state: str) -> None:
    shown = client.get("/documents", query_string={"state": state})
    assert shown.status_code == client.get("/api/v1/files?state=zzz").status_code == 422
    said = "<code>state</code>: must be 'indexed', 'partly', 'failed' or 'skipped'"
    assert said in shown.text.replace("&#39;", "'")


@pytest.mark.parametrize("state", ["", "indexed"])
def test_the_files_that_were_read_are_listed_by_default(client: FlaskClient, state: str) -> None:
    assert _listed(page(client, f"/documents?state={state}")) == _listed(page(client, "/documents"))
