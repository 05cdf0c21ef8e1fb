"""A recorded search asked again after documents moved, changed and went: every verdict is right."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from corpus import WORDS, write
from fake_encoder import StandIn

from qa.config import Settings
from qa.index import generation
from qa.indexing.build import build
from qa.records.replay import Place, replay
from qa.records.search_record import SearchRecord, checksum_of, read_record, record_of, write_record
from qa.results.arrangement import PLAIN, Arrangement, arrange
from qa.retrieval.searcher import Searcher
from qa.types import Grouping, Query, Sort

_SEARCHES = 100
_NEW = " ".join(
    f"Planet number {n} has {n} moons and {n + 1} craters, said the keeper of the telescope."
    for n in range(3)
)
"""A paragraph that shares few words with all others."""


def _write_documents(folder: Path) -> Path:
    """Write 60 documents of five paragraphs, each long enough to be a passage of its own."""
    chance = random.Random(7)
    for number in range(60):
        paragraphs = [
            " ".join(f"{' '.join(chance.choices(WORDS, k=11)).capitalize()}." for _ in range(4))
            for _ in range(5)
        ]
        write(folder, {f"{'ab'[number % 2]}/{number:02}.md": "\n\n".join(paragraphs) + "\n"})
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(docs=_write_documents(tmp_path / "docs"), index=tmp_path / "index")


def _built(settings: Settings) -> Searcher:
    build(settings, StandIn())
    return Searcher(generation.load(generation.current(settings.index)), StandIn())


def _record(search: Searcher, question: str, path: Path, k: int = 10) -> SearchRecord:
    write_record(record_of(search.search(Query(question, k=k)), Settings()), path)
    return read_record(path)


def _change(docs: Path) -> dict[tuple[str, str], str]:
    """Move, change and remove twenty documents; return what became of their paragraphs.

    The key is the path before and the paragraph. What is not there is the same.
    """
    paths = sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))
    chosen = random.Random(3).sample(paths, 20)
    truth: dict[tuple[str, str], str] = {}
    for number, name in enumerate(chosen):
        path = docs / name
        paragraphs = path.read_text("utf-8").strip().split("\n\n")
        fates = ["same"] * len(paragraphs)
        new = list(paragraphs)
        match number % 4:
            case 0:  # renamed
                path.rename(path.with_name(f"renamed-{path.name}"))
                fates = ["moved"] * len(paragraphs)
            case 1:  # removed
                path.unlink()
                fates = ["gone"] * len(paragraphs)
            case 2:  # a paragraph before all others
                new.insert(0, _NEW)
                fates = ["moved"] * len(paragraphs)
            case 3:  # one reworded, the next replaced by something longer, so that the rest moves
                first, *others = paragraphs[1].split(" ")
                new[1] = " ".join([first, *others[:-2], "entirely", "reworded."])
                new[2] = f"{_NEW} {_NEW}"
                fates = ["same", "altered", "gone", "moved", "moved"]
        if number % 4 >= 2:
            path.write_text("\n\n".join(new), "utf-8")
        truth |= {(name, text): fate for text, fate in zip(paragraphs, fates, strict=True)}
    return truth


def test_every_verdict_of_a_hundred_records_is_right(settings: Settings, tmp_path: Path) -> None:
    search = _built(settings)
    chance = random.Random(5)
    records = [
        _record(search, " ".join(chance.sample(WORDS, 3)), tmp_path / f"{number}.json")
        for number in range(_SEARCHES)
    ]
    truth = _change(settings.docs)
    search = _built(settings)
    seen: Counter[str] = Counter()
    for record in records:
        replayed = replay(record, search)
        known = [outcome for outcome in replayed.outcomes if outcome.recorded]
        assert [outcome.recorded for outcome in known] == list(record.results)
        for outcome in known:
            recorded = outcome.recorded
            assert outcome.verdict == truth.get((recorded.path, recorded.text), "same"), recorded
            if outcome.verdict in ("same", "moved"):
                assert (
                    outcome.place.span.slice(search.library.text(outcome.place.document.id)) == recorded.text
                )
        hits = {hit.rank: hit for hit in replayed.result.hits}
        ranks = [outcome.rank for outcome in replayed.outcomes if outcome.rank]
        assert sorted(ranks) == sorted(hits)
        for outcome in replayed.outcomes:
            if outcome.rank:
                hit = hits[outcome.rank]
                assert any(outcome.place.overlaps(each) for each in (hit.passage, *hit.duplicates))
        seen.update(outcome.verdict for outcome in replayed.outcomes)
    assert set(seen) == {"same", "moved", "altered", "gone", "new"}


def test_nothing_changes_where_nothing_changed(settings: Settings, tmp_path: Path) -> None:
    search = _built(settings)
    replayed = replay(_record(search, "rice and rubber", tmp_path / "r.json"), search)
    assert replayed.is_unchanged
    assert {outcome.verdict for outcome in replayed.outcomes} == {"same"}


def test_a_paragraph_that_went_to_another_document_has_moved(tmp_path: Path) -> None:
    paragraph = " ".join(
        f"The council for development met for the {n}th time and named a head of its bureau of bridges."
        for n in range(3)
    )
    docs = write(tmp_path / "docs", {"a.txt": f"{paragraph}\n\n{_NEW}\n", "b.txt": f"{_NEW} Again.\n"})
    settings = Settings(docs=docs, index=tmp_path / "index")
    record = _record(_built(settings), "Who leads the bureau of bridges?", tmp_path / "r.json", k=1)
    assert record.results[0].text == paragraph
    write(docs, {"a.txt": f"{_NEW}\n", "b.txt": f"{_NEW} Again.\n\n{paragraph}\n"})
    [outcome] = replay(record, _built(settings)).outcomes
    assert outcome.verdict == "moved"
    assert isinstance(outcome.place, Place)
    assert outcome.place.document.path == "b.txt"
    assert outcome.rank == 1


_ARRANGEMENTS = [
    Arrangement(sort, group, relevant_only=relevant_only)
    for sort in Sort
    for group in Grouping
    for relevant_only in (False, True)
]


@pytest.mark.parametrize("arrangement", _ARRANGEMENTS, ids=str)
def test_a_search_is_asked_again_as_it_was_listed(
    settings: Settings, tmp_path: Path, arrangement: Arrangement
) -> None:
    for number, path in enumerate(sorted(settings.docs.rglob("*.md"))):
        text = path.read_text("utf-8")
        path.write_text(f"---\ndate: 20{number:02}-01-01\n---\n\n{text}", "utf-8")
    search = _built(settings)
    query = Query("rice and rubber", k=4, offset=2)
    result, _ = arrange(search, query, arrangement)
    assert result.hits
    path = tmp_path / "r.json"
    write_record(record_of(result, Settings(), arrangement), path)
    record = read_record(path)
    assert record.arrangement == arrangement
    assert [recorded.text for recorded in record.results] == [hit.passage.text for hit in result.hits]
    assert {recorded.rank for recorded in record.results} == {3, 4, 5, 6}
    replayed = replay(record, search)
    assert replayed.is_unchanged
    assert {outcome.verdict for outcome in replayed.outcomes} == {"same"}


def test_a_document_with_a_newer_date_changes_the_ranks_by_date(tmp_path: Path) -> None:
    chance = random.Random(1)
    texts = [f"The telescope saw {' '.join(chance.choices(WORDS, k=30))}." for _ in range(3)]
    dated = {f"{n}.md": f"---\ndate: 201{n}-01-01\n---\n\n{text}\n" for n, text in enumerate(texts)}
    docs = write(tmp_path / "docs", dated)
    settings = Settings(docs=docs, index=tmp_path / "index")
    search = _built(settings)
    arrangement = Arrangement(Sort.DATE, Grouping.DOCUMENT)
    result, _ = arrange(search, Query("The telescope saw"), arrangement)
    write_record(record_of(result, Settings(), arrangement), tmp_path / "r.json")
    record = read_record(tmp_path / "r.json")
    assert record.results[0].path == "2.md"
    oldest = docs / "0.md"
    oldest.write_text(oldest.read_text("utf-8").replace("2010", "2020"), "utf-8")
    replayed = replay(record, _built(settings))
    assert not replayed.is_unchanged
    assert replayed.result.hits[0].passage.document.path == "0.md"
    assert all(outcome.verdict == "same" for outcome in replayed.outcomes)


def test_a_record_without_an_arrangement_is_asked_for_the_best_passages(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "r.json"
    _record(_built(settings), "rice and rubber", path)
    content = json.loads(path.read_text("utf-8"))
    for name in ("sort", "group", "relevant_only"):
        del content[name]
    path.write_text(json.dumps(content | {"checksum": checksum_of(content)}), "utf-8")
    assert read_record(path).arrangement == PLAIN
