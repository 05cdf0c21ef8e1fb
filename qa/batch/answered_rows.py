"""The rows of a sheet with their answers, one after the other, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from qa.batch.cited_answers import CitedAnswer
from qa.batch.question_sheet import QuestionSheet, Row

Answered = tuple[str, CitedAnswer]
"""A question and its answer."""

AnsweredRow = tuple[Row, CitedAnswer | None]
"""A row of the sheet with its answer; None if the row has no question."""


def answered_rows(sheet: QuestionSheet, answers: Iterable[Answered]) -> Iterator[AnsweredRow]:
    """Yield each row of a sheet as soon as its question is answered.

    An answer is kept only as long as a later row asks the same.

    Args:
        sheet: the questions.
        answers: an answer to each different question. They are taken one by one: in the order of the sheet,
            no more are kept than needed.
    """
    questions = sheet.questions
    left = Counter(questions)
    remaining = iter(answers)
    known: dict[str, CitedAnswer] = {}
    for row, question in zip(sheet.rows, questions, strict=True):
        if not question:
            yield row, None
            continue
        while question not in known:
            asked, answer = next(remaining)
            known[asked] = answer
        left[question] -= 1
        yield row, known[question] if left[question] else known.pop(question)
