"""A run and its comparison as text, and what falls short."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from evaluation.canned import Canned, passages, place, question_on, ranked_run, run_of
from qa.evaluation import as_json, compare, shortfalls, show

_SETUP = {"generation": "generation", "model": "model", "mode": "hybrid", "k": 10}


def test_a_metric_below_its_bar_falls_short(search: Canned) -> None:
    run = ranked_run(search, {"a": 2, "b": 1})
    assert shortfalls(run, {"mrr@10": 0.75, "success@1": 0.5, "ms_p50": 1e9}) == []
    assert shortfalls(run, {"mrr@10": 0.76}) == ["mrr@10 is 0.7500, which is worse than 0.76"]
    assert shortfalls(run, {"ms_p50": 0})[0].startswith("ms_p50 is ")
    assert shortfalls(run, {"auroc": 0.1})[0].startswith("auroc cannot be measured")


def test_the_table_is_lined_up(search: Canned) -> None:
    search.set_result("q", passages(search))
    gone = [question_on(f"g{n}", place(0, 1, "gone")) for n in range(12)]
    for question in gone:
        search.set_result(question.id, [])
    run = replace(run_of(search, question_on("q", place(0, 1)), *gone), setup=_SETUP, left_out=2)
    head, table = show(run).split("\n\n")
    assert head.splitlines() == [
        "questions   13: 13 answered by these documents, 0 not",
        "index       generation, model",
        "search      hybrid, 10 passages",
        "left out    2: only wrong passages are known for them",
        "12 whose answers are in no passage of the index: g0, g1, g2, g3, g4, g5, g6, g7, g8, g9 …",
    ]
    header, *rows = table.splitlines()
    assert header == "metric       value    95% interval"
    assert rows[0] == "success@1    0.077  0.000 to 0.231"
    assert {row.index(".") for row in rows[:9]} == {header.index("value") + 1}


def test_a_comparison_names_the_largest_changes(search: Canned) -> None:
    names = [f"q{n}" for n in range(12)]
    before = ranked_run(search, dict.fromkeys(names, 2))
    now = ranked_run(search, dict.fromkeys(names, 1) | {"new": 1})
    text = show(replace(now, setup=_SETUP), compare(before, now), Path("old.json")).partition("Against ")[2]
    lines = text.splitlines()
    assert lines[:2] == ["old.json: 12 questions in common, with the same answers", "1 are only here"]
    assert "Better (12)" in lines
    assert lines[lines.index("Better (12)") + 11] == "  and 2 more"
    assert lines[-1] == "Worse (0)"


def test_json_holds_run_and_comparison(search: Canned) -> None:
    before, now = ranked_run(search, {"a": 2, "b": 2}), ranked_run(search, {"a": 1, "b": 2})
    content = json.loads(as_json(now, compare(before, now)))
    assert content["metrics"]["mrr@10"]["value"] == 0.75
    assert content["comparison"]["metrics"]["mrr@10"] == {"before": 0.5, "now": 0.75, "p": 1.0}
    assert [change["id"] for change in content["comparison"]["better"]] == ["a"]
    assert "comparison" not in json.loads(as_json(now))
