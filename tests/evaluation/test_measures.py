"""The metrics against formulas, small cases by hand and the outside scorer."""

from __future__ import annotations

import http.client
import importlib.util
import io
import json
import math
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.canned import (
    Canned,
    passages,
    place,
    question_on,
    random_questions,
    run_of,
    values,
)
from qa.config import Settings
from qa.evaluation import evaluate, read
from qa.evaluation.measures import METRICS, auroc, by_character, falls_short, is_metric
from qa.evaluation.questions import Question
from qa.types import Document, Hit, Metadata, Passage, Span
from qa.web import create_app

SCORER = Path(__file__).parents[3] / "shared" / "eval" / "evaluate.py"


def test_metrics_of_a_small_case_worked_out_by_hand(search: Canned) -> None:
    zero, two, _, six, eight = passages(search)
    search.set_result("q", [six, two, eight, zero])
    # "Two three." is found second, "Zero one." fourth, "Four five." not at all.
    run = run_of(search, question_on("q", place(2, 4), place(12, 16), place(21, 22)))
    metrics = values(run)
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    shown, golden, shared = 10 + 10 + 11 + 9, 2 + 4 + 1, 2 + 4
    assert metrics == pytest.approx(
        {
            "success@1": 0,
            "success@5": 1,
            "success@10": 1,
            "mrr@10": 1 / 2,
            "ndcg@10": gain / ideal,
            "recall@5": shared / golden,
            "precision@5": shared / shown,
            "iou@5": shared / (golden + shown - shared),
            "answer@1": 0,
            "ms_p50": metrics["ms_p50"],
            "ms_p99": metrics["ms_p99"],
        }
    )
    assert run.outcomes[0].rank == 2
    assert list(metrics) == [name for name in METRICS if name in metrics]


def test_metrics_of_confidence_worked_out_by_hand(search: Canned) -> None:
    for name, sure in (("yes1", 0.95), ("yes2", 0.55), ("no1", 0.55), ("no2", 0.05)):
        search.set_result(name, [], sure)
    metrics = values(
        run_of(
            search,
            question_on("yes1", place(0, 1)),
            question_on("yes2", place(0, 1)),
            question_on("no1"),
            question_on("no2"),
        )
    )
    assert metrics["auroc"] == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert metrics["balanced"] == pytest.approx((2 / 2 + 1 / 2) / 2)
    assert metrics["brier"] == pytest.approx((0.05**2 + 0.45**2 + 0.55**2 + 0.05**2) / 4)
    # The bin from .5 to .6 holds one of each kind: a confidence of .55, a truth of .5.
    assert metrics["ece"] == pytest.approx((0.05 + abs(1.1 - 1) + 0.05) / 4)


def test_without_both_kinds_there_are_no_metrics_of_confidence(search: Canned) -> None:
    search.set_result("q", passages(search))
    assert (
        not {"auroc", "balanced", "brier", "ece"}
        & values(run_of(search, question_on("q", place(0, 1)))).keys()
    )
    assert values(run_of(search, question_on("q"))).keys() == {"ms_p50", "ms_p99"}


def test_questions_without_a_confidence_count_by_their_verdict_alone(search: Canned) -> None:
    (zero, *_) = passages(search)
    sure = {"yes": 0.9, "no": 0.2, "да": 0.6, "нет": 0.7}
    for name, confidence in sure.items():
        search.set_result(name, [zero], confidence)
    questions = [question_on(name, *([place(0, 1)] if name in {"yes", "да"} else [])) for name in sure]
    search.unread = {"да", "нет"}
    run = run_of(search, *questions)
    metrics = values(run)
    assert metrics["balanced"] == pytest.approx((2 / 2 + 1 / 2) / 2)
    assert metrics["auroc"] == 1
    assert metrics["brier"] == pytest.approx((0.1**2 + 0.2**2) / 2)
    assert metrics["ece"] == pytest.approx((0.1 + 0.2) / 2)
    assert [outcome.confidence for outcome in run.outcomes] == [0.9, 0.2, None, None]
    search.unread = {*sure}
    assert values(run_of(search, *questions)).keys() & {"auroc", "balanced", "brier", "ece"} == {"balanced"}


@given(st.lists(st.integers(0, 5), min_size=1), st.lists(st.integers(0, 5), min_size=1))
def test_auroc_is_the_share_of_pairs_in_order(yes: list[int], no: list[int]) -> None:
    pairs = [(one > other) + (one == other) / 2 for one, other in product(yes, no)]
    assert auroc(np.array(yes, float), np.array(no, float)) == pytest.approx(sum(pairs) / len(pairs))


def test_a_row_counts_if_the_answer_names_it(search: Canned) -> None:
    table = search.held[search.add("t.csv", "Some words.")]
    rows = [
        Passage(f"{row}:0-11", replace(table, row=row), Span(0, 11), "Some words.", ()) for row in ("1", "2")
    ]
    search.set_result("q", rows)
    named = values(run_of(search, question_on("q", place(0, 4, "t.csv", "2"))))
    assert (named["mrr@10"], named["recall@5"], named["precision@5"]) == (0.5, 1, 4 / 22)
    anyone = values(run_of(search, question_on("q", place(0, 4, "t.csv"))))
    assert (anyone["mrr@10"], anyone["recall@5"], anyone["precision@5"]) == (1, 1, 4 / 11)


