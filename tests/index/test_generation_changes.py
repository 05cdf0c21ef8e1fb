"""What changed from one generation to the next."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus import DOCUMENTS, write
from fake_encoder import StandIn

from qa.config import Settings
from qa.errors import IndexUnavailableError
from qa.index import generation
from qa.index.generation_changes import DocumentChange, PassageCounts, compare_generations
from qa.indexing.build import build


def _build(settings: Settings) -> generation.Generation:
    build(settings, StandIn())
    return generation.load(generation.current(settings.index))


def _by_path(changes: list[DocumentChange]) -> dict[str, DocumentChange]:
    return {change.document.path: change for change in changes}


@pytest.fixture
def earlier(settings: Settings) -> generation.Generation:
    return _build(settings)


def test_documents_are_added_changed_moved_and_removed(settings: Settings, earlier) -> None:
    docs = settings.docs
    write(docs, {"new.txt": "The bridge over the river was opened in spring, the ministry said.\n"})
    (docs / "trade.md").rename(docs / "turnover.md")
    (docs / "ru/visit.txt").unlink()
    text = (docs / "envoy.txt").read_bytes().decode()
    write(docs, {"envoy.txt": text.replace("ninety students", "a hundred students").encode()})
    changes = compare_generations(earlier, _build(settings))
    assert [change.document.path for change in changes] == [
        "envoy.txt",
        "new.txt",
        "ru/visit.txt",
        "turnover.md",
    ]
    by_path = _by_path(changes)
    assert by_path["envoy.txt"].change == "changed"
    assert by_path["envoy.txt"].passages == PassageCounts(changed=1)
    assert by_path["new.txt"].passages == PassageCounts(added=1)
    assert by_path["ru/visit.txt"].change == "removed"
    assert by_path["ru/visit.txt"].passages == PassageCounts(removed=1)
    assert (by_path["turnover.md"].change, by_path["turnover.md"].former_path) == ("moved", "trade.md")
    assert by_path["turnover.md"].passages == PassageCounts()


def test_a_new_sidecar_changes_a_document_but_no_passage(settings: Settings, earlier) -> None:
    write(settings.docs, {"ru/visit.txt.meta.toml": 'source = "РИА"\npublished = 2017-11-10\n'})
    [change] = compare_generations(earlier, _build(settings))
    assert (change.change, change.document.path, change.passages) == (
        "changed",
        "ru/visit.txt",
        PassageCounts(),
    )


def test_rows_are_told_apart(settings: Settings, earlier) -> None:
    rows = DOCUMENTS["notes/people.jsonl"].replace("in December", "in January")
    write(settings.docs, {"notes/people.jsonl": rows})
    changes = compare_generations(earlier, _build(settings))
    assert {(change.change, change.document.row) for change in changes} >= {("changed", "hun")}
    assert sum((change.passages for change in changes), PassageCounts()) == PassageCounts(changed=1)


def test_nothing_changes_from_a_generation_to_itself(earlier) -> None:
    assert compare_generations(earlier, earlier) == []


def test_generations_go_by_the_beginning_of_their_names(built: Path, settings: Settings) -> None:
    assert generation.named(settings.index, built.name) == built
    assert generation.named(settings.index, built.name[:10]) == built
    for name in ("", "nothing", "../generations"):
        with pytest.raises(
            IndexUnavailableError, match=f"no generation {name!r}; its generations: {built.name}"
        ):
            generation.named(settings.index, name)
