"""The ledger: every file ever seen is in it, with what became of it, why, and since when."""

from __future__ import annotations

import os
import sqlite3
import threading
from dataclasses import replace

import pytest
from corpus import write
from fake_encoder import StandIn

from qa.config import Settings
from qa.errors import BuildError, CorruptIndexError
from qa.index import generation
from qa.indexing import ledger
from qa.indexing.build import build
from qa.types import ReadFailure


def _states(settings: Settings) -> dict[str, tuple[str, str | None]]:
    return {entry.path: (entry.state, entry.reason) for entry in ledger.entries(settings.index)}


@pytest.fixture
def filled(settings: Settings) -> Settings:
    write(
        settings.docs,
        {
            "empty.txt": "",
            "photo.psd": b"\xff\xd8",
            ".hidden.txt": "x",
            ".git/config": "x",
            "lonely.txt.meta.toml": 'title = "x"',
            "doubt.md": "---\ndate: 03/07/2019\n---\n\nA text with a doubtful date.",
            "rows.jsonl": '{"text": "One."}\n{}\n{}\n[]\n',
            "none.jsonl": "{}\n",
        },
    )
    build(settings, StandIn())
    return settings


def test_one_file_is_looked_up_with_the_time_of_the_check(filled: Settings) -> None:
    entry, checked = ledger.entry(filled.index, "none.jsonl")
    assert (entry.state, entry.reason) == ("failed", "row 1 has no text")
    assert checked == ledger.summary(filled.index).checked
    assert ledger.entry(filled.index, "nowhere.txt") == (None, checked)
    assert ledger.entry(filled.docs, "none.jsonl") == (None, "")


def test_every_file_is_there_with_its_reason(filled: Settings) -> None:
    found = _states(filled)
    assert found["trade.md"] == found["ru/visit.txt"] == ("indexed", None)
    assert found["notes/people.jsonl"] == ("partly", "row bad has no text")
    assert found["rows.jsonl"] == ("partly", "row 2 has no text (and 2 more)")
    assert found["none.jsonl"] == ("failed", "row 1 has no text")
    assert found["empty.txt"] == ("failed", "holds no text")
    assert found["doubt.md"][0] == "partly"
    assert "date '03/07/2019' was ignored" in found["doubt.md"][1]
    assert found["photo.psd"] == ("skipped", "is of no kind that can be read")
    assert found[".hidden.txt"] == found[".git"] == ("skipped", "is hidden: its name begins with a dot")
    assert found["lonely.txt.meta.toml"] == ("skipped", "describes a file that is not there")
    assert "ru/visit.txt.meta.toml" not in found
    assert ".git/config" not in found
    assert len(found) == 12


def test_files_of_a_state_are_found_by_words_of_their_paths(filled: Settings) -> None:
    total, found = ledger.find(filled.index, "skipped", "", limit=2, offset=1)
    assert (total, [entry.path for entry in found]) == (4, [".hidden.txt", "lonely.txt.meta.toml"])
    total, found = ledger.find(filled.index, "skipped", "TXT hidden", limit=9, offset=0)
    assert (total, [entry.path for entry in found]) == (1, [".hidden.txt"])
    assert ledger.find(filled.index, "gone", "", limit=9, offset=0) == (0, [])
    (filled.index / ledger.NAME).unlink()
    assert ledger.find(filled.index, "skipped", "", limit=9, offset=0) == (0, [])


def test_rows_that_are_not_named_are_counted(settings: Settings) -> None:
    write(settings.docs, {"rows.jsonl": '{"text": "One."}\n' + "{}\n" * 1_000})
    build(settings, StandIn())
    assert _states(settings)["rows.jsonl"] == ("partly", "row 2 has no text (and 999 more)")


def test_the_summary_counts_them(filled: Settings) -> None:
    summary = ledger.summary(filled.index)
    assert summary.generation == generation.current(filled.index).name
    assert summary.counts == {"indexed": 3, "partly": 3, "failed": 2, "skipped": 4, "gone": 0}
    assert [entry.path for entry in ledger.entries(filled.index, "failed")] == ["empty.txt", "none.jsonl"]
    assert [entry.path for entry in ledger.entries(filled.index, "failed", limit=1, offset=1)] == [
        "none.jsonl"
    ]


