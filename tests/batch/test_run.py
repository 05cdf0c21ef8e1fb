"""A batch answers each question once, goes on where it was stopped, and answers alike in processes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fake_encoder import StandIn

from qa.batch import parallel
from qa.batch.answering import Task, answer_here
from qa.batch.cited_answers import RESULTS
from qa.batch.draft import path_for
from qa.batch.question_sheet import QuestionSheet
from qa.batch.run import Batch, answer_sheet
from qa.config import Settings
from qa.embedding.export.encoder import ExportedEncoder
from qa.errors import BatchError, QuestionsError
from qa.index import generation
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher
from qa.retrieval.searcher import Searcher
from qa.types import Query

QUESTIONS = ["Who spoke in Phnom Penh?", "How many students from Cambodia study in Moscow?", "Rice?"]


class Counting:
    """A searcher that counts its questions, and stops at one of them."""

    def __init__(self, search, stop: str | None = None) -> None:
        self.info, self.library = search.info, search.library
        self.asked: list[str] = []
        self._search, self._stop = search, stop

    def search(self, query: Query):
        if query.question == self._stop:
            raise KeyboardInterrupt
        self.asked.append(query.question)
        return self._search.search(query)


def _sheet(questions) -> QuestionSheet:
    return QuestionSheet(("question",), tuple((question,) for question in questions), 0)


@pytest.fixture
def searcher(built: Path) -> Searcher:
    return Searcher(generation.load(built), StandIn())


def _batch(search, settings: Settings, **changes) -> Batch:
    task = Task(settings, search.info.generation, Query("", k=RESULTS), "http://localhost")
    return Batch(replace(task, **changes), lambda: search)


def test_each_question_is_asked_once(searcher: Searcher, settings: Settings, tmp_path: Path) -> None:
    search = Counting(searcher)
    answers = answer_sheet(
        _batch(search, settings), _sheet([*QUESTIONS, "", QUESTIONS[0]]), tmp_path / "a.csv"
    )
    assert search.asked == QUESTIONS
    assert list(answers) == QUESTIONS
    assert all(len(answer.next_sources) <= RESULTS - 1 for answer in answers.values())


def test_a_batch_that_was_stopped_goes_on(searcher: Searcher, settings: Settings, tmp_path: Path) -> None:
    output, sheet = tmp_path / "a.csv", _sheet(QUESTIONS)
    with pytest.raises(KeyboardInterrupt):
        answer_sheet(_batch(Counting(searcher, QUESTIONS[2]), settings), sheet, output)
    with path_for(output).open("ab") as draft:
        draft.write(b'{"question": "Ri')  # a line that was cut short
    search = Counting(searcher)
    resumed = answer_sheet(_batch(search, settings), sheet, output)
    assert search.asked == QUESTIONS[2:]
    assert resumed == answer_sheet(_batch(searcher, settings), sheet, None)
    again = Counting(searcher)
    assert answer_sheet(_batch(again, settings), sheet, output) == resumed
    assert again.asked == []


def test_other_settings_begin_anew(searcher: Searcher, settings: Settings, tmp_path: Path) -> None:
    output, sheet = tmp_path / "a.csv", _sheet(QUESTIONS)
    answer_sheet(_batch(searcher, settings), sheet, output)
    for changes in ({"query": Query("", k=2)}, {"base_url": "http://other"}):
        search = Counting(searcher)
        answer_sheet(_batch(search, settings, **changes), sheet, output)
        assert search.asked == QUESTIONS
    with pytest.raises(BatchError, match="the index has been rebuilt"):
        answer_sheet(_batch(searcher, settings, generation="another"), sheet, output)


def test_a_damaged_draft_is_named(searcher: Searcher, settings: Settings, tmp_path: Path) -> None:
    output, sheet = tmp_path / "a.csv", _sheet(QUESTIONS)
    answer_sheet(_batch(searcher, settings), sheet, output)
    with path_for(output).open("ab") as draft:
        draft.write(b"{}\n")
    with pytest.raises(QuestionsError, match=r"\.a\.csv\.draft\.jsonl is damaged"):
        answer_sheet(_batch(searcher, settings), sheet, output)


def test_only_one_batch_writes_a_sheet(searcher: Searcher, settings: Settings, tmp_path: Path) -> None:
    output, sheet = tmp_path / "a.csv", _sheet(QUESTIONS)

    class Nested(Counting):
        def search(self, query: Query):
            answer_sheet(_batch(searcher, settings), sheet, output)

    with pytest.raises(QuestionsError, match="is being written by another"):
        answer_sheet(_batch(Nested(searcher), settings), sheet, output)


def test_processes_answer_as_one_does(
    default: ExportedEncoder, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(settings, model=default.name)
    build(settings, default)
    search = LiveSearcher(settings).current()
    questions = [f"{question} {number}" for number in range(4) for question in QUESTIONS]
    task = _batch(search, settings).task
    alone = dict(answer_here(search, task, questions))
    assert dict(parallel.answer_in_processes(task, questions, 2)) == alone
    with pytest.raises(BatchError, match="the index has been rebuilt"):
        list(parallel.answer_in_processes(replace(task, generation="another"), questions, 1))
