from __future__ import annotations

from dataclasses import replace

import pytest
from fake_encoder import StandIn
from web.fake_search import FakeSearch

from qa.results import by_document
from qa.results.by_document import group_by_document, search_documents
from qa.retrieval.searcher import Searcher
from qa.types import Query

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
