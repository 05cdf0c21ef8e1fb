"""Questions answered one after the other, each by the same searcher."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from qa.batch.answered_rows import Answered
from qa.batch.cited_answers import cited_answer
from qa.config import Settings
from qa.errors import BatchError
from qa.retrieval.search_protocol import Search
from qa.types import Query


@dataclass(frozen=True, slots=True)
class Task:
    """How to answer.

    Attributes:
        settings: where the index is, and with what to search it.
        generation: the generation that must answer.
        query: how to answer each question.
        base_url: the address of the service that shows the documents.
    """

    settings: Settings
    generation: str
    query: Query
    base_url: str


def answer_here(search: Search, task: Task, questions: Sequence[str]) -> Generator[Answered]:
    """Answer questions one after the other.

    Raises:
        BatchError: another generation is live.
    """
    if search.info.generation != task.generation:
        raise BatchError("the index has been rebuilt: run the same command again to ask the new one")
    for question in questions:
        result = search.search(replace(task.query, question=question))
        yield question, cited_answer(result, task.base_url)
