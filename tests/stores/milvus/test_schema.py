"""The names of collections, and what a layout allows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import BuildError
from qa.stores.milvus import schema
from qa.stores.milvus.schema import (
    KINDS,
    PASSAGES,
    SENTENCES,
    TERMS,
    Layout,
    collection,
    generation_of,
    has_sparse,
    is_ours,
    known,
    vector_field,
)

LAYOUT = Layout(dimension=48, sentences=100, sparse=True, document=1, record=1, light=1, heavy=1)


@given(st.from_regex(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}", fullmatch=True), st.sampled_from(KINDS))
def test_a_collection_is_named_after_its_generation(name: str, kind: str) -> None:
    assert generation_of(collection(name, kind)) == name
    assert is_ours(collection(name, kind))


@pytest.mark.parametrize("name", ["", "parts", "qa2_x", "other_qa2_x_parts", "qa2_x_parts_more", "qa_live"])
def test_other_collections_are_left_alone(name: str) -> None:
    assert not is_ours(name)
    assert generation_of(name) is None


def test_a_collection_of_another_version_is_ours_but_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    older = collection("one", PASSAGES)
    monkeypatch.setattr(schema, "FORMAT", schema.FORMAT + 1)
    assert is_ours(older)
    assert generation_of(older) is None


def test_the_terms_are_there_only_for_sparse_vectors() -> None:
    assert LAYOUT.kinds == KINDS
    assert TERMS not in replace(LAYOUT, sparse=False).kinds


def test_many_sentences_are_searched_through_an_index() -> None:
    assert LAYOUT.search == {}
    assert replace(LAYOUT, sentences=10**6).search == {"nprobe": 64}
    assert schema._index(SENTENCES, LAYOUT)[1]["index_type"] == "FLAT"
    assert schema._index(SENTENCES, replace(LAYOUT, sentences=10**6))[1]["index_type"] == "IVF_SQ8"


def test_every_collection_has_one_field_of_vectors() -> None:
    assert {kind: vector_field(kind, LAYOUT) for kind in KINDS} == {
        "parts": "unused", "documents": "unused", "passages": "gains", "sentences": "vector",
        "terms": "unused",
    }  # fmt: skip
    assert vector_field(PASSAGES, replace(LAYOUT, sparse=False)) == "unused"


def test_a_passage_that_does_not_fit_a_row_is_refused() -> None:
    LAYOUT.check()
    with pytest.raises(BuildError, match="too long for a Milvus"):
        replace(LAYOUT, heavy=60).check()


def test_what_is_known_differs_from_what_is_not() -> None:
    assert known(None) == ""
    assert known("") == "="
    assert known("x" * 2000) == "=" + "x" * 999


@pytest.mark.parametrize(
    ("version", "sparse"),
    [("v2.3.9", False), ("v2.4.0", True), ("2.10-lite", True), ("3.0", True), ("?", False)],
)
def test_the_version_decides_on_sparse_vectors(version: str, sparse: bool) -> None:  # noqa: FBT001
    class Client:
        def call(self, name: str) -> str:
            assert name == "get_server_version"
            return version

    assert has_sparse(Client()) is sparse
