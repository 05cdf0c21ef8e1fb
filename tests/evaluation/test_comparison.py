"""Two runs compared: changes, and the probability of chance."""

from __future__ import annotations

from itertools import product

import pytest

from evaluation.canned import (
    Canned,
    place,
    question_on,
    random_questions,
    ranked_run,
    run_of,
)
from qa.evaluation import compare


def test_p_is_the_share_of_swaps_that_differ_as_much(search: Canned) -> None:
    before = ranked_run(search, {"a": 2, "b": 3, "c": 4, "d": 1})
    now = ranked_run(search, {"a": 1, "b": 1, "c": 1, "d": 1})
    compared = compare(before, now)
    gains = [1 / 2, 2 / 3, 3 / 4]
    sums = [
        abs(sum(s * g for s, g in zip(signs, gains, strict=True))) for signs in product((1, -1), repeat=3)
    ]
    assert compared.metrics["mrr@10"].p == pytest.approx(sum(s >= sum(gains) - 1e-9 for s in sums) / 8)
    assert compared.metrics["success@5"].p == 1
    assert compared.metrics["ms_p50"].p is None
    assert compared.metrics["mrr@10"].before == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 1) / 4)
    assert compared.metrics["mrr@10"].now == 1
    assert [(change.id, change.before, change.now) for change in compared.better] == [
        ("c", "rank 4", "rank 1"),
        ("b", "rank 3", "rank 1"),
        ("a", "rank 2", "rank 1"),
    ]
    assert compared.worse == ()
    assert "randomisation" in compared.test
    back = compare(now, before)
    assert back.metrics["mrr@10"].p == compared.metrics["mrr@10"].p
    assert [change.id for change in back.worse] == ["c", "b", "a"]


def test_a_run_does_not_differ_from_itself(search: Canned) -> None:
    run = run_of(search, *random_questions(search, 40))
    compared = compare(run, run)
    assert {difference.p for difference in compared.metrics.values()} == {1, None}
    assert all(difference.before == difference.now for difference in compared.metrics.values())
    assert (compared.common, compared.better, compared.worse) == (40, (), ())


def test_confidences_are_compared_where_both_runs_claim_one(search: Canned) -> None:
    questions = random_questions(search, 40)
    now = run_of(search, *questions)
    search.unread = {question.id for question in questions[::4]}
    before = run_of(search, *questions)
    sure = [question for question in questions if question.id not in search.unread]
    alone = compare(run_of(search, *sure), run_of(search, *sure)).metrics
    for compared in (compare(before, now), compare(now, before)):
        assert compared.common == 40
        for name in ("auroc", "brier", "ece"):
            difference = compared.metrics[name]
            assert difference.before == difference.now == pytest.approx(alone[name].now)
        assert compared.metrics["auroc"].p == compared.metrics["brier"].p == 1


def test_a_clear_difference_has_a_small_p(search: Canned) -> None:
    questions = random_questions(search, 80)
    before = run_of(search, *questions)
    for name, (order, sure) in list(search.results.items()):
        answered = any(question.id == name and question.answers for question in questions)
        search.set_result(name, order, min(1.0, sure + 0.4) if answered else sure / 4)
    now = run_of(search, *questions)
    for name in ("auroc", "balanced", "brier"):
        assert compare(before, now).metrics[name].p < 0.01
    name = next(question.id for question in questions if question.answers)
    search.set_result(name, search.results[name][0], 0.5)
    for metric in ("auroc", "brier"):
        assert compare(now, run_of(search, *questions)).metrics[metric].p > 0.05


def test_only_questions_with_the_same_answers_are_compared(search: Canned) -> None:
    before = ranked_run(search, {"a": 2, "b": 2, "c": 1})
    ranked_run(search, {"a": 1, "b": 1, "d": 1})
    now = run_of(
        search, question_on("a", place(0, 1)), question_on("b", place(0, 2)), question_on("d", place(0, 1))
    )
    compared = compare(before, now)
    assert (compared.common, compared.only_before, compared.only_now) == (1, 2, 2)
    assert (compared.metrics["mrr@10"].before, compared.metrics["mrr@10"].now) == (0.5, 1)
    none = compare(before, run_of(search, question_on("d", place(0, 1))))
    assert (none.common, none.metrics) == (0, {})


def test_a_question_that_is_rightly_called_unanswerable_is_better(search: Canned) -> None:
    search.set_result("q", [], 0.9)
    before = run_of(search, question_on("q"))
    search.set_result("q", [], 0.1)
    [change] = compare(before, run_of(search, question_on("q"))).better
    assert (change.before, change.now) == ("called answerable", "called unanswerable")
