"""What a record keeps, and how a changed one is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_encoder import StandIn
from hypothesis import given
from hypothesis import strategies as st

from qa.config import Settings
from qa.errors import QuestionsError
from qa.index import generation
from qa.records.search_record import checksum_of, read_record, record_of, write_record
from qa.retrieval.searcher import Searcher
from qa.types import Filters, Mode, Query

QUERY = Query(
    "Rice from Battambang?",
    k=3,
    mode=Mode.LEXICAL,
    filters=Filters(path=("trade.md",), date_from="2019-01-01"),
    verbatim=True,
)


@pytest.fixture
def recorded(built: Path, tmp_path: Path):
    result = Searcher(generation.load(built), StandIn()).search(QUERY)
    path = tmp_path / "record.json"
    write_record(record_of(result, Settings(reranker="some-reranker")), path)
    return result, path


def test_a_record_has_the_query_and_every_result(recorded) -> None:
    result, path = recorded
    record = read_record(path)
    assert record.query == QUERY
    assert (record.generation, record.model) == (result.index.generation, result.index.model)
    assert record.reranker == "some-reranker"
    assert [(each.path, each.span, each.text, each.sha256) for each in record.results] == [
        (hit.passage.document.path, hit.passage.span, hit.passage.text, hit.passage.document.sha256)
        for hit in result.hits
    ]
    assert record.results


def test_a_record_is_never_replaced(recorded) -> None:
    _, path = recorded
    with pytest.raises(QuestionsError, match="a record is never replaced"):
        write_record({}, path)


@pytest.mark.parametrize("name", ["question", "k", "results", "index", "filters", "qa_version"])
def test_a_changed_record_is_noticed(recorded, name: str) -> None:
    _, path = recorded
    content = json.loads(path.read_text("utf-8"))
    content[name] = "changed"
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(QuestionsError, match="its checksum does not fit"):
        read_record(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"checksum": 1}', "not json", "[" * 100_000])
def test_another_file_is_no_record(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, "utf-8")
    with pytest.raises(QuestionsError, match=r"other\.json is not"):
        read_record(path)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), _VALUES))
def test_the_checksum_depends_on_the_content_alone(content) -> None:
    shuffled = dict(reversed(json.loads(json.dumps(content)).items()))
    assert checksum_of(shuffled) == checksum_of(content | {"checksum": "anything"})
    assert checksum_of(content | {"another": 1}) != checksum_of(content | {"another": 2})
