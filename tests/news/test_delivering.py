"""News delivered: to a receiver that is down or answers badly at first, and across kills."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiver import Receiver, free_port, receiving

from qa import files
from qa.config import Settings
from qa.errors import QAError
from qa.news import delivering
from qa.news.asking import _commission
from qa.news.changes import Change, Memory
from qa.news.delivering import Attempt, Courier, deliver, deliver_briefly
from qa.news.destinations import Destination, way_of
from qa.news.news_file import Asked, News, NewsFile, read_news, write_news
from qa.news.saved_questions import read_saved
from qa.news.undelivered import MOST_ATTEMPTS, Undelivered, read_undelivered

START = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


class Clock:
    """A clock that stands still unless it is told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "webhook.secret").write_text(SECRET, "utf-8")
    (tmp_path / "index").mkdir()
    return Settings(index=tmp_path / "index", saved=tmp_path / "saved.toml")


def _save(settings: Settings, *, webhook: str = "", command: tuple[str, ...] = (), names: str = "ab") -> None:
    tables = "".join(f'[{name}]\nquestion = "What is {name}?"\n' for name in names)
    top = f'webhook = "{webhook}"\ncommand = {json.dumps(command)}\nsecret_file = "webhook.secret"\n'
    settings.saved.write_text(top + tables, "utf-8")


def _tell(settings: Settings, *names: str, generation: str = "g1") -> list[News]:
    """Write news on some questions, as asking them does."""
    change = Change("new", "A title", None, None, f"{generation}.md", None, None, "Это так.", None, "/d/1")
    told = START.isoformat()
    found = [
        News(f"urn:{generation}/{name}", name, f"What is {name}?", generation, told, (change,))
        for name in names
    ]
    old = read_news(settings.index)
    asked = dict(old.asked) | {name: Asked("?", "", Memory("", "", (), ())) for name in names}
    content = NewsFile(generation, "", asked, (*old.news, *found))
    _commission(settings.index, read_saved(settings.saved), content, found)
    write_news(settings.index, content)
    return found


def _problems(attempts: Iterator[Attempt]) -> list[str]:
    return [attempt.problem for attempt in attempts]


def test_news_arrives_as_it_is_printed_and_once(settings: Settings, receiver: Receiver, clock: Clock) -> None:
    _save(settings, webhook=receiver.url)
    news = _tell(settings, "a", "b")
    assert _problems(deliver(settings, clock=clock)) == ["", ""]
    assert [json.loads(got.body) for got in receiver.received] == [
        json.loads(json.dumps(asdict(n))) for n in news
    ]
    assert receiver.ids == [each.id for each in news]
    assert "Это так." in receiver.received[0].body.decode()
    assert read_undelivered(settings.index) == ()
    clock.now += timedelta(days=10)
    assert _problems(deliver(settings, clock=clock, at_once=True)) == []


def test_a_receiver_that_is_down_at_first_gets_it_later(settings: Settings, clock: Clock) -> None:
    port = free_port()
    _save(settings, webhook=f"http://localhost:{port}/news")
    [news] = _tell(settings, "a")
    assert _problems(deliver(settings, clock=clock)) == ["Connection refused"]
    assert _problems(deliver(settings, clock=clock)) == []  # not before the pause is over
    with receiving(port) as receiver:
        clock.now += timedelta(seconds=30)
        assert _problems(deliver(settings, clock=clock)) == [""]
        assert receiver.ids == [news.id]
    assert read_undelivered(settings.index) == ()


def test_500_and_then_200(settings: Settings, receiver: Receiver, clock: Clock) -> None:
    receiver.statuses = [500, 503, 200]
    _save(settings, webhook=receiver.url)
    [news] = _tell(settings, "a")
    for expected in ("it answered 500", "it answered 503", ""):
        assert _problems(deliver(settings, clock=clock)) == [expected]
        assert [entry.problem for entry in read_undelivered(settings.index)] == [expected] * bool(expected)
        clock.now += timedelta(days=1)
    assert receiver.ids == [news.id] * 3


