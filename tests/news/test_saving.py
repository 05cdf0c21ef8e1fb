"""Questions added to their file and removed from it: nothing else in it changes."""

from __future__ import annotations

import os
import tempfile
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import NotFoundError, QuestionsError, SettingsError
from qa.news.destinations import Command
from qa.news.saved_questions import MAX_QUESTIONS, read_saved
from qa.news.saving import add_question, check, proposed_name, remove_question

FILE = """\
# What we follow.

# The ministry asks for this one.
[trade]
question = "How large was the turnover?"  # in dollars
source = [
  "TASS",
  # the ministry's own
  "Ministry",
]
threshold = 0.5

# Since the summit.
["envoy-2"]
question = \"\"\"
Who is
[trade]
# the envoy?\"\"\"

[last]
question = 'Where?'
# The end.
"""


def _names(path: Path) -> list[str]:
    return [question.name for question in read_saved(path)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "saved.toml"
    path.write_text(FILE, "utf-8")
    return path


def test_a_question_is_added_with_its_filters_below_all_others(path: Path) -> None:
    fields = {
        "question": 'What does "rice" cost?',
        "source": ["TASS"],
        "path": ["news/*", "ru"],
        "type": ["pdf"],
        "date_from": "2018-01-01",
        "threshold": 0.6,
    }
    added = add_question(path, "rice", fields)
    assert path.read_text("utf-8") == FILE + (
        '\n[rice]\nquestion = "What does \\"rice\\" cost?"\nsource = ["TASS"]\npath = ["news/*", "ru"]\n'
        'type = ["application/pdf"]\ndate_from = 2018-01-01\nthreshold = 0.6\n'
    )
    assert read_saved(path)[-1] == added
    assert _names(path) == ["trade", "envoy-2", "last", "rice"]


def test_news_of_an_added_question_goes_where_that_of_all_goes(path: Path) -> None:
    text = 'command = ["/bin/tell"]\n\n[trade]\nquestion = "x"\ncommand = []\n'
    path.write_text(text, "utf-8")
    added = add_question(path, "rice", {"question": "Rice?"})
    assert added.destinations == (Command(("/bin/tell",)),)
    assert read_saved(path)[-1] == added
    remove_question(path, "trade")
    assert path.read_text("utf-8") == 'command = ["/bin/tell"]\n\n[rice]\nquestion = "Rice?"\n'


def test_the_first_question_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "saved.toml"
    add_question(path, "rice", {"question": "Rice?"})
    assert path.read_text("utf-8") == '[rice]\nquestion = "Rice?"\n'


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("trade", [line for line in FILE.splitlines() if line.startswith("# ") and "the envoy" not in line]),
        ("envoy-2", ["# What we follow.", "# Since the summit.", "[trade]", "# The end."]),
        ("last", ["# What we follow.", "# Since the summit.", "# The end."]),
    ],
)
def test_what_stands_around_a_removed_question_stays(path: Path, name: str, kept: list[str]) -> None:
    before = read_saved(path)
    remove_question(path, name)
    assert read_saved(path) == tuple(question for question in before if question.name != name)
    lines = path.read_text("utf-8").splitlines()
    assert set(kept) <= set(lines)
    assert "\n\n\n" not in path.read_text("utf-8")


def test_removing_what_was_added_restores_the_file(path: Path) -> None:
    for _ in range(2):
        add_question(path, "rice", {"question": "Rice?"})
        remove_question(path, "rice")
        assert path.read_text("utf-8") == FILE


def test_the_last_one_removed_leaves_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "saved.toml"
    add_question(path, "rice", {"question": "Rice?"})
    remove_question(path, "rice")
    assert path.read_text("utf-8") == ""


_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip)
_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
_FIELDS = st.fixed_dictionaries(
    {"question": _TEXTS},
    optional={
        "source": st.lists(_TEXTS, min_size=1, max_size=3),
        "language": st.lists(_TEXTS, min_size=1, max_size=2),
        "path": st.lists(_TEXTS, min_size=1, max_size=2),
        "type": st.lists(_TEXTS, min_size=1, max_size=2),
        "document": st.lists(_TEXTS, min_size=1, max_size=2),
        "date_from": st.dates(max_value=date(2000, 1, 1)).map(str),
        "date_to": st.dates(min_value=date(2000, 1, 1)).map(str),
        "threshold": st.floats(0, 1),
        "k": st.integers(1, 50),
    },
)


