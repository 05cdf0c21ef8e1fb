"""Runs: which questions count for which metric, and the file that keeps a run."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from evaluation.canned import (
    Canned,
    passages,
    place,
    question_on,
    random_questions,
    run_of,
    values,
)
from qa.errors import QuestionsError
from qa.evaluation import evaluate, load, read, save
from qa.web.judgements import Judgements


def test_metrics_of_more_than_k_passages_are_left_out(search: Canned) -> None:
    search.set_result("q", passages(search))
    question = question_on("q", place(21, 22))
    metrics = values(run_of(search, question, k=3))
    assert metrics.keys() == {"success@1", "success@3", "answer@1", "ms_p50", "ms_p99"}
    assert (metrics["success@1"], metrics["success@3"]) == (0, 1)
    assert list(values(run_of(search, question, k=7)))[:3] == ["success@1", "success@5", "success@7"]
    assert {query.k for query in search.queries} == {3, 7}


def test_an_answer_in_no_passage_counts_as_missed_and_is_named(search: Canned) -> None:
    search.set_result("q", passages(search))
    search.set_result("gone", passages(search))
    run = run_of(search, question_on("q", place(0, 1)), question_on("gone", place(0, 1, "elsewhere.txt")))
    assert run.out_of_reach == ("gone",)
    assert values(run)["mrr@10"] == values(run)["ndcg@10"] == values(run)["recall@5"] == 0.5


def test_a_question_without_results_counts_as_missed(search: Canned) -> None:
    search.set_result("q", [])
    metrics = values(run_of(search, question_on("q", place(0, 1))))
    assert {value for name, value in metrics.items() if not name.startswith("ms")} == {0.0}


def test_a_duplicate_shown_with_another_passage_does_not_count_again(search: Canned) -> None:
    first, copy = passages(search)[0], passages(search, "b.txt")[0]
    search.set_result("q", [first])
    question = question_on("q", place(0, 9), place(0, 9, "b.txt"))
    assert values(run_of(search, question))["ndcg@10"] == pytest.approx(1 / (1 + 1 / math.log2(3)))
    search.duplicates[first.id] = (copy,)
    assert values(run_of(search, question))["ndcg@10"] == 1


def test_a_saved_run_is_loaded_unchanged(search: Canned, tmp_path: Path) -> None:
    questions = random_questions(search, 20)
    search.set_result("Judged?", [])
    judged = question_on("Judged?", place(0, 1, row="7"), wrong=(place(1, 2),))
    run = run_of(search, *questions, judged)
    save(run, tmp_path / "run.json")
    again = load(tmp_path / "run.json")
    assert (again.outcomes, again.metrics) == (run.outcomes, run.metrics)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"format": 2}',
        b'{"format": 1, "outcomes": [{}], "run": {}}',
        b"[" * 99999,
    ],
)
def test_a_file_that_holds_no_run_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(QuestionsError, match=r"run\.json is"):
        load(tmp_path / "run.json")


def test_judgements_from_the_page_can_be_measured(search: Canned, tmp_path: Path) -> None:
    zero, two, *_ = passages(search)
    kept = Judgements(tmp_path / "judged.jsonl")
    kept.record("Who?", two, "right")
    kept.record("Who?", zero, "wrong")
    kept.record("When?", zero, "wrong")
    asked = read(tmp_path / "judged.jsonl", 100)
    assert [question.question for question in asked.questions] == ["Who?"]
    search.set_result("Who?", [zero, two])
    run = evaluate(search, asked)
    assert (run.left_out, run.outcomes[0].rank) == (1, 2)