def test_it_is_given_up_in_the_end_and_still_delivered_on_demand(
    settings: Settings, receiver: Receiver, clock: Clock
) -> None:
    receiver.statuses = [400]
    _save(settings, webhook=receiver.url)
    _tell(settings, "a")
    for _ in range(3 * MOST_ATTEMPTS):
        list(deliver(settings, clock=clock))
        clock.now += timedelta(days=1)
    assert len(receiver.received) == MOST_ATTEMPTS
    receiver.statuses = [200]
    assert _problems(deliver(settings, clock=clock, at_once=True)) == [""]
    assert read_undelivered(settings.index) == ()


def test_news_that_fails_holds_up_no_other(settings: Settings, receiver: Receiver, clock: Clock) -> None:
    receiver.statuses = [400, 200]
    _save(settings, webhook=receiver.url)
    _tell(settings, "a", "b")
    assert _problems(deliver(settings, clock=clock)) == ["it answered 400", ""]
    assert [entry.name for entry in read_undelivered(settings.index)] == ["a"]


def test_command_and_webhook_are_delivered_each_for_itself(
    settings: Settings, receiver: Receiver, clock: Clock, tmp_path: Path
) -> None:
    receiver.statuses = [500]
    write = "import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read() + b'\\n')"
    copy = tmp_path / "copy"
    _save(settings, webhook=receiver.url, command=(sys.executable, "-c", write, str(copy)))
    [news] = _tell(settings, "a")
    assert sorted(_problems(deliver(settings, clock=clock))) == ["", "it answered 500"]
    assert [entry.way for entry in read_undelivered(settings.index)] == ["webhook"]
    list(deliver(settings, clock=clock, at_once=True))
    [line] = copy.read_text("utf-8").splitlines()
    assert json.loads(line)["id"] == news.id == receiver.ids[0]


def test_only_the_named_questions_are_delivered(settings: Settings, receiver: Receiver) -> None:
    _save(settings, webhook=receiver.url)
    [_, second] = _tell(settings, "a", "b")
    list(deliver(settings, names=["b"], at_once=True))
    assert receiver.ids == [second.id]


def test_a_host_that_is_not_named_gets_nothing(settings: Settings, clock: Clock) -> None:
    _save(settings, webhook="http://hooks.invalid/")
    _tell(settings, "a")
    assert "webhook_hosts" in _problems(deliver(settings, clock=clock))[0]
    named = replace(settings, webhook_hosts="other.invalid, hooks.invalid")
    assert "hooks.invalid has no address" in _problems(deliver(named, clock=clock, at_once=True))[0]


def test_the_address_that_saved_toml_names_now_is_the_one_that_counts(
    settings: Settings, receiver: Receiver, clock: Clock
) -> None:
    _save(settings, webhook=f"http://127.0.0.1:{free_port()}/")
    _tell(settings, "a")
    list(deliver(settings, clock=clock))
    settings.saved.write_text('[a]\nquestion = "What is a?"\n', "utf-8")
    assert _problems(deliver(settings, clock=clock, at_once=True)) == []
    _save(settings, webhook=receiver.url)
    assert _problems(deliver(settings, clock=clock, at_once=True)) == [""]


def test_a_way_that_is_no_longer_named_is_dropped_by_the_next_asking(settings: Settings) -> None:
    _save(settings, webhook="http://127.0.0.1/", command=("true",))
    _tell(settings, "a", "b")
    _save(settings, command=("true",), names="b")
    _tell(settings, "b", generation="g2")
    assert [(entry.news, entry.way) for entry in read_undelivered(settings.index)] == [
        ("urn:g1/b", "command"), ("urn:g2/b", "command"),
    ]  # fmt: skip


def test_what_is_forgotten_meanwhile_is_not_delivered(settings: Settings, receiver: Receiver) -> None:
    _save(settings, webhook=receiver.url)
    _tell(settings, "a", "b")
    attempts = deliver(settings)
    next(attempts)
    write_news(settings.index, replace(read_news(settings.index), news=()))
    assert list(attempts) == []
    assert len(receiver.received) == 1