@given(st.dictionaries(_NAMES, _FIELDS, max_size=4), st.sampled_from(["", FILE, FILE.rstrip("\n")]))
def test_whatever_is_added_is_read_back_and_can_be_removed(added: dict[str, dict], text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved.toml"
        path.write_text(text, "utf-8")
        known = list(read_saved(path))
        names = {question.name for question in known}
        for name in added.keys() - names:
            known.append(add_question(path, name, added[name]))
            assert list(read_saved(path)) == known
            assert path.read_bytes().startswith(text.encode())
        for name in added.keys() - names:
            remove_question(path, name)
            known = [question for question in known if question.name != name]
            assert list(read_saved(path)) == known


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("trade", {"question": "x"}, "the name trade is taken"),
        ("a b", {"question": "x"}, "a name has at most 64"),
        ("", {"question": "x"}, "a name has at most 64"),
        ("торг", {"question": "x"}, "a name has at most 64"),
        ("n", {"question": " "}, "question: is empty"),
        ("n", {"question": "x", "threshold": 1.5}, "threshold: "),
        ("n", {"question": "x", "threshold": float("nan")}, "threshold: "),
        ("n", {"question": "x", "threshold": "high"}, "threshold: "),
        ("n", {"question": "x", "date_from": "2019-01-01", "date_to": "2018-01-01"}, "later than date_to"),
    ],
)
def test_what_cannot_be_saved_is_said_and_changes_nothing(
    path: Path, name: str, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(QuestionsError, match=message):
        add_question(path, name, fields)
    assert path.read_text("utf-8") == FILE


def test_a_broken_file_is_left_as_it_is(path: Path) -> None:
    broken = FILE + "[oops\n"
    path.write_text(broken, "utf-8")
    with pytest.raises(QuestionsError, match=r"saved\.toml is not TOML.*line"):
        add_question(path, "rice", {"question": "Rice?"})
    with pytest.raises(QuestionsError, match="is not TOML"):
        remove_question(path, "trade")
    assert path.read_text("utf-8") == broken


def test_unusual_tables_are_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "saved.toml"
    text = 'trade.question = "x"\nother = {question = "y"}\n[rice]\nquestion = "z"\n'
    path.write_text(text, "utf-8")
    for name in ("trade", "other"):
        with pytest.raises(QuestionsError, match="by hand"):
            remove_question(path, name)
    assert path.read_text("utf-8") == text
    remove_question(path, "rice")
    assert _names(path) == ["trade", "other"]


def test_what_is_not_there_cannot_be_removed(path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no saved question rice"):
        remove_question(path, "rice")


def test_no_more_than_a_file_may_have_are_added(path: Path) -> None:
    path.write_text("".join(f'[q{n}]\nquestion = "x"\n' for n in range(MAX_QUESTIONS)), "utf-8")
    with pytest.raises(QuestionsError, match="at most"):
        add_question(path, "rice", {"question": "Rice?"})
    assert len(read_saved(path)) == MAX_QUESTIONS


def test_line_ends_links_and_permissions_stay(tmp_path: Path) -> None:
    path, real = tmp_path / "saved.toml", tmp_path / "config" / "real.toml"
    real.parent.mkdir()
    real.write_bytes(FILE.replace("\n", "\r\n").encode())
    real.chmod(0o600)
    path.symlink_to(real)
    add_question(path, "rice", {"question": "Rice?"})
    remove_question(path, "trade")
    assert path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert b"\n" not in real.read_bytes().replace(b"\r\n", b"")
    assert _names(path) == ["envoy-2", "last", "rice"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        with pytest.raises(QuestionsError, match="cannot be written"):
            add_question(path, "rice", {"question": "Rice?"})
    finally:
        path.parent.chmod(0o700)


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match=r"saved\.toml cannot be written"):
        add_question(tmp_path / "no" / "saved.toml", "rice", {"question": "Rice?"})


def _add_many(path: Path, start: int) -> None:
    for number in range(start, start + 8):
        add_question(path, f"q{number}", {"question": "x"})


def test_processes_that_save_at_once_lose_nothing(path: Path) -> None:
    context = get_context("spawn")
    processes = [context.Process(target=_add_many, args=(path, start)) for start in (0, 8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert set(_names(path)) == {"trade", "envoy-2", "last", *(f"q{n}" for n in range(16))}


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["trade", "turnover", "Cambodia"], "trade-turnover-cambodia"),
        (["Москвой", "товарооборот", "щука"], "moskvoi-tovarooborot-shchuka"),
        (["Café", "Müller’s", "№"], "cafe-mullers-no"),
        (["柬埔寨"], "question"),
        ([], "question"),
        (["a" * 50], "question"),
        (["word"] * 20, "word-word-word-word-word-word-word-word"),
    ],
)
def test_a_name_is_proposed_from_the_words(words: list[str], name: str) -> None:
    assert proposed_name(words, ()) == name
    assert proposed_name(words, (name, f"{name}-2")) == f"{name}-3"


@given(st.lists(_TEXTS, max_size=5), st.sets(_NAMES, max_size=3))
def test_a_proposed_name_can_be_saved(words: list[str], taken: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved.toml"
        name = proposed_name(words, taken)
        assert name not in taken
        assert add_question(path, name, {"question": "x"}).name == name


def test_a_file_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    check(tmp_path / "saved.toml")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SettingsError, match="its folder cannot be written: No such file or directory"):
        check(tmp_path / "none" / "saved.toml")
