"""Hundreds of bad files in one folder: each comes to what it should, and none takes anything else with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from bad_input import Case, cases, write_all
from corpus import DOCUMENTS, write
from fake_encoder import StandIn

from qa.config import Settings
from qa.index import generation
from qa.index.store import Store
from qa.indexing import ledger
from qa.indexing.build import build
from qa.indexing.ledger import Entry


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        found = cases(quick=not metafunc.config.getoption("--slow"))
        metafunc.parametrize("case", found, ids=lambda case: ascii(case.path)[1:60])


@dataclass
class Outcome:
    """What the ledger and the index hold in the end."""

    entries: dict[str, Entry]
    store: Store
    seconds: float


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Outcome:
    root = tmp_path_factory.mktemp("bad")
    settings = Settings(
        docs=write(root / "docs", DOCUMENTS), index=root / "index", read_seconds=2, read_memory=1024
    )
    write_all(settings.docs, cases(quick=not request.config.getoption("--slow")))
    report = build(settings, StandIn())
    generation.verify(generation.current(settings.index))
    ledger.verify(settings.index)
    found = generation.load(generation.current(settings.index))
    entries = {entry.path: entry for entry in ledger.entries(settings.index)}
    return Outcome(entries, found.store, report.seconds)


def test_there_are_more_than_three_hundred() -> None:
    assert len({case.path for case in cases(quick=False)}) >= 300


def test_a_bad_file_comes_to_what_it_should(outcome: Outcome, case: Case) -> None:
    entry = outcome.entries[case.path]
    assert entry.state in case.states, entry
    if entry.state == "failed":
        assert entry.reason
        assert "Traceback" not in entry.reason
        assert re.search(case.reason, entry.reason), entry.reason
    documents = list(outcome.store.stored(case.path))
    assert bool(documents) == (entry.state in {"indexed", "partly"})
    for stored in documents:
        assert "root:x:0:0" not in stored.text
        assert "hahahahahaha" not in stored.text
    if case.text is not None:
        (stored,) = documents
        assert stored.text == case.text.removeprefix("\ufeff")


def test_the_good_files_are_as_ever(outcome: Outcome) -> None:
    for path in DOCUMENTS:
        if not path.endswith(".toml"):
            assert outcome.entries[path].state == ("partly" if path == "notes/people.jsonl" else "indexed")
    assert outcome.seconds < 240


def test_nothing_was_written_beside_the_index(outcome: Outcome) -> None:
    assert not Path("/etc/abs").exists()
