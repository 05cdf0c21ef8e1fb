"""A client that follows ``next`` sees every entry of a list once, and ``prev`` leads back."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from qa.web.api.paging import links
from qa.web.api.schemas.requests import MAX_OFFSET
from web.fake_search import FakeSearch


def _follow(client: FlaskClient, address: str, direction: str, member: str) -> list[list[str]]:
    """Return the ids on each page."""
    pages = []
    while address:
        answer = client.get(address).get_json()
        pages.append([entry["id"] for entry in answer[member]])
        address = answer.get(direction)
    return pages


@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize(
    ("address", "name", "member"),
    [
        ("/api/v1/documents?", "limit", "documents"),
        ("/api/v1/search?q=trade+%26+%22Angkor&language=en&language=ru", "k", "results"),
        ("/api/v1/search?q=trade", "limit", "results"),
    ],
)
def test_following_next_leads_through_the_whole_list(
    client: FlaskClient, address: str, name: str, member: str, size: int
) -> None:
    pages = _follow(client, f"{address}&{name}={size}", "next", member)
    entries = [entry for page in pages for entry in page]
    whole = client.get(f"{address}&{name}=100").get_json()
    assert entries == [entry["id"] for entry in whole[member]]
    assert len(set(entries)) == len(entries)
    assert whole.get("next") is None
    assert whole.get("prev") is None
    last = client.get(f"{address}&{name}={size}&offset={len(entries) - 1}").get_json()
    back = _follow(client, last["prev"], "prev", member) if last.get("prev") else []
    assert [entry for page in reversed(back) for entry in page] == entries[:-1]


def test_the_search_offers_no_address_that_it_would_refuse(app: Flask) -> None:
    with app.test_request_context("/api/v1/search?q=a"):
        following = links(10**6, 10, MAX_OFFSET - 10, MAX_OFFSET)["next"]
        assert following == f"/api/v1/search?q=a&limit=10&offset={MAX_OFFSET}"
        assert links(10**6, 10, MAX_OFFSET, MAX_OFFSET)["next"] is None
    assert app.test_client().get(following).status_code == 200


def test_after_the_last_results_there_is_no_next(client: FlaskClient, search: FakeSearch) -> None:
    search.changes = {"total": 100}  # near-duplicates of the results count, too
    assert "next" not in client.get("/api/v1/search?q=trade&k=50").get_json()


def test_by_date_the_relevant_results_are_the_list(client: FlaskClient) -> None:
    answer = client.get("/api/v1/search?q=trade&sort=date&k=1").get_json()
    pages = _follow(client, "/api/v1/search?q=trade&sort=date&k=1", "next", "results")
    assert answer["hits"] == len(pages) < answer["total"]


@pytest.mark.parametrize("ask", ["count=true", "facets=true", "sort=date"])
def test_hits_are_the_relevant_results(client: FlaskClient, ask: str) -> None:
    everything = client.get("/api/v1/search?q=trade&k=100").get_json()
    assert "hits" not in everything
    answer = client.get(f"/api/v1/search?q=trade&k=1&{ask}").get_json()
    assert answer["hits"] == sum(result["relevant"] for result in everything["results"]) > 0


def test_limit_means_what_k_means(client: FlaskClient) -> None:
    by_k = client.get("/api/v1/search?q=trade&k=1").get_json()
    by_limit = client.get("/api/v1/search?q=trade&limit=1").get_json()
    assert by_k["results"] == by_limit["results"]
    posted = client.post("/api/v1/search", json={"q": "trade", "limit": 1}).get_json()
    assert posted["results"] == by_k["results"]
    both = client.get("/api/v1/search?q=trade&limit=1&k=10").get_json()
    assert both["results"] == by_k["results"]
    assert "limit=1" in both["next"]
    assert "k=" not in both["next"]
