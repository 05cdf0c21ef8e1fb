from __future__ import annotations

from dataclasses import replace

import pytest
from fake_encoder import StandIn
from flask.testing import FlaskClient

from qa.retrieval.searcher import Searcher
from qa.types import Metadata, Query
from qa.web import by_document
from qa.web.api.schemas import responses
from qa.web.by_document import group_by_document, search_documents
from web.fake_search import FakeSearch

QUESTION = Query("rice in the port")


@pytest.fixture(scope="module")
def searcher(large) -> Searcher:
    return Searcher(large, StandIn())


def test_groups_hold_every_hit_once_in_order(searcher: Searcher) -> None:
    hits = searcher.search(replace(QUESTION, k=100)).hits
    groups = group_by_document(hits)
    assert sorted(hit.rank for group in groups for hit in group.hits) == [hit.rank for hit in hits]
    assert [group.rank for group in groups] == list(range(1, len(groups) + 1))
    firsts = [group.hits[0].rank for group in groups]
    assert firsts == sorted(firsts)
    for group in groups:
        assert {hit.passage.document.id for hit in group.hits} == {group.document.id}
        assert [hit.rank for hit in group.hits] == sorted(hit.rank for hit in group.hits)


def test_pages_of_documents_are_parts_of_one_list(searcher: Searcher) -> None:
    _, whole = search_documents(searcher, replace(QUESTION, k=9))
    parts = [search_documents(searcher, replace(QUESTION, k=3, offset=offset))[1] for offset in (0, 3, 6)]
    assert len(whole) == 9
    assert tuple(group for part in parts for group in part) == whole


def test_a_long_document_does_not_hide_the_others(
    search: FakeSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_document, "_DEPTHS", (10, 40))
    search.add("filing.txt", "\n\n".join(f"The zeppelin tax of {n}." for n in range(30)))
    search.add("letter.txt", "A zeppelin.")
    result, groups = search_documents(search, Query("zeppelin tax", k=2))
    assert [group.document.path for group in groups] == ["filing.txt", "letter.txt"]
    assert len(groups[0].hits) == 30
    assert [query.k for query in search.queries] == [10, 40]
    assert result.answerable


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
