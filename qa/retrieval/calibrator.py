"""Measures a calibration on questions that nothing answers.

The weights of ``fusion`` and ``confidence`` were fitted for one model. How another model's cosines compare
shows in pairs of texts that have nothing to do with each other. The built-in questions in
``unrelated.LANGUAGE.txt`` are about people, places and institutions that don't exist. With any passages at
all they make such pairs, so that nobody has to write questions.

**Cosines.** The mean cosine of unrelated pairs depends on the model, not on what the index holds or how
much: it is 0.01 to 0.04 for all-MiniLM-L6-v2 over five sets of documents in two languages, and 0.7 or more
for models like E5. Equal vectors have the cosine 1 in every model. The map that keeps 1 and brings the mean
to the default model's is ``1 - (1 - cosine) * (1 - reference) / (1 - mean)``. A map that fits the spread of
unrelated pairs instead was worse (``benchmarks/README.md``): how far chance scatters says little about how
far answers stand out.

**Confidence.** The larger an index, the better its best passage fits a question by chance: the largest of n
draws with the deviation s lies about ``s * sqrt(2 ln n)`` above their mean (Leadbetter, Lindgren and
Rootzén, Extremes and Related Properties of Random Sequences and Processes, 1983, theorem 1.5.3). The effect
on the confidence is not computed but measured on the whole index: a bias lowers its log odds until nine of
ten such questions get a quarter at most; one in ten may happen to be answered. The bias raises nothing: in
five documents such questions get less than in larger sets, but real answers get as much, and questions close
to the documents' subject would be let through. Questions that the model cannot read are answered by words
alone and have a bias of their own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from itertools import compress
from typing import Any

import numpy as np

from qa.arrays import Affine, ranges
from qa.embedding.model_protocols import Encoder
from qa.embedding.models import known_model
from qa.index.generation import Generation
from qa.retrieval.calibration import REFERENCE, VERSION, Calibration, Measurement, not_calibrated
from qa.retrieval.candidates import Candidates, dense_candidates, lexical_candidates, merge
from qa.retrieval.confidence import ANSWERABLE, log_odds
from qa.retrieval.fits import Fit, fit_for
from qa.retrieval.ranking import rank
from qa.retrieval.signals import QuestionSignals, Signals
from qa.text.language import LEGIBLE
from qa.types import Float32, Int64, Query

LANGUAGES = ("en", "ru")
"""Languages that have unrelated questions. Indexes in other languages get the English ones."""

_USUAL_DIFFERENCE = 0.05
"""Means closer to the reference than this are left alone: sets of documents differ as much under one
model."""

_NEARLY_ONE = 0.98
"""A mean is taken for this at most: vectors closer to each other cannot be told apart in 8 bits."""

_SAMPLE, _SEED = 500, 0
"""How many passages the means are measured on. Chosen: with 120 questions they make 60,000 pairs."""

_MIN_QUESTIONS = 10
"""With fewer questions nothing is measured: a ninth decile of fewer says nothing."""

_MIN_LANGUAGE_SHARE = 0.02
"""Questions are in each language of more than this share of the passages. Chosen, as the next three."""

_MOST, _CLEARLY_NOT = 0.9, math.log(1 / 3)
"""This share of unrelated questions gets a confidence of a quarter at most."""

_LARGEST_BIAS = 3.0
"""The bias takes off at most so much: a confidence of 95% stays above one half."""

_DEPTH = 20
"""How many passages are ranked for each question: one tier."""


def measure(generation: Generation, encoder: Encoder) -> Measurement:
    """Calibrate for the model and the content of a generation. The result is always the same."""
    rows = _sample(generation)
    languages = _languages(generation, rows)
    lines = [line for language in languages for line in questions(language)]
    candidates = list(_find_candidates(generation, encoder, lines))
    legible = np.array([own.fluency >= LEGIBLE for own in candidates])
    means = _means(generation, list(compress(candidates, legible)), rows)
    fit = fit_for(generation.manifest.model)
    plain = not_calibrated(fit)
    mapped = plain if known_model(generation.manifest.model) else _mapped(means)
    before = _log_odds(_rank(generation, candidates, plain), fit, plain)
    ranked = _rank(generation, candidates, mapped)
    unbiased = _log_odds(ranked, fit, mapped)
    calibration = replace(mapped, bias=_bias(unbiased[legible]), illegible_bias=_bias(unbiased[~legible]))
    after = _log_odds(ranked, fit, calibration)
    return Measurement(
        version=VERSION,
        encoder=generation.manifest.made_with["encoder"],
        model=generation.manifest.model,
        generation=generation.manifest.generation,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        languages=languages,
        questions=len(candidates),
        passages=len(rows),
        means=means,
        calibration=calibration,
        before=_probability(np.quantile(before, _MOST)),
        after=_probability(np.quantile(after, _MOST)),
        taken_before=_count_answerable(before),
        taken_after=_count_answerable(after),
    )


def questions(language: str) -> list[str]:
    """Return the questions that no document answers, in one of ``LANGUAGES``."""
    return files("qa.retrieval").joinpath(f"unrelated.{language}.txt").read_text("utf-8").splitlines()


def _sample(generation: Generation) -> Int64:
    """Draw rows, always the same ones of a generation."""
    count = len(generation.passages)
    rows = np.random.default_rng(_SEED).choice(count, min(count, _SAMPLE), replace=False)
    return np.sort(rows).astype(np.int64)


def _languages(generation: Generation, rows: Int64) -> tuple[str, ...]:
    """Return the questions' languages in which enough of the passages are; else English."""
    counts = Counter(passage.language for passage in generation.store.passages(rows.tolist()))
    enough = _MIN_LANGUAGE_SHARE * len(rows)
    return tuple(code for code in LANGUAGES if counts[code] > enough) or LANGUAGES[:1]


