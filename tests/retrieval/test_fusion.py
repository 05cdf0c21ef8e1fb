"""Signals fused into scores, and a reranker's order, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import fused

from qa.retrieval import fusion
from qa.retrieval.fusion import DENSE, LEXICAL, fuse, fuse_answers, rerank
from qa.types import Mode

_SIGNALS = st.fixed_dictionaries({name: st.floats(0, 1, width=32) for name in (*DENSE, *LEXICAL)})


@given(_SIGNALS, st.floats(0, 1))
def test_a_score_is_the_weighted_mean_of_the_signals_of_the_mode(
    signals: dict[str, float], fluency: float
) -> None:
    arrays = {name: np.array([value], np.float32) for name, value in signals.items()}
    hybrid = {name: fluency * weight for name, weight in DENSE.items()} | LEXICAL
    for mode, weights in ((Mode.HYBRID, hybrid), (Mode.DENSE, DENSE), (Mode.LEXICAL, LEXICAL)):
        assert fuse(arrays, mode, fluency).tolist() == pytest.approx([fused(signals, weights)], abs=1e-5)


@given(st.floats(0, 1, width=32), st.floats(0, 1), st.sampled_from(Mode))
def test_signals_that_agree_are_the_score(value: float, fluency: float, mode: Mode) -> None:
    signals = {name: np.array([value], np.float32) for name in (*DENSE, *LEXICAL)}
    assert fuse(signals, mode, fluency).tolist() == pytest.approx([value], abs=1e-5)
    assert fuse_answers(signals, mode, fluency).tolist() == pytest.approx([value], abs=1e-5)


def test_missing_signals_do_not_count() -> None:
    signals = {"lexical": np.array([0.4], np.float32), "coverage": np.array([0.4], np.float32)}
    assert fuse(signals, Mode.HYBRID, 1.0).tolist() == pytest.approx([0.4])


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=9).map(lambda s: sorted(s, reverse=True)),
    st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=9),
)
def test_a_reranker_orders_the_first_passages_and_the_others_follow(
    scores: list[float], log_odds: list[float]
) -> None:
    log_odds = log_odds[: len(scores)]
    order, reranked = rerank(np.array(scores, np.float32), np.array(log_odds, np.float32))
    assert sorted(order.tolist()) == list(range(len(scores)))
    assert order.tolist()[len(log_odds) :] == list(range(len(log_odds), len(scores)))
    read = [log_odds[place] for place in order.tolist()[: len(log_odds)]]
    assert read == sorted(log_odds, reverse=True)
    assert reranked.tolist()[: len(read)] == pytest.approx(
        [1 / (1 + np.exp(-odds)) for odds in read], abs=1e-5
    )
    assert (np.diff(reranked) <= 1e-6).all()
    assert ((reranked >= 0) & (reranked <= 1)).all()


def test_a_relevant_score_is_within_reach_of_each_mode() -> None:
    for mode in Mode:
        best = {name: np.ones(1, np.float32) for name in (*DENSE, *LEXICAL)}
        assert fuse(best, mode, 1.0)[0] > fusion.RELEVANT
