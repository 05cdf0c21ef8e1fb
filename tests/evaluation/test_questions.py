"""Questions files: what is read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.canned import (
    entry,
    place,
    spot,
    write_lines,
)
from qa.errors import QuestionsError
from qa.evaluation import read
from qa.evaluation.questions import Question, QuestionSet


def test_a_file_is_read(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path,
        "\ufeff" + json.dumps(entry(answers=[spot(), spot(7, 9, "t.csv", row="7")], note="more")),
        "",
        entry("2", "Кто\u2028?", answers=[]),
        entry("3", answers=[spot(3, 4)]),
        "\r",
    )
    assert read(path, 100) == QuestionSet(
        (
            Question("1", "Who?", (place(0, 5), place(7, 9, "t.csv", "7"))),
            Question("2", "Кто\u2028?", ()),
            Question("3", "Who?", (place(3, 4),)),
        ),
        0,
    )


def test_all_bad_lines_are_named(tmp_path: Path) -> None:
    bad = {
        "{": "not JSON",
        "[]": "not a JSON object",
        json.dumps({"question": "Who?", "answers": []}): "'id' must be",
        json.dumps(entry(question=" ", answers=[])): "'question' must be",
        json.dumps(entry(question="x" * 101, answers=[])): "more than 100 characters",
        json.dumps(entry(question="\ud800", answers=[])): "half a character",
        json.dumps(entry()): "'answers' is missing",
        json.dumps(entry(answers={})): "'answers' must be a list",
        json.dumps(entry(answers=[5])): "answers[0] must be an object",
        json.dumps(entry(answers=[spot(), spot(doc="")])): "answers[1]: 'doc'",
        json.dumps(entry(answers=[spot(5, 5)])): "answers[0]: 'start' and 'end'",
        json.dumps(entry(answers=[spot(-1, 5)])): "answers[0]: 'start' and 'end'",
        json.dumps(entry(answers=[spot(end=True)])): "answers[0]: 'start' and 'end'",
        json.dumps(entry(answers=[spot(0, 5.0)])): "answers[0]: 'start' and 'end'",
        json.dumps(entry(wrong=[spot(row=7)])): "wrong[0]: 'row'",
        json.dumps(entry("good", "Why?", answers=[])): "id 'good' belongs to another question",
        "[" * 99999: "not JSON",
    }
    path = write_lines(tmp_path, entry("good", answers=[spot()]), *bad)
    path.write_bytes(path.read_bytes() + b"\n\xff")
    with pytest.raises(QuestionsError) as caught:
        read(path, 100)
    title, *messages = str(caught.value).splitlines()
    assert title == f"{path} has lines that cannot be used"
    expected = [*bad.values(), "not UTF-8"]
    assert len(messages) == len(expected)
    for number, (line, message) in enumerate(zip(messages, expected, strict=True), 2):
        assert line.startswith(f"  line {number}: ")
        assert message in line


def test_a_file_without_questions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match="has no questions"):
        read(write_lines(tmp_path, "", " "), 100)
    with pytest.raises(QuestionsError, match="cannot be read"):
        read(tmp_path, 100)


@given(st.binary())
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content)
    with pytest.raises(QuestionsError):
        read(path, 100)


def test_judgements_of_a_question_are_one(tmp_path: Path) -> None:
    judged = {"judged": "2026-01-01T00:00:00+00:00"}
    path = write_lines(
        tmp_path,
        entry("1", "Stated?", answers=[spot(0, 5)]),
        entry("2", "Unanswered?", answers=[]),
        entry("j1", "Stated?", answers=[spot(7, 9)], **judged),
        entry("j3", "Judged?", answers=[spot(0, 5)], **judged),
        entry("j3", "Judged?", answers=[spot(7, 9)], **judged),
        entry("j3", "Judged?", wrong=[spot(0, 5)], **judged),
        entry("j4", "Only wrong?", wrong=[spot(0, 5)], **judged),
        entry("j5", "Taken back?", answers=[spot(0, 5)], **judged),
        entry("j5", "Taken back?", wrong=[spot(0, 5)], **judged),
        entry("j2", "Unanswered?", wrong=[spot(0, 5)], **judged),
    )
    assert read(path, 100) == QuestionSet(
        (
            Question("1", "Stated?", (place(0, 5), place(7, 9))),
            Question("2", "Unanswered?", (), (place(0, 5),)),
            Question("j3", "Judged?", (place(7, 9),), (place(0, 5),)),
        ),
        2,
    )