def test_news_that_was_never_written_is_not_delivered_and_loses_nothing(
    settings: Settings, receiver: Receiver
) -> None:
    """The process was killed between the two files: the next one asks again, and finds the same news."""
    _save(settings, webhook=receiver.url)
    [news] = _tell(settings, "a")
    content = read_news(settings.index)
    write_news(settings.index, replace(content, news=()))
    assert _problems(deliver(settings)) == []
    _tell(settings, "a")
    assert _problems(deliver(settings)) == [""]
    assert receiver.ids == [news.id]


def _kill(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("step", "times"), [("_attempt", 1), ("settle", 2)])
def test_a_kill_during_an_attempt_loses_nothing_and_repeats_with_the_same_id(
    settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, step: str, times: int
) -> None:
    clock = Clock()
    _save(settings, webhook=receiver.url)
    [news] = _tell(settings, "a")
    with monkeypatch.context() as patch:
        patch.setattr(delivering, step, _kill)
        with pytest.raises(KeyboardInterrupt):
            list(deliver(settings, clock=clock))
    assert _problems(deliver(settings, clock=clock)) == []  # another process may still be at it
    clock.now += timedelta(minutes=1)
    assert _problems(deliver(settings, clock=clock)) == [""]
    assert receiver.ids == [news.id] * times
    assert read_undelivered(settings.index) == ()


@given(st.lists(st.sampled_from(["taken", "refused", "killed before", "killed after"]), max_size=30))
def test_whatever_happens_news_is_taken_or_waits_and_is_not_sent_after_it_is_settled(
    tmp_path_factory: pytest.TempPathFactory, events: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("news")
    (folder / "index").mkdir()
    settings = Settings(index=folder / "index", saved=folder / "saved.toml")
    _save(settings, webhook="http://127.0.0.1/", command=("true",))
    news = {each.id for each in _tell(settings, "a", "b")}
    due = {(each, way) for each in news for way in ("command", "webhook")}
    taken: list[tuple[str, str]] = []
    settled: set[tuple[str, str]] = set()
    clock = Clock()

    def attempt(destination: Destination, sent: News, _: Settings) -> str:
        key = (sent.id, way_of(destination))
        assert key not in settled
        event = events.pop(0) if events else "taken"
        if event in {"taken", "killed after"}:
            taken.append(key)
        if event == "taken":
            settled.add(key)
        if event.startswith("killed"):
            raise KeyboardInterrupt
        return "it answered 500" if event == "refused" else ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "sync", lambda _: None)  # what takes the time
        patch.setattr(delivering, "_attempt", attempt)
        while any(not entry.is_given_up for entry in read_undelivered(settings.index)):
            with suppress(KeyboardInterrupt):
                list(deliver(settings, clock=clock))
            waiting = {(entry.news, entry.way) for entry in read_undelivered(settings.index)}
            assert waiting == due - settled
            clock.now += timedelta(days=1)
    assert due - set(taken) <= {(entry.news, entry.way) for entry in read_undelivered(settings.index)}


