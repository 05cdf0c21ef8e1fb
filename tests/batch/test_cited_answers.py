"""What a sheet says of a question, and of one that no passage could answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_encoder import StandIn

from qa.batch.cited_answers import RESULTS, CitedAnswer, cited_answer
from qa.index import generation
from qa.retrieval.searcher import Searcher
from qa.types import Filters, Query

_NOWHERE = Filters(path=("nowhere/",))


def _cited(built: Path, question: str, filters: Filters) -> CitedAnswer:
    search = Searcher(generation.load(built), StandIn())
    return cited_answer(search.search(Query(question, k=RESULTS, filters=filters)), "http://localhost")


@pytest.mark.parametrize(
    ("question", "filters", "note"),
    [
        ("Who spoke in Phnom Penh?", Filters(), None),
        ("Who spoke in Phnom Penh?", _NOWHERE, "no passage passes the filters"),
        ("trade +zyzzyva", Filters(), "no passage meets the question's conditions"),
        ("trade +zyzzyva", _NOWHERE, "no passage passes the filters and meets the question's conditions"),
    ],
)
def test_a_note_says_why_no_passage_could_answer(
    built: Path, question: str, filters: Filters, note: str | None
) -> None:
    answer = _cited(built, question, filters)
    assert (answer.note or "").startswith(note or "")
    assert bool(answer.note) == bool(note)
    assert bool(answer.next_sources) == (note is None)
    assert CitedAnswer.from_dict(answer.to_dict() | {"next_sources": []}).note == answer.note


@pytest.mark.parametrize(
    "question", ['What is "no such words" there?', 'Students study in Moscow "no such words"']
)
def test_a_note_names_the_quotations_that_stand_nowhere(built: Path, question: str) -> None:
    answer = _cited(built, question, Filters())
    assert answer.note == '"no such words" stands nowhere: its words were searched'
