"""What was fitted for a model, as data: one TOML file a model, made by the programs in ``benchmarks/``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from qa.arrays import Affine
from qa.embedding.models import DEFAULT_MODEL, known_model
from qa.text.language import Fertility

Weights = Mapping[str, float]
"""Weights of signals or features, by name."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression.

    Attributes:
        intercept: the log odds if all features are 0.
        weights: what each feature adds to them, by name.
    """

    intercept: float
    weights: Weights

    def log_odds(self, features: Mapping[str, float]) -> float:
        """Return the log odds; features without a weight don't count."""
        return self.intercept + sum(weight * features[name] for name, weight in self.weights.items())


@dataclass(frozen=True, slots=True)
class AcrossLanguages:
    """What holds for passages in another language than the question's, in which no word can match.

    Attributes:
        weights: those of the signals.
        score: brings the weighted mean onto the scale of scores within a language.
        confidence: how likely such a passage answers the question.
    """

    weights: Weights
    score: Affine
    confidence: Logistic


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted for one model.

    Attributes:
        cosines: what brings the model's cosines onto the scale that all weights are for, by the signal that
            they shape.
        dense: weights of passages' signals that the model makes.
        lexical: weights of those that words make.
        answer_dense: the same for sentences.
        answer_lexical: the same for sentences.
        fertility: how many tokens a word the model makes of languages that it knows, and of others.
        relevant: a passage with at least this score is relevant.
        confidence: how likely the best passages are about the question.
        facts: how likely a passage that is about a question meets its facts.
        same_word: one word's tokens are at least so similar to the other's nineteen times of twenty, if the
            words are the same.
        words: the same for a question in a language that the model cannot read.
        across: what holds across languages; None if the model finds nothing across them.
    """

    cosines: Mapping[str, Affine]
    dense: Weights
    lexical: Weights
    answer_dense: Weights
    answer_lexical: Weights
    fertility: Fertility
    relevant: float
    confidence: Logistic
    facts: Logistic
    same_word: float
    words: Logistic
    across: AcrossLanguages | None


@cache
def fit_for(model: str) -> Fit:
    """Return what was fitted for a model, by its name.

    Any other model gets what was fitted for the default one, onto whose scale a calibration brings its
    cosines: nothing is known of what it finds across languages.
    """
    known = known_model(model)
    return _read(known.name if known else DEFAULT_MODEL)


def _read(name: str) -> Fit:
    content = tomllib.loads(files("qa.retrieval.fits").joinpath(f"{name}.toml").read_text("utf-8"))
    across = content.get("across")
    return Fit(
        cosines=MappingProxyType({name: Affine(**scale) for name, scale in content["cosines"].items()}),
        dense=content["passages"]["dense"],
        lexical=content["passages"]["lexical"],
        answer_dense=content["sentences"]["dense"],
        answer_lexical=content["sentences"]["lexical"],
        fertility=Fertility(**content["fertility"]),
        relevant=content["relevant"],
        confidence=Logistic(**content["confidence"]),
        facts=Logistic(**content["facts"]),
        same_word=content["same_word"],
        words=Logistic(**content["words"]),
        across=_across(across) if across else None,
    )


def _across(content: Mapping[str, Any]) -> AcrossLanguages:
    return AcrossLanguages(content["weights"], Affine(**content["score"]), Logistic(**content["confidence"]))