def _date(settings: Settings, when: str) -> None:
    """Let everything have been so since long ago."""
    with sqlite3.connect(settings.index / ledger.NAME) as db:
        db.execute("UPDATE files SET since = ?", (when,))
    db.close()
    path = settings.index / ledger.NAME
    os.truncate(path, path.stat().st_size // 4096 * 4096)
    ledger._seal(path)


def test_the_time_is_that_of_the_last_change(filled: Settings) -> None:
    _date(filled, "2001-01-01T00:00:00+00:00")
    (filled.docs / "trade.md").unlink()
    write(filled.docs, {"empty.txt": "No longer.", "new.txt": "A new one.", "b.psd": b"x"})
    build(filled, StandIn())
    changed = {e.path: e.state for e in ledger.entries(filled.index) if not e.since.startswith("2001")}
    assert changed == {"trade.md": "gone", "empty.txt": "indexed", "new.txt": "indexed", "b.psd": "skipped"}
    _date(filled, "2002-01-01T00:00:00+00:00")
    build(filled, StandIn())
    assert all(entry.since.startswith("2002") for entry in ledger.entries(filled.index))
    write(filled.docs, {"trade.md": "It is back."})
    build(filled, StandIn())
    (back,) = (e for e in ledger.entries(filled.index) if not e.since.startswith("2002"))
    assert (back.path, back.state) == ("trade.md", "indexed")


def test_a_file_that_is_passed_over_makes_no_new_generation(filled: Settings) -> None:
    live = generation.current(filled.index)
    write(filled.docs, {"more.psd": b"x"})
    assert not build(filled, StandIn()).changed
    assert generation.current(filled.index) == live
    assert _states(filled)["more.psd"][0] == "skipped"


def test_a_missing_ledger_is_empty_and_the_next_run_writes_it(filled: Settings) -> None:
    expected = _states(filled)
    (filled.index / ledger.NAME).unlink()
    assert ledger.summary(filled.index) is None
    assert ledger.entries(filled.index) == []
    ledger.verify(filled.index)
    build(filled, StandIn())
    assert _states(filled) == expected


@pytest.mark.parametrize("share", [0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.99])
@pytest.mark.parametrize("damage", ["flip", "cut"])
def test_a_damaged_ledger_is_an_error_and_the_next_run_replaces_it(
    filled: Settings, share: float, damage: str
) -> None:
    expected = _states(filled)
    path = filled.index / ledger.NAME
    data = path.read_bytes()
    place = int(len(data) * share)
    path.write_bytes(
        data[:place] + bytes([data[place] ^ 0x04]) + data[place + 1 :] if damage == "flip" else data[:place]
    )
    with pytest.raises(CorruptIndexError, match=r"ledger\.sqlite"):
        ledger.verify(filled.index)
    build(filled, StandIn())
    ledger.verify(filled.index)
    assert _states(filled) == expected


def test_another_format_is_refused(filled: Settings) -> None:
    with sqlite3.connect(filled.index / ledger.NAME) as db:
        db.execute("UPDATE facts SET format = 99")
    db.close()
    with pytest.raises(CorruptIndexError, match="it has format 99"):
        ledger.summary(filled.index)


def test_names_of_any_kind_are_kept(settings: Settings) -> None:
    names = [
        "a\nb.txt",
        "кхмер.txt",
        "ខ្មែរ.txt",
        "'; DROP TABLE files; --.txt",
        "\u202etxt.exe.txt",
        "e\u0301.txt",
    ]
    write(settings.docs, {name: f"A text in {i}." for i, name in enumerate(names)})
    build(settings, StandIn())
    found = _states(settings)
    assert all(found[name] == ("indexed", None) for name in names)


def test_readers_never_wait_and_always_find_one_that_is_whole(filled: Settings) -> None:
    stopped = threading.Event()
    failures: list[Exception] = []

    def look() -> None:
        try:
            while not stopped.is_set():
                assert sum(ledger.summary(filled.index).counts.values()) >= 12
        except Exception as error:  # noqa: BLE001 -- told below
            failures.append(error)

    looking = threading.Thread(target=look)
    looking.start()
    live = generation.current(filled.index)
    for i in range(30):
        ledger.write(filled.index, live, [ReadFailure(f"{i}.psd", "is of no kind that can be read")])
    stopped.set()
    looking.join()
    assert not failures


def test_a_full_disk_is_a_build_error(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(ledger, "_fill", fail)
    with pytest.raises(BuildError, match=r"ledger\.sqlite cannot be written: database or disk is full"):
        build(replace(filled, max_file_mb=1), StandIn())
    assert ledger.summary(filled.index)