def test_a_process_that_is_killed_while_a_receiver_thinks_repeats_it_later(
    settings: Settings, receiver: Receiver
) -> None:
    got, free = threading.Event(), threading.Event()
    receiver.before_answer = lambda: (got.set(), free.wait(60))
    _save(settings, webhook=receiver.url)
    [news] = _tell(settings, "a")
    program = (
        "import sys; from pathlib import Path; from qa.config import Settings\n"
        "from qa.news.delivering import deliver\n"
        "list(deliver(Settings(index=Path(sys.argv[1]), saved=Path(sys.argv[2]))))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(settings.index), str(settings.saved)])
    assert got.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    free.set()
    [entry] = read_undelivered(settings.index)
    assert entry.attempts == 1
    assert _problems(deliver(settings, at_once=True)) == [""]
    assert receiver.ids == [news.id] * 2


def test_an_unreadable_file_of_questions_is_an_error_and_loses_nothing(
    settings: Settings, receiver: Receiver
) -> None:
    _save(settings, webhook=receiver.url)
    _tell(settings, "a")
    settings.saved.write_text("[", "utf-8")
    with pytest.raises(QAError, match="not TOML"):
        list(deliver(settings))
    assert len(read_undelivered(settings.index)) == 1


def test_a_build_begins_no_attempt_later_and_leaves_the_rest(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]

    def attempt(*_: object) -> str:
        seconds[0] += 6
        return "it answered 500"

    monkeypatch.setattr(delivering, "_attempt", attempt)
    monkeypatch.setattr(delivering, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    _save(settings, webhook="http://127.0.0.1/")
    _tell(settings, "a", "b")
    attempts: list[Attempt] = []
    assert deliver_briefly(settings, attempts.append)
    assert [attempt.problem for attempt in attempts] == ["it answered 500"]
    assert [entry.attempts for entry in read_undelivered(settings.index)] == [1, 0]


def test_a_build_does_not_even_wait_for_what_cannot_be_broken_off(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()

    def hang(*_: object) -> str:
        free.wait(60)
        return ""

    monkeypatch.setattr(delivering, "_attempt", hang)
    monkeypatch.setattr(delivering, "_LONGEST_WAIT", 0.1)
    _save(settings, webhook="http://127.0.0.1/")
    _tell(settings, "a")
    assert not deliver_briefly(settings, lambda _: None)
    _until(lambda: read_undelivered(settings.index)[0].attempts == 1)
    free.set()
    _until(lambda: not read_undelivered(settings.index))


def test_a_build_passes_on_the_error_of_its_thread(settings: Settings) -> None:
    _save(settings, webhook="http://127.0.0.1/")
    _tell(settings, "a")
    settings.saved.write_text("[", "utf-8")
    with pytest.raises(QAError, match="not TOML"):
        deliver_briefly(settings, lambda _: None)


def _until(said: Callable[[], object]) -> None:
    ends = time.monotonic() + 60
    while not said():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_a_courier_delivers_at_once_and_again_after_a_failure(
    settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "_LOOK", 0.02)
    monkeypatch.setattr(Undelivered, "is_due", lambda *_: True)
    receiver.statuses = [500, 200]
    _save(settings, webhook=receiver.url)
    told: list[Attempt] = []
    errors: list[QAError] = []
    courier = Courier(settings, told.append, errors.append)
    try:
        [news] = _tell(settings, "a")
        courier.wake()
        _until(lambda: len(told) == 2)
        good = settings.saved.read_text("utf-8")
        settings.saved.write_text("[", "utf-8")
        _tell_without_questions(settings)
        _until(lambda: errors)
        settings.saved.write_text(good, "utf-8")
        _until(lambda: len(told) == 3)
    finally:
        courier.stop()
    assert [attempt.problem for attempt in told] == ["it answered 500", "", ""]
    assert receiver.ids[:2] == [news.id] * 2
    assert len(errors) == 1  # the same error is said once


def _tell_without_questions(settings: Settings) -> None:
    """Write news though ``saved.toml`` cannot be read."""
    good = replace(settings, saved=settings.saved.with_name("good.toml"))
    _save(good, webhook="http://127.0.0.1/")
    _tell(good, "b")


def test_a_courier_stops_between_two_attempts(settings: Settings, receiver: Receiver) -> None:
    got, free = threading.Event(), threading.Event()
    receiver.before_answer = lambda: (got.set(), free.wait(60))
    _save(settings, webhook=receiver.url)
    _tell(settings, "a", "b")
    told: list[Attempt] = []
    courier = Courier(settings, told.append, lambda _: None)
    assert got.wait(60)
    stopping = threading.Thread(target=courier.stop)
    stopping.start()
    _until(courier._stopped.is_set)
    free.set()
    stopping.join()
    assert [attempt.problem for attempt in told] == [""]
    assert [entry.name for entry in read_undelivered(settings.index)] == ["b"]
