"""A run and its comparison as text, and what falls short."""

from __future__ import annotations

from evaluation.canned import (
    Canned,
    ranked_run,
)
from qa.evaluation import shortfalls


def test_bars(search: Canned) -> None:
    run = ranked_run(search, {"a": 2, "b": 1})
    assert shortfalls(run, {"mrr@10": 0.75, "success@1": 0.5, "ms_p50": 1e9}) == []
    assert shortfalls(run, {"mrr@10": 0.76}) == ["mrr@10 is 0.7500, which is worse than 0.76"]
    assert shortfalls(run, {"ms_p50": 0})[0].startswith("ms_p50 is ")
    assert shortfalls(run, {"auroc": 0.1})[0].startswith("auroc cannot be measured")