def test_a_passage_judged_wrong_is_not_right(search: Canned) -> None:
    zero, two, *_ = passages(search)
    search.set_result("q", [zero, two])
    question = question_on("q", place(0, 12), wrong=(place(0, 9),))
    assert run_of(search, question).outcomes[0].rank == 2
    assert values(run_of(search, question))["answer@1"] == 0


def test_intervals_hold_the_value_and_are_the_same_each_time(search: Canned) -> None:
    questions = random_questions(search, 60)
    first, second = (run_of(search, *questions) for _ in range(2))
    for name, metric in first.metrics.items():
        if name.startswith("ms") or name == "ece":
            assert metric.low is metric.high is None
        else:
            assert metric.low <= metric.value <= metric.high, name
            assert metric.low < metric.high, name
            assert metric == second.metrics[name]


def test_intervals_of_many_questions_follow_the_normal_approximation(search: Canned) -> None:
    questions = random_questions(search, 400)
    metric = run_of(search, *questions).metrics["success@5"]
    n = sum(bool(question.answers) for question in questions)
    width = 1.96 * math.sqrt(metric.value * (1 - metric.value) / n)
    assert (metric.low, metric.high) == pytest.approx((metric.value - width, metric.value + width), abs=0.01)


def test_one_question_has_no_interval(search: Canned) -> None:
    search.set_result("q", passages(search))
    assert run_of(search, question_on("q", place(0, 1))).metrics["mrr@10"].low is None


class _Reply(io.BytesIO):
    status = 200


class _Connection:
    """Lets the scorer ask an app without a network."""

    app: Any = None

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def request(self, _method: str, path: str) -> None:
        reply = self.app.test_client().get(path)
        assert reply.status_code == 200
        self._body = reply.data

    def getresponse(self) -> _Reply:
        return _Reply(self._body)


def _lines(questions: list[Question]) -> str:
    return "".join(
        json.dumps(
            {
                "id": question.id,
                "question": question.question,
                "answers": [
                    {"doc": a.doc, "start": a.span.start, "end": a.span.end} for a in question.answers
                ],
            }
        )
        + "\n"
        for question in questions
    )


@pytest.mark.skipif(not SCORER.is_file(), reason=f"{SCORER} is not there")
@pytest.mark.parametrize("seed", range(3))
def test_metrics_equal_those_of_the_outside_scorer(
    search: Canned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seed: int,
) -> None:
    questions = random_questions(search, 150, seed)
    (tmp_path / "questions.jsonl").write_text(_lines(questions), "utf-8")
    monkeypatch.setattr(_Connection, "app", create_app(Settings(), lambda: search))
    monkeypatch.setattr(http.client, "HTTPConnection", _Connection)
    monkeypatch.setattr(sys, "argv", ["evaluate.py", str(tmp_path)])
    spec = importlib.util.spec_from_file_location("scorer", SCORER)
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    assert scorer.main() == 0
    theirs = json.loads(capsys.readouterr().out)
    run = evaluate(search, read(tmp_path / "questions.jsonl", 1000))
    ours = values(run)
    shared = theirs.keys() & ours.keys() - {"ms_p50", "ms_p99"}
    assert len(shared) == 10
    assert {name: round(ours[name], 4) for name in shared} == {name: theirs[name] for name in shared}
    assert len(run.outcomes) == theirs["questions"]


_SPANS = st.tuples(st.integers(0, 30), st.integers(1, 10)).map(lambda at: Span(at[0], at[0] + at[1]))


@given(st.lists(_SPANS, min_size=1, max_size=4), st.lists(_SPANS, max_size=7))
def test_characters_are_compared_as_sets(answers: list[Span], shown: list[Span]) -> None:
    document = Document("d", "a.txt", "text/plain", "0" * 64, Metadata(), 99, 1)
    hits = [
        Hit(rank, Passage(f"d:{rank}", document, span, "", ()), 1.0, {}, ())
        for rank, span in enumerate(shown, 1)
    ]
    gold = {n for span in answers for n in range(span.start, span.end)}
    seen = {n for span in shown[:5] for n in range(span.start, span.end)}
    question = question_on("q", *(place(span.start, span.end) for span in answers))
    assert by_character(question, hits) == pytest.approx(
        {
            "recall@5": len(gold & seen) / len(gold),
            "precision@5": len(gold & seen) / len(seen) if seen else 0,
            "iou@5": len(gold & seen) / len(gold | seen),
        }
    )


@pytest.mark.parametrize(
    ("name", "known"),
    [("mrr@10", True), ("success@37", True), ("success@100", True), ("success@0", False), ("mrr@9", False)],
)
def test_a_metric_has_a_known_name(name: str, *, known: bool) -> None:
    assert is_metric(name) == known


def test_lower_is_better_for_errors_and_times() -> None:
    for name in METRICS:
        lower_is_better = name in {"brier", "ece", "ms_p50", "ms_p99"}
        assert falls_short(name, 0.5, 0.4) == lower_is_better
        assert falls_short(name, 0.5, 0.6) != lower_is_better
        assert not falls_short(name, 0.5, 0.5)