def _find_candidates(generation: Generation, encoder: Encoder, lines: Sequence[str]) -> Iterator[Candidates]:
    languages = generation.store.languages()
    for line, vectors in zip(lines, encoder.encode_queries(lines), strict=True):
        query = Query(line)
        lexical = lexical_candidates(generation, query, _DEPTH, languages, None)
        yield merge(query, _DEPTH, lexical, dense_candidates(generation, vectors, _DEPTH, None))


def _means(generation: Generation, candidates: Sequence[Candidates], rows: Int64) -> dict[str, float]:
    """Return the mean cosines of legible questions with passages, by name."""
    if len(candidates) < _MIN_QUESTIONS or not len(rows):
        return {}
    sentences = ranges(*generation.bounds(rows))
    middle = generation.sentences.vectors(sentences).mean(axis=0)  # its cosine is the mean cosine
    vectors = [own.dense.vectors.vector for own in candidates if own.dense]
    interactions = [QuestionSignals(generation, own, Calibration()).interaction(rows) for own in candidates]
    return {
        "sentence": float(np.mean([middle @ vector for vector in vectors])),
        "interaction": float(np.mean(interactions)),
    }


def _mapped(means: Mapping[str, float]) -> Calibration:
    """Return the calibration that brings the means of a model without a fit to those of the default model."""
    maps: dict[str, Any] = {name: _map(mean, REFERENCE[name]) for name, mean in means.items()}
    return Calibration(**maps)


def _map(mean: float, reference: float) -> Affine:
    """Return the map that brings a mean of unrelated pairs to the reference, unless it is about there."""
    if abs(mean - reference) <= _USUAL_DIFFERENCE:
        return Affine()
    scale = (1 - reference) / (1 - min(mean, _NEARLY_ONE))
    return Affine(scale, 1 - scale)


def _rank(
    generation: Generation, candidates: Sequence[Candidates], calibration: Calibration
) -> list[tuple[Signals, float]]:
    """Return the signals of each question's best passages, and the model's fluency in its language."""
    signals = [QuestionSignals(generation, own, calibration) for own in candidates]
    return [(rank(generation, own).signals, own.candidates.fluency) for own in signals]


def _log_odds(ranked: Sequence[tuple[Signals, float]], fit: Fit, calibration: Calibration) -> Float32:
    """Return the log odds that each question is answered."""
    return np.array([log_odds(signals, fit, fluency, calibration) for signals, fluency in ranked], np.float32)


def _bias(values: Float32) -> float:
    """Return the bias that makes it clear that unrelated questions, with these log odds, are not answered."""
    if len(values) < _MIN_QUESTIONS:
        return 0.0
    return float(np.clip(_CLEARLY_NOT - np.quantile(values, _MOST), -_LARGEST_BIAS, 0))


def _probability(value: Any) -> float:
    return float(1 / (1 + np.exp(-value)))


def _count_answerable(values: Float32) -> int:
    return sum(_probability(value) >= ANSWERABLE for value in values)
