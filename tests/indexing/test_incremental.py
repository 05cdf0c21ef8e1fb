"""What is taken over from the live generation is what would be made anew, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_encoder import StandIn

from qa.config import Settings
from qa.index.generation import Generation
from qa.indexing.documents import passage_input, vector_key
from qa.indexing.encoding import encode
from qa.indexing.incremental import Previous, made_with, reason_to_build
from qa.types import ReadFailure, SourceFile

MADE_WITH = made_with(StandIn(), "auto")
OTHER_READERS = MADE_WITH | {"readers": "others"}
OTHER_MODEL = MADE_WITH | {"encoder": "another"}


@pytest.fixture
def previous(large: Generation, settings: Settings) -> Previous:
    return Previous(large, MADE_WITH, settings.index)


def test_vectors_taken_over_are_those_that_would_be_made(large: Generation, previous: Previous) -> None:
    (document,) = large.store.stored("a/10.md")
    inputs = [passage_input(document, passage) for passage in document.passages]
    assert document.keys == tuple(map(vector_key, inputs))
    batch = list(zip(document.keys, inputs, strict=True))
    for key, expected in zip(document.keys, encode(StandIn(), previous.projection, batch), strict=True):
        known = previous.look_up(key)
        assert isinstance(known, int)
        vectors = previous.vectors(known)
        np.testing.assert_allclose(vectors.passage, expected.passage, atol=1e-4)
        np.testing.assert_allclose(vectors.sentences, expected.sentences, atol=1e-4)
        np.testing.assert_array_equal(vectors.tokens, expected.tokens)
        assert list(vectors.token_counts) == list(expected.token_counts)
    assert previous.look_up("of no passage") is None


def test_files_are_unchanged_only_if_all_that_shapes_documents_is(
    large: Generation, previous: Previous, settings: Settings
) -> None:
    file = large.store.files()["a/10.md"]
    assert previous.is_unchanged(file)
    assert not previous.is_unchanged(replace(file, sha256="0" * 64))
    assert not previous.is_unchanged(SourceFile("new.txt", file.sha256))
    assert not Previous(large, OTHER_READERS, settings.index).is_unchanged(file)
    assert not Previous(None, MADE_WITH, settings.index).is_unchanged(file)


def test_another_reader_keeps_vectors_another_model_none(large: Generation, settings: Settings) -> None:
    key = large.store.vector_keys()[0]
    assert Previous(large, OTHER_READERS, settings.index).look_up(key) == 0
    other = Previous(large, OTHER_MODEL, settings.index)
    assert (other.look_up(key), other.projection) == (None, None)


def test_departing_vectors_are_known_from_the_cache(
    large: Generation, previous: Previous, settings: Settings
) -> None:
    from qa.index.store_writer import writing

    settings.index.mkdir()
    kept, gone = (next(large.store.stored(path)) for path in ("a/10.md", "a/12.md"))
    with writing(settings.index / "new.sqlite") as store:
        store.add(kept)
    previous.keep_departing(settings.index / "new.sqlite")
    later = Previous(large, MADE_WITH, settings.index)
    later._rows.clear()  # as if no generation had them
    for key in gone.keys:
        np.testing.assert_array_equal(
            later.look_up(key).passage, previous.vectors(previous.look_up(key)).passage
        )
    assert [later.look_up(key) for key in kept.keys] == [None] * len(kept.keys)


def test_stored_documents_come_with_the_failures_that_are_still_true(built, settings: Settings) -> None:
    from qa.index import generation

    previous = Previous(generation.load(built), MADE_WITH, settings.index)
    path = "notes/people.jsonl"
    for within_reach in (True, False):
        *documents, failure = previous.documents(path, within_reach=within_reach)
        assert [stored.document.row for stored in documents] == ["sok", "hun"]
        assert failure == ReadFailure(path, "has no text", "bad")
    assert list(Previous(None, MADE_WITH, settings.index).documents(path, within_reach=True)) == []


def test_the_reason_to_build(large: Generation) -> None:
    files = list(large.store.files().values())
    assert reason_to_build(None, MADE_WITH, files, []) == "there was no readable index"
    assert reason_to_build(large, MADE_WITH, files, []) is None
    assert reason_to_build(large, MADE_WITH, files[2:], []) == "files: 0 new, 0 changed, 2 gone"
    altered = [replace(files[0], sha256="0" * 64), SourceFile("new.txt", "1" * 64), *files[1:]]
    assert reason_to_build(large, MADE_WITH, altered, []) == "files: 1 new, 1 changed, 0 gone"
    failures = [ReadFailure("x.pdf", "is broken")]
    assert reason_to_build(large, MADE_WITH, files, failures) == "other files than before cannot be read"
    both = OTHER_READERS | {"encoder": "another"}
    assert reason_to_build(large, both, files, []) == (
        "full rebuild: the model is another one; this version reads files in another way"
    )
