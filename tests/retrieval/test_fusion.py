"""Signals fused into scores, and a reranker's order, against their definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive import fused

from qa.arrays import Affine
from qa.embedding.models import DEFAULT_MODEL, MULTILINGUAL_MODEL
from qa.retrieval.fits import AcrossLanguages, Fit, Logistic, fit_for
from qa.retrieval.fusion import fuse, fuse_answers, rerank
from qa.retrieval.signals import FOREIGN, SHARED, Signals
from qa.types import Float32, Mode

_FITS = st.sampled_from([fit_for(DEFAULT_MODEL), fit_for(MULTILINGUAL_MODEL), fit_for("of an unknown model")])
_NAMES = (*fit_for(DEFAULT_MODEL).dense, *fit_for(DEFAULT_MODEL).lexical)
_SIGNALS = st.fixed_dictionaries({name: st.floats(0, 1, width=32) for name in _NAMES})
_ACROSS = AcrossLanguages(
    {"sentence": 3.0, "interaction": 1.0, SHARED: 2.0}, Affine(0.5, 0.25), Logistic(0, {})
)
_FIT = replace(fit_for(DEFAULT_MODEL), across=_ACROSS)


def _arrays(signals: Mapping[str, float]) -> Signals:
    return {name: np.array([value], np.float32) for name, value in signals.items()}


@given(_SIGNALS, st.floats(0, 1), _FITS)
def test_a_score_is_the_weighted_mean_of_the_signals_of_the_mode(
    signals: dict[str, float], fluency: float, fit: Fit
) -> None:
    hybrid = {name: fluency * weight for name, weight in fit.dense.items()} | dict(fit.lexical)
    for mode, weights in ((Mode.HYBRID, hybrid), (Mode.DENSE, fit.dense), (Mode.LEXICAL, fit.lexical)):
        score = fuse(_arrays(signals), fit, mode, fluency)
        assert score.tolist() == pytest.approx([fused(signals, weights)], abs=1e-5)


@given(st.floats(0, 1, width=32), st.floats(0, 1), st.sampled_from(Mode), _FITS)
def test_signals_that_agree_are_the_score(value: float, fluency: float, mode: Mode, fit: Fit) -> None:
    signals = _arrays(dict.fromkeys(_NAMES, value))
    assert fuse(signals, fit, mode, fluency).tolist() == pytest.approx([value], abs=1e-5)
    assert fuse_answers(signals, fit, mode, fluency).tolist() == pytest.approx([value], abs=1e-5)


def test_missing_signals_do_not_count() -> None:
    signals = _arrays({"lexical": 0.4, "coverage": 0.4})
    assert fuse(signals, _FIT, Mode.HYBRID, 1.0).tolist() == pytest.approx([0.4])


@pytest.mark.parametrize("score", [fuse, fuse_answers])
@given(_SIGNALS, st.floats(0, 1, width=32), st.floats(0, 1))
def test_a_foreign_passages_score_is_what_holds_across_languages(
    score: Callable[..., Float32], signals: dict[str, float], shared: float, fluency: float
) -> None:
    own = signals | {FOREIGN: 1.0, SHARED: shared}
    expected = 0.25 + 0.5 * fused(own, _ACROSS.weights)
    assert score(_arrays(own), _FIT, Mode.HYBRID, fluency).tolist() == pytest.approx([expected], abs=1e-5)
    # Words, and how well the model knows the question's language, don't count.
    other = own | dict.fromkeys(_FIT.lexical, 0.125)
    assert score(_arrays(other), _FIT, Mode.HYBRID, 1 - fluency).tolist() == pytest.approx(
        [expected], abs=1e-5
    )


@pytest.mark.parametrize("score", [fuse, fuse_answers])
@given(st.lists(st.tuples(_SIGNALS, st.booleans()), min_size=1, max_size=6), st.floats(0, 1), _FITS)
def test_foreign_passages_change_no_others_scores(
    score: Callable[..., Float32], passages: list[tuple[dict[str, float], bool]], fluency: float, fit: Fit
) -> None:
    signals = {name: np.array([own[name] for own, _ in passages], np.float32) for name in _NAMES}
    foreign = np.array([is_foreign for _, is_foreign in passages])
    among = signals | {FOREIGN: foreign.astype(np.float32), SHARED: np.ones(len(passages), np.float32)}
    before, after = (score(each, fit, Mode.HYBRID, fluency) for each in (signals, among))
    assert after.dtype == np.float32
    assert after[~foreign].tolist() == before[~foreign].tolist()
    if fit.across is None:
        assert after.tolist() == before.tolist()


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


@pytest.mark.parametrize("model", [DEFAULT_MODEL, MULTILINGUAL_MODEL, "of an unknown model"])
def test_a_relevant_score_is_within_reach_of_each_mode(model: str) -> None:
    fit, best = fit_for(model), _arrays(dict.fromkeys(_NAMES, 1.0))
    for mode in Mode:
        assert fuse(best, fit, mode, 1.0)[0] > fit.relevant
    if fit.across:
        assert fuse({**best, **_arrays({FOREIGN: 1, SHARED: 1})}, fit, Mode.HYBRID, 1.0)[0] > fit.relevant
