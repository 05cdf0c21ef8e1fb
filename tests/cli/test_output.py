"""Counts, names and failures as the commands print them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.cli.output import as_json, count, describe_failure, describe_illegible, describe_unnamed, printable
from qa.types import IndexInfo, ReadFailure


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_a_count_agrees_with_its_noun(number: int, text: str) -> None:
    assert count(number, "file") == text


@given(st.text())
def test_what_is_printed_cannot_steer_a_terminal(text: str) -> None:
    assert printable(text).isprintable()
    assert not text.isprintable() or printable(text) == text


def test_a_failure_names_the_row_of_a_table() -> None:
    assert describe_failure(ReadFailure("a\n.txt", "has no text")) == "a\\n.txt: has no text"
    assert describe_failure(ReadFailure("t.csv", "has no text", row="7")) == "t.csv, row 7: has no text"


def test_many_unnamed_failures_are_easy_to_read() -> None:
    assert describe_unnamed(12_345).startswith("12,345 more, not listed here")


def test_languages_that_the_model_cannot_read_are_named_with_the_command_that_would() -> None:
    illegible = {"ru": 300, "km": 100, "Myanmar script": 12}
    said = (
        "412 of 900 passages are in languages that the model all-MiniLM-L6-v2 cannot read (Russian 300, "
        "Khmer 100, Myanmar script 12): they are matched by words only"
    )
    advice = ". To read them: qa index --model multilingual-e5-small"
    assert describe_illegible(illegible, 900, "all-MiniLM-L6-v2") == said + advice
    other = said.replace("all-MiniLM-L6-v2", "multilingual-e5-small")
    assert describe_illegible(illegible, 900, "multilingual-e5-small") == other


@pytest.mark.parametrize(("number", "passages", "said"), [(0, 0, False), (9, 100, False), (10, 100, True)])
def test_a_tenth_of_the_passages_is_worth_a_line(number: int, passages: int, *, said: bool) -> None:
    illegible = {"ru": number} if number else {}
    assert bool(describe_illegible(illegible, passages, "all-MiniLM-L6-v2")) == said


def test_failures_are_those_of_the_api() -> None:
    failures = (ReadFailure("a.txt", "has no text"), ReadFailure("t.csv", "is empty", row="7"))
    info = IndexInfo("g", "m", 1, 2, 3, "2024-01-02T03:04:05+00:00", failures, 3)
    content = as_json(info)
    assert content["failures"] == [
        {"path": "a.txt", "row": None, "reason": "has no text"},
        {"path": "t.csv", "row": "7", "reason": "is empty"},
    ]
    assert (content["generation"], content["documents"], content["passages"]) == ("g", 1, 2)
