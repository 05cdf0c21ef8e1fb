"""``qa news``, and the lines that builds print on the saved questions."""

from __future__ import annotations

import base64
import json
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from corpus import write
from receiver import Receiver, free_port, receiving

from qa.config import Settings
from qa.news import delivering
from qa.news.undelivered import read_undelivered

SAVED = '[hotline]\nquestion = "How many students from Cambodia study in Moscow?"\nthreshold = 0\nk = 1\n'


def _change(settings: Settings) -> None:
    envoy = settings.docs / "envoy.txt"
    envoy.write_bytes(envoy.read_bytes().replace(b"ninety students", b"seven hundred students"))


def test_news_is_a_line_of_the_build_and_printed_in_full(run, settings: Settings) -> None:
    write(settings.docs.parent, {"saved.toml": SAVED})
    assert "news" not in run("index", "docs").stderr
    quiet = run("news")
    assert (quiet.exit_code, quiet.stdout) == (0, "")
    assert "nothing is new since the questions were first asked" in quiet.stderr
    _change(settings)
    assert "qa: news on hotline: 1 changed (see `qa news hotline`)\n" in run("index", "docs").stderr
    assert "news" not in run("index", "docs").stderr
    printed = run("news", "hotline").stdout
    assert "was   He also named education: ninety students" in printed
    assert "is    He also named education: seven hundred students" in printed
    assert "http://127.0.0.1:8000/documents/" in printed
    [news] = json.loads(run("news", "--json").stdout)["news"]
    assert (news["name"], news["changes"][0]["kind"]) == ("hotline", "changed")


def test_an_unknown_name_is_refused_with_the_known_ones(run, settings: Settings) -> None:
    write(settings.docs.parent, {"saved.toml": SAVED})
    run("index", "docs")
    result = run("news", "hot")
    assert result.exit_code == 2
    assert "asked are: hotline" in result.stderr


def test_a_bad_file_is_said_and_stops_no_build(run, settings: Settings) -> None:
    write(settings.docs.parent, {"saved.toml": SAVED + "colour = 1\n"})
    _change(settings)
    result = run("index", "docs")
    assert result.exit_code == 3  # the bad row of the documents
    assert "the saved questions were not asked: saved.toml, line 5: [hotline]: colour" in result.stderr


def test_forgotten_files_leave_no_text_in_the_news(run, settings: Settings) -> None:
    write(settings.docs.parent, {"saved.toml": SAVED})
    run("index", "docs")
    _change(settings)
    run("index", "docs")
    assert "seven hundred" in (settings.index / "news.json").read_text("utf-8")
    (settings.docs / "envoy.txt").unlink()
    assert run("forget", "envoy.txt", "--docs", "docs").exit_code == 0
    assert "envoy" not in (settings.index / "news.json").read_text("utf-8")


def test_without_a_file_of_questions_it_says_what_to_write(run, settings: Settings) -> None:
    for result in (run("news"), run("news", "--json"), run("news", "--deliver")):
        assert result.exit_code == 0
        assert "qa: saved.toml does not exist: for each question, write a line [NAME]" in result.stderr
    assert json.loads(run("news", "--json").stdout) == {"news": [], "undelivered": []}
    named = run("news", "hotline")
    assert (named.exit_code, named.stdout) == (2, "")
    assert "saved.toml does not exist" in named.stderr
    write(settings.docs.parent, {"saved.toml": "# Nothing yet\n"})
    assert "saved.toml has no question: for each" in run("news").stderr


def test_without_an_index_it_says_to_make_one(run, settings: Settings) -> None:
    write(settings.docs.parent, {"saved.toml": SAVED})
    result = run("news")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "qa: there is no index in index: run `qa index`\n"


def test_questions_that_have_not_been_asked_yet_are_told_from_unknown_ones(run, settings: Settings) -> None:
    run("index", "docs")
    write(settings.docs.parent, {"saved.toml": SAVED})
    assert "the questions of saved.toml have not been asked yet: run `qa index`" in run("news").stderr
    run("index", "docs")
    write(settings.docs.parent, {"saved.toml": SAVED + '[later]\nquestion = "Who?"\n'})
    assert "'later' has not been asked yet: run `qa index`" in run("news", "later").stderr


