"""Rows are paired with their answers, one after the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa.batch.answered_rows import answered_rows
from qa.batch.cited_answers import CitedAnswer
from qa.batch.question_sheet import QuestionSheet


def _answer(question: str) -> CitedAnswer:
    return CitedAnswer(f"To {question}", "possible", None, ())


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1), st.randoms())
def test_every_row_gets_the_answer_to_its_question(questions: list[str], random) -> None:
    sheet = QuestionSheet(("question",), tuple((question,) for question in questions), 0)
    asked = sheet.different_questions
    assert sorted(asked) == sorted(set(questions) - {""})
    random.shuffle(asked)
    rows = list(answered_rows(sheet, [(question, _answer(question)) for question in asked]))
    assert rows == [((question,), _answer(question) if question else None) for question in questions]
