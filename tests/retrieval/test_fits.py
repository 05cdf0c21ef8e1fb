"""What is kept as data for each model: every file is whole, used, and names what exists."""

from __future__ import annotations

import inspect
from importlib.resources import files

import numpy as np
import pytest

from qa.embedding.models import DEFAULT_MODEL, KNOWN, MULTILINGUAL_MODEL, KnownModel
from qa.retrieval import fits, signals
from qa.retrieval.calibration import REFERENCE, not_calibrated
from qa.retrieval.confidence import ANSWERABLE, FEATURES
from qa.retrieval.fits import Fit, Logistic, fit_for

_FILES = sorted(file.name for file in files("qa.retrieval.fits").iterdir() if not file.name.startswith("_"))
_MODELS = [model.name for model in KNOWN]
_ALL = [*_MODELS, "of an unknown model"]


def _signal_names() -> set[str]:
    lines = inspect.getdoc(signals).split("=\n", 1)[1].rsplit("\n=", 1)[0].splitlines()  # type: ignore[union-attr]
    return {line.split()[0] for line in lines if not line.startswith("=")}


def test_each_known_model_has_a_file_and_each_file_a_model() -> None:
    assert sorted(f"{name}.toml" for name in _MODELS) == _FILES


@pytest.mark.parametrize("model", KNOWN, ids=lambda model: model.name)
def test_a_model_has_its_fit_by_either_of_its_names(model: KnownModel) -> None:
    assert fit_for(model.name) == fit_for(model.hub) == fits._read(model.name)


@pytest.mark.parametrize("model", _ALL)
def test_weights_are_those_of_signals_that_exist(model: str) -> None:
    fit, names = fit_for(model), _signal_names()
    by_words = {"lexical", "lexical_nearby", "coverage", "adjacency"}
    by_model = {"dense", "sentence", "sentence_nearby", "interaction"}
    assert names == by_words | by_model | {signals.FOREIGN, signals.SHARED}
    assert fit.dense.keys() <= by_model
    assert fit.lexical.keys() <= by_words
    assert fit.answer_dense.keys() <= {"sentence", "interaction"}
    assert fit.answer_lexical.keys() == {"coverage"}
    for weights in (fit.dense, fit.lexical, fit.answer_dense, fit.answer_lexical):
        assert all(weight >= 0 for weight in weights.values())
        assert sum(weights.values()) > 0
    if fit.across:
        assert fit.across.weights.keys() <= by_model | {signals.SHARED}
        assert all(weight >= 0 for weight in fit.across.weights.values())
        assert sum(fit.across.weights.values()) > 0
        assert fit.across.score.scale > 0


@pytest.mark.parametrize("model", _ALL)
def test_features_are_those_that_exist_and_no_good_sign_counts_against_an_answer(model: str) -> None:
    fit = fit_for(model)
    regressions = [fit.confidence, fit.words, *([fit.across.confidence] if fit.across else [])]
    nothing, everything = dict.fromkeys(FEATURES, 0.0), dict.fromkeys(FEATURES, 1.0)
    for regression in regressions:
        assert regression.weights.keys() <= set(FEATURES)
        assert regression.log_odds(nothing) == regression.intercept < 0 < regression.log_odds(everything)


@pytest.mark.parametrize("model", _ALL)
def test_cosines_keep_1_and_their_order(model: str) -> None:
    fit = fit_for(model)
    assert fit.cosines.keys() == REFERENCE.keys()
    for scale in fit.cosines.values():
        assert scale.scale > 0
        assert scale(np.ones(1, np.float32)).tolist() == pytest.approx([1])
    plain = not_calibrated(fit)
    assert (plain.sentence, plain.interaction) == (fit.cosines["sentence"], fit.cosines["interaction"])
    assert (plain.bias, plain.illegible_bias) == (0, 0)


@pytest.mark.parametrize("model", _ALL)
def test_a_relevant_score_is_between_nothing_and_everything(model: str) -> None:
    assert 0 < fit_for(model).relevant < 1
    assert 0 < ANSWERABLE < 1


def test_an_unknown_model_gets_the_fit_of_the_default_one() -> None:
    assert fit_for("of an unknown model") == fit_for(DEFAULT_MODEL)
    assert fit_for(MULTILINGUAL_MODEL) != fit_for(DEFAULT_MODEL)


def test_the_default_model_finds_nothing_across_languages() -> None:
    assert fit_for(DEFAULT_MODEL).across is None
    assert fit_for(MULTILINGUAL_MODEL).across is not None


def test_a_fit_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        fit_for(DEFAULT_MODEL).relevant = 1.0  # type: ignore[misc]


def test_features_without_a_weight_do_not_count() -> None:
    regression = Logistic(-1.0, {"score": 2.0})
    assert regression.log_odds({"score": 0.25, "margin": 9.0}) == -0.5


def test_a_fit_has_all_that_the_search_asks_for() -> None:
    assert all(isinstance(fit_for(model), Fit) for model in _ALL)