def test_a_mistake_in_the_file_is_said_with_its_line(run, settings: Settings) -> None:
    write(settings.docs.parent, {"saved.toml": "[hotline]\n"})
    result = run("news")
    assert result.exit_code == 2
    assert "saved.toml, line 1: [hotline]: it has no question" in result.stderr


@pytest.fixture
def port(settings: Settings) -> int:
    """Return the port of a webhook, with which a question is saved and asked."""
    port = free_port()
    top = f'webhook = "http://127.0.0.1:{port}/news?token=1234"\nsecret_file = "secret"\n'
    secret = base64.b64encode(bytes(32)).decode()
    write(settings.docs.parent, {"saved.toml": top + SAVED, "secret": secret})
    return port


def test_a_webhook_that_is_down_stops_no_build_and_gets_the_news_later(
    run, settings: Settings, port: int
) -> None:
    run("index", "docs")
    _change(settings)
    result = run("index", "docs", "--json")
    assert result.exit_code == 3  # the bad row of the documents
    assert json.loads(result.stdout)["changed"]
    missed = "did not reach the webhook http://127.0.0.1:{}: Connection refused (attempt 1 of 8;"
    assert f"qa: news on hotline {missed.format(port)} the next one after " in result.stderr
    assert "token" not in result.stderr
    assert "  undelivered by webhook: Connection refused (attempt 1 of 8;" in run("news").stdout
    assert "did not reach" not in run("index", "docs").stderr  # it is not due yet
    down = run("news", "--deliver", "--json")
    assert down.exit_code == 1
    [entry] = json.loads(down.stdout)["deliveries"]
    assert (entry["name"], entry["attempts"], entry["problem"]) == ("hotline", 2, "Connection refused")
    with receiving(port) as receiver:
        result = run("news", "hotline", "--deliver")
        assert (result.exit_code, result.stdout) == (0, "")
        assert f"qa: news on hotline was delivered to the webhook http://127.0.0.1:{port}\n" in result.stderr
        assert "qa: there is no news to deliver\n" in run("news", "--deliver").stderr
        printed = json.loads(run("news", "--json").stdout)
        assert [json.loads(got.body) for got in receiver.received] == printed["news"]
        assert printed["undelivered"] == []


def test_a_build_delivers_what_is_due(run, settings: Settings, port: int) -> None:
    run("index", "docs")
    _change(settings)
    with receiving(port) as receiver:
        assert "qa: news on hotline was delivered to the webhook" in run("index", "docs").stderr
        run("index", "docs")
        assert len(receiver.received) == 1


def test_a_build_says_if_a_delivery_hangs_or_cannot_be_written_down(
    run, settings: Settings, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("index", "docs")
    _change(settings)
    free = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_attempt", lambda *_: str(free.wait(60))[:0])
        patch.setattr(delivering, "_LONGEST_WAIT", 0.1)
        result = run("index", "docs")
        free.set()
    assert result.exit_code == 3
    assert "qa: a delivery of news hangs: it is left for the next time\n" in result.stderr
    ends = time.monotonic() + 60
    while read_undelivered(settings.index):  # its thread goes on, here
        assert time.monotonic() < ends
        time.sleep(0.01)
    (settings.index / "undelivered.json").write_text("{", "utf-8")
    result = run("index", "docs")
    assert result.exit_code == 3
    assert "qa: the news was not delivered: index/undelivered.json is not what was written" in result.stderr


@pytest.fixture
def receiver(port: int) -> Iterator[Receiver]:
    with receiving(port) as running:
        yield running


def test_a_watch_delivers_while_it_goes_on(
    run, settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    got, free = threading.Event(), threading.Event()
    receiver.before_answer = lambda: (got.set(), free.wait(60))

    def follow(docs, build_, *_, **__) -> None:
        build_()
        _change(settings)
        build_()
        assert got.wait(60)
        write(settings.docs, {"new.txt": "Something new."})
        build_()  # though the receiver has not answered
        free.set()

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr("qa.indexing.watch.watch", follow)
    result = run("watch", "docs")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 3
    assert "qa: news on hotline was delivered to the webhook" in result.stderr
    assert len(receiver.received) == 1
