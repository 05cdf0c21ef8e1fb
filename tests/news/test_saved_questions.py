"""The file of saved questions: what it may hold, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest

from qa.errors import QuestionsError
from qa.news.destinations import Command, Webhook, way_of
from qa.news.saved_questions import MAX_QUESTIONS, SavedQuestion, read_saved
from qa.types import Filters

FULL = """\
# What we follow.
[trade]
question = "How large was the trade turnover?"
source = ["TASS", "Ministry"]
language = "en"
path = "news/*"
type = "pdf"
date_from = 2018-01-01
date_to = "2019-12-31"
threshold = 0.5
k = 5

[envoy-2]
question = "Who is the envoy?"
"""


def _read(folder: Path, text: str) -> tuple[SavedQuestion, ...]:
    path = folder / "saved.toml"
    path.write_text(text, "utf-8")
    return read_saved(path)


def test_questions_have_filters_and_a_threshold(tmp_path: Path) -> None:
    trade, envoy = _read(tmp_path, FULL)
    assert trade.name == "trade"
    assert trade.threshold == 0.5
    assert trade.k == 5
    assert trade.query.question == "How large was the trade turnover?"
    assert trade.query.filters == Filters(
        source=("TASS", "Ministry"),
        language=("en",),
        path=("news/*",),
        date_from="2018-01-01",
        date_to="2019-12-31",
        media_type=("application/pdf",),
    )
    assert (envoy.name, envoy.threshold, envoy.filters) == ("envoy-2", None, Filters())


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert read_saved(tmp_path / "saved.toml") == ()


def test_the_definition_changes_with_everything_that_is_asked(tmp_path: Path) -> None:
    [whole, _] = _read(tmp_path, FULL)
    for old, new in (("turnover", "volume"), ("en", "ru"), ("0.5", "0.6"), ("k = 5", "k = 6")):
        [changed, _] = _read(tmp_path, FULL.replace(old, new, 1))
        assert changed.definition != whole.definition


DELIVERED = """\
command = ["notify", "--all"]
webhook = "http://127.0.0.1:9000/news"
secret_file = "webhook.secret"

[trade]
question = "How large was the trade turnover?"

[envoy]
question = "Who is the envoy?"
command = []
webhook = "https://hooks.example.org/envoy?token=1"
secret_file = "/etc/qa/envoy.secret"

[rice]
question = "Who sold rice?"
command = ["print"]
webhook = ""
"""


def test_news_goes_where_the_top_says_unless_the_question_names_another_place(tmp_path: Path) -> None:
    trade, envoy, rice = _read(tmp_path, DELIVERED)
    everywhere = (
        Command(("notify", "--all")),
        Webhook("http://127.0.0.1:9000/news", tmp_path / "webhook.secret"),
    )
    assert trade.destinations == everywhere
    secret = Path("/etc/qa/envoy.secret")
    assert envoy.destinations == (Webhook("https://hooks.example.org/envoy?token=1", secret),)
    assert rice.destinations == (Command(("print",)),)
    [command] = _read(tmp_path, '[command]\nquestion = "Who is in command?"\n')
    assert (command.name, command.destinations) == ("command", ())


def test_a_destination_is_no_part_of_what_is_asked(tmp_path: Path) -> None:
    [plain] = _read(tmp_path, '[trade]\nquestion = "How large was it?"\n')
    [delivered] = _read(tmp_path, 'command = ["notify"]\n[trade]\nquestion = "How large was it?"\n')
    assert delivered.definition == plain.definition
    assert delivered.destinations


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('webhook = "ftp://a/b"\n[trade]\nquestion = "x"\n', "line 1: [webhook]: webhook: is no address"),
        ('[trade]\nquestion = "x"\nwebhook = "http://a:99999/"\n', "line 3: [trade]: webhook: is no address"),
        ('[trade]\nquestion = "x"\nwebhook = "http:///b"\n', "line 3: [trade]: webhook: is no address"),
        ('[trade]\nquestion = "x"\nwebhook = "http://me:word@a/"\n', "has a name or password in it"),
        ('[trade]\nquestion = "x"\nwebhook = "http://a/b c"\n', "must be written as %XX"),
        ('[trade]\nquestion = "x"\nwebhook = "http://a/б"\n', "must be written as %XX"),
        (
            '[trade]\nquestion = "x"\nwebhook = "http://a/"\n',
            "line 3: [trade]: webhook needs secret_file",
        ),
        (
            'webhook = "http://a/"\n\n[trade]\nquestion = "x"\n',
            "line 3: [trade]: webhook needs secret_file",
        ),
        ('command = "notify"\n[trade]\nquestion = "x"\n', "line 1: [command]: command: write it as a list"),
        ('[trade]\nquestion = "x"\ncommand = [""]\n', "line 3: [trade]: command: names no program"),
        ('[trade]\nquestion = "x"\ncommand = ["a\\u0000b"]\n', "a character that no argument may have"),
        ('[trade]\nquestion = "x"\ncommand = [1]\n', "line 3: [trade]: command: "),
    ],
)
def test_a_destination_that_cannot_be_used_is_said_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(QuestionsError) as error:
        _read(tmp_path, text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[trade]\nquestion =\n", "line 2"),
        ('[trade]\nquestion = "x"\nsauce = "TASS"\n', "line 3: [trade]: sauce is not known here"),
        ('[trade]\nquestion = "x"\n\n[b]\nk = 3\n', "line 4: [b]: it has no question"),
        ('[trade]\nquestion = "x"\nthreshold = 1.5\n', "line 3: [trade]: threshold: "),
        ('[trade]\nquestion = "x"\nthreshold = "high"\n', "line 3: [trade]: threshold: "),
        ('[trade]\nquestion = "  "\n', "line 2: [trade]: question: is empty"),
        ('[trade]\nquestion = "x"\ndate_from = "July"\n', "line 3: [trade]: date_from: "),
        (
            '[trade]\nquestion = "x"\ndate_to = 2018-01-01\ndate_from = 2019-01-01\n',
            "line 4: [trade]: date_from is later",
        ),
        ('question = "x"\n', "[question]: stands in no table"),
        ('["a/b"]\nquestion = "x"\n', "[a/b]: a name has at most 64"),
        ('[trade]\nquestion = "x"\nsource = [1]\n', "line 3: [trade]: source: "),
    ],
)
def test_a_mistake_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(QuestionsError) as error:
        _read(tmp_path, text)
    assert str(tmp_path / "saved.toml") in str(error.value)
    assert message in str(error.value)


def test_bytes_that_are_not_utf8_and_too_many_questions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "saved.toml"
    path.write_bytes(b'[a]\nquestion = "\xff"\n')
    with pytest.raises(QuestionsError, match="not TOML"):
        read_saved(path)
    with pytest.raises(QuestionsError, match="at most"):
        _read(tmp_path, "".join(f'[q{n}]\nquestion = "x"\n' for n in range(MAX_QUESTIONS + 1)))


def test_the_examples_of_the_documentation_can_be_copied(tmp_path: Path) -> None:
    page = (pages.ROOT / "docs" / "saved.md").read_text("utf-8")
    examples = [_read(tmp_path, block.text) for block in pages.blocks(page) if block.language == "toml"]
    assert [question.name for example in examples for question in example] == ["trade", "ambassador"] * 2
    trade, ambassador = examples[1]
    assert [way_of(each) for each in trade.destinations] == ["command", "webhook"]
    assert [way_of(each) for each in ambassador.destinations] == ["command"]
