"""``qa news``, and the lines that builds print on the saved questions."""

from __future__ import annotations

import json

from corpus import write

from qa.config import Settings

SAVED = '[hotline]\nquestion = "How many students from Cambodia study in Moscow?"\nthreshold = 0\nk = 1\n'


def _change(settings: Settings) -> None:
    envoy = settings.docs / "envoy.txt"
    envoy.write_bytes(envoy.read_bytes().replace(b"ninety students", b"seven hundred students"))


def test_news_is_a_line_of_the_build_and_printed_in_full(run, settings: Settings) -> None:
    write(settings.docs.parent, {"saved.toml": SAVED})
    assert "news" not in run("index", "docs").stderr
    assert run("news").stdout == ""
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
