"""The file of saved questions: what it may hold, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import QuestionsError
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
