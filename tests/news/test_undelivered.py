"""What is undelivered: kept until it is delivered, tried ever more rarely, and by one at a time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa import files
from qa.errors import QAError
from qa.news import undelivered
from qa.news.undelivered import (
    MOST_ATTEMPTS,
    NAME,
    Undelivered,
    add_undelivered,
    claim,
    read_undelivered,
    settle,
)

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
WAYS = ("command", "webhook")


def _add(index: Path, *news: str) -> None:
    added = [Undelivered(each, "trade", "webhook") for each in news]
    kept = {(entry.news, entry.way) for entry in (*read_undelivered(index), *added)}
    add_undelivered(index, added, kept)


def test_nothing_is_written_as_long_as_nothing_is_to_be_delivered(tmp_path: Path) -> None:
    add_undelivered(tmp_path, [], ())
    assert not list(tmp_path.iterdir())
    assert read_undelivered(tmp_path) == ()


def test_pauses_grow_fourfold_until_it_is_given_up() -> None:
    entry, now, pauses = Undelivered("a", "trade", "webhook"), NOW, []
    while not entry.is_given_up:
        assert entry.is_due(now)
        entry = entry.begun(now)
        due = datetime.fromisoformat(entry.due)
        pauses.append((due - now).total_seconds())
        assert not entry.is_due(due - timedelta(seconds=1))
        now = due
    assert pauses == [30 * 4**n for n in range(MOST_ATTEMPTS)]
    assert timedelta(days=1) < timedelta(seconds=sum(pauses[:-1])) < timedelta(days=2)
    assert not entry.is_due(now + timedelta(days=1000))


@given(st.integers(0, 10**6))
def test_however_often_it_was_tried_it_can_be_tried_again(attempts: int) -> None:
    assert Undelivered("a", "trade", "webhook", attempts).begun(NOW).attempts == attempts + 1


def test_an_attempt_is_counted_before_it_is_made(tmp_path: Path) -> None:
    _add(tmp_path, "a", "b")
    [first, second] = read_undelivered(tmp_path)
    claimed = claim(tmp_path, first, NOW)
    assert claimed == first.begun(NOW)
    assert read_undelivered(tmp_path) == (claimed, second)


def test_two_do_not_make_the_same_attempt(tmp_path: Path) -> None:
    _add(tmp_path, "a")
    [entry] = read_undelivered(tmp_path)
    claimed: list[Undelivered | None] = []
    threads = [threading.Thread(target=lambda: claimed.append(claim(tmp_path, entry, NOW))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in claimed) == 1


def test_what_is_delivered_is_removed_and_what_failed_is_kept_with_its_reason(tmp_path: Path) -> None:
    _add(tmp_path, "a", "b")
    for entry, problem in zip(read_undelivered(tmp_path), ("", "it answered 500"), strict=True):
        claimed = claim(tmp_path, entry, NOW)
        assert claimed
        settle(tmp_path, claimed, problem)
    [left] = read_undelivered(tmp_path)
    assert (left.news, left.attempts, left.problem) == ("b", 1, "it answered 500")


def test_news_found_again_is_neither_added_twice_nor_begun_anew(tmp_path: Path) -> None:
    _add(tmp_path, "a")
    claimed = claim(tmp_path, read_undelivered(tmp_path)[0], NOW)
    _add(tmp_path, "a", "b")
    assert read_undelivered(tmp_path) == (claimed, Undelivered("b", "trade", "webhook"))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(WAYS))), st.sets(
    st.tuples(st.sampled_from("abc"), st.sampled_from(WAYS))
))  # fmt: skip
def test_only_what_is_wanted_is_kept(tmp_path_factory, added: list[tuple[str, str]], wanted: set) -> None:
    index = tmp_path_factory.mktemp("index")
    add_undelivered(index, [Undelivered(news, "trade", way) for news, way in added], wanted)
    kept = [(entry.news, entry.way) for entry in read_undelivered(index)]
    assert kept == [each for each in dict.fromkeys(added) if each in wanted]


def test_a_kill_while_it_is_written_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _add(tmp_path, "a")
    before = read_undelivered(tmp_path)

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "put_in_place", kill)
    with pytest.raises(KeyboardInterrupt):
        settle(tmp_path, before[0], "")
    monkeypatch.undo()
    assert read_undelivered(tmp_path) == before


@pytest.mark.parametrize(
    "content",
    [
        "{",
        '{"undelivered": [{"news": "a"}]}',
        '{"undelivered": [{"news": "a", "name": "b", "way": "webhook", "due": "soon"}]}',
        '{"undelivered": [{"news": "a", "name": "b", "way": "webhook", "due": "2026-11-28T10:00:00"}]}',
    ],
)
def test_a_damaged_file_is_said_with_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content, "utf-8")
    with pytest.raises(QAError, match=r"undelivered\.json is not what was written: remove it"):
        read_undelivered(tmp_path)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(QAError, match=r"undelivered\.json cannot be read: Is a directory"):
        read_undelivered(tmp_path)


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(undelivered.files, "replace_bytes", fail)
    with pytest.raises(QAError, match=r"undelivered\.json cannot be written: No space left on device"):
        _add(tmp_path, "a")
