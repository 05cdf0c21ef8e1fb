"""A batch: every question of a sheet answered once, on several cores, and kept at once in the draft."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qa.batch import parallel
from qa.batch.answered_rows import Answered
from qa.batch.answering import Task, answer_here
from qa.batch.cited_answers import CitedAnswer
from qa.batch.draft import open_draft
from qa.batch.question_sheet import QuestionSheet
from qa.retrieval.search_protocol import Search

Answers = Mapping[str, CitedAnswer]
"""By question."""

_VERSION = 2  # of what a draft holds


@dataclass(frozen=True, slots=True)
class Batch:
    """How to answer the questions of a sheet.

    Attributes:
        task: how to answer each question.
        open_search: opens the searcher, if the questions are so few that this process answers them.
        jobs: the largest number of processes.
        progress: whether to show a progress bar.
    """

    task: Task
    open_search: Callable[[], Search]
    jobs: int = 1
    progress: bool = False

    def key(self) -> dict[str, Any]:
        """Return what the answers depend on besides the questions."""
        task = self.task
        return {
            "version": _VERSION,
            "generation": task.generation,
            "reranker": task.settings.reranker,
            "reader": task.settings.reader,
            "base_url": task.base_url,
            "query": asdict(task.query),
        }


def answer_sheet(batch: Batch, sheet: QuestionSheet, output: Path | None) -> Answers:
    """Answer the questions of a sheet that no earlier run answered; return all answers, by question.

    Args:
        batch: how to answer.
        sheet: the questions.
        output: the finished sheet, beside which the answers are kept; without it, they are not kept.

    Raises:
        QuestionsError: the draft cannot be written.
        BatchError: the processes could not answer everything. What they answered is kept.
    """
    questions = sheet.different_questions
    if output is None:
        return dict(_answers(batch, questions, 0))
    with open_draft(output, batch.key()) as draft:
        missing = [question for question in questions if question not in draft.known]
        with closing(_answers(batch, missing, len(questions) - len(missing))) as answers:
            for question, answer in answers:
                draft.add(question, answer)
        return draft.known


def _answers(batch: Batch, questions: list[str], done: int) -> Generator[Answered]:
    """Yield the answers with a progress bar, of which so many are done."""
    from tqdm import tqdm  # only here

    task = batch.task
    jobs = 1 if task.settings.store_is_file else min(batch.jobs, len(questions) // parallel.WORTHWHILE)
    answers = (
        parallel.answer_in_processes(task, questions, jobs)
        if jobs > 1
        else answer_here(batch.open_search(), task, questions)
    )
    total = done + len(questions)
    with (
        tqdm(total=total, initial=done, unit="question", disable=not batch.progress) as bar,
        closing(answers),
    ):
        for answer in answers:
            bar.update()
            yield answer
