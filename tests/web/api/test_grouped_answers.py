"""Results by document, as the API returns them."""

from __future__ import annotations

from flask.testing import FlaskClient

from qa.types import Metadata
from qa.web.api.schemas import responses
from web.fake_search import FakeSearch


def test_the_api_returns_documents_with_their_passages(client: FlaskClient, search: FakeSearch) -> None:
    search.add("a.txt", "The zeppelin landed.\n\nThe zeppelin rose.", Metadata(published="2019-01-01"))
    search.add("b.txt", "A zeppelin sank.", Metadata(published="2020-01-01"))
    fields = {"q": "zeppelin landed", "k": 2, "group": "document"}
    answer = client.post("/api/v1/search", json=fields).get_json()
    linked = client.get("/api/v1/search", query_string=fields).get_json()
    assert linked.pop("next").endswith("&offset=2")
    assert answer == linked
    responses.SearchAnswer.model_validate(answer, strict=True, extra="forbid")
    assert [result["document"]["path"] for result in answer["results"]] == ["a.txt", "b.txt"]
    first, second = answer["results"]
    assert [passage["text"] for passage in first["passages"]] == [
        "The zeppelin landed.",
        "The zeppelin rose.",
    ]
    assert first["passages"][0] == {name: value for name, value in first.items() if name != "passages"}
    assert second["rank"] == 2
    flat = client.get("/api/v1/search", query_string=fields | {"group": "passage"}).get_json()
    assert answer["total"] == flat["total"]
    assert "passages" not in flat["results"][0]


def test_documents_can_be_sorted_by_date_and_paged_with_facets(
    client: FlaskClient, search: FakeSearch
) -> None:
    for year in (2018, 2020, 2019):
        text = f"The zeppelin of {year} landed.\n\nThe zeppelin of {year} rose."
        search.add(f"{year}.txt", text, Metadata(published=f"{year}-01-01"))
    fields = {"q": "the zeppelin", "group": "document", "sort": "date", "k": 1, "facets": "true"}
    for offset, year in enumerate((2020, 2019, 2018)):
        answer = client.get("/api/v1/search", query_string=fields | {"offset": offset}).get_json()
        responses.SearchAnswer.model_validate(answer, strict=True, extra="forbid")
        assert [result["document"]["path"] for result in answer["results"]] == [f"{year}.txt"]
        assert answer["facets"]["results"] >= 6


def test_another_group_is_refused(client: FlaskClient) -> None:
    assert client.get("/api/v1/search?q=a&group=folder").status_code == 422
