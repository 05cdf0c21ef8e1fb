"""Another model's cosines, and another corpus's chances: both measured on questions that nothing answers.

The weights of ``ranking`` and its confidence were fitted for one model. What another model's cosines mean
is told by what it says of pairs that have nothing to do with each other. Questions that no document answers
(``unrelated.LANGUAGE.txt``: people, places and institutions that do not exist) give such pairs with any
passages at all, so that nobody has to write questions of his own.

**Cosines.** The mean cosine of unrelated pairs belongs to the model, whatever the index holds and however
much: 0.01 to 0.04 for all-MiniLM-L6-v2 over five sets of documents in two languages, 0.7 and more for models
of the kind of E5. Equal vectors have the cosine 1 in each. The map that keeps 1 in its place and brings the
mean to the default model's is ``1 - (1 - cosine) * (1 - reference) / (1 - mean)``. A map that fits the
spread of unrelated pairs instead was worse (``benchmarks/README.md``): how far chance scatters says little
of how far answers stand out.

**Confidence.** The larger an index, the better the best of its passages fits a question by chance: the
largest of n draws with the deviation s lies about ``s * sqrt(2 ln n)`` above their mean (Leadbetter,
Lindgren and Rootzén, Extremes and Related Properties of Random Sequences and Processes, 1983, theorem
1.5.3). What that does to the confidence is not worked out but measured, on the whole index: a bias takes its
log odds down until nine of ten such questions get a quarter at the most; a tenth may happen to be answered.
It takes nothing up: in five documents such questions get less than elsewhere, but real answers get as much,
and questions close to the documents' subject would be let through. Questions that the model cannot read are
answered by words alone and have a bias of their own.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from qa.arrays import Affine, ranges
from qa.index import calibration_file
from qa.index.generation import Generation
from qa.index.manifest import Manifest
from qa.retrieval import ranking
from qa.retrieval.evidence import Evidence, Nearest
from qa.retrieval.ranking import NOT_CALIBRATED, Calibration
from qa.types import Encoder, Float32, Int64, Query

VERSION = 1
"""Changes with the questions, the reference or what either is for: older calibrations are not used."""

REFERENCE = {"sentence": 0.017, "interaction": 0.317}
"""The default model's mean cosines of unrelated pairs (``benchmarks/calibration.py``): of a question and a
sentence; of a question's token and the passage's that is nearest to it."""

LANGUAGES = ("en", "ru")
"""Those that there are unrelated questions in. English serves for all others."""

_AS_USUAL = 0.05  # sets of documents differ by as much under one model
_NEARLY_ONE = 0.98  # vectors that are closer to each other cannot be told apart in 8 bits
_SAMPLE = 500
_SEED = 0
_FEW = 10
_LEGIBLE = 0.5
_SPOKEN = 0.02
_MOST = 0.9
_CLEARLY_NOT = math.log(1 / 3)  # a quarter
_LARGEST_BIAS = 3.0  # what was 95% sure stays answerable
_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Measured:
    """A calibration and what it was measured on. This is what the file holds, beside its ``sha256``.

    Attributes:
        version: of this module.
        encoder: the fingerprint of the model that it holds for.
        model: the model's name.
        generation: the generation that it was measured on.
        created: ISO time, UTC.
        languages: those of the questions.
        questions: how many were asked.
        passages: how many passages they were compared with for ``means``.
        means: the mean cosines of unrelated pairs, by the names of ``REFERENCE``; none where the model
            could not read the questions.
        calibration: what follows from that.
        before: the confidence that nine of ten questions stay under without the calibration.
        after: the same with it.
        taken_before: how many questions were taken for answered without it.
        taken_after: the same with it.
    """

    version: int
    encoder: str
    model: str
    generation: str
    created: str
    languages: tuple[str, ...]
    questions: int
    passages: int
    means: dict[str, float]
    calibration: Calibration
    before: float
    after: float
    taken_before: int
    taken_after: int


def measure(found: Generation, encoder: Encoder) -> Measured:
    """Calibrate for the model and the content of a generation; the same one always gives the same."""
    rows = _sample(found)
    languages = _languages(found, rows)
    asked = list(_ask(found, encoder, [line for code in languages for line in questions(code)]))
    legible = np.array([one.legibility >= _LEGIBLE for one in asked])
    means = _means(found, list(compress(asked, legible)), rows)
    maps: dict[str, Any] = {name: _map(mean, REFERENCE[name]) for name, mean in means.items()}
    mapped = Calibration(**maps)
    plain = _rank(asked, NOT_CALIBRATED)
    ranked = _rank(asked, mapped) if mapped != NOT_CALIBRATED else plain
    told = _log_odds(ranked, mapped)
    calibration = replace(mapped, bias=_bias(told[legible]), illegible_bias=_bias(told[~legible]))
    before, after = _log_odds(plain, NOT_CALIBRATED), _log_odds(ranked, calibration)
    return Measured(
        version=VERSION,
        encoder=found.manifest.made_with["encoder"],
        model=found.manifest.model,
        generation=found.manifest.generation,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        languages=languages,
        questions=len(asked),
        passages=len(rows),
        means=means,
        calibration=calibration,
        before=_probability(np.quantile(before, _MOST)),
        after=_probability(np.quantile(after, _MOST)),
        taken_before=_taken(before),
        taken_after=_taken(after),
    )


def questions(language: str) -> list[str]:
    """Give the questions that no document answers in one of ``LANGUAGES``."""
    return files("qa.retrieval").joinpath(f"unrelated.{language}.txt").read_text("utf-8").splitlines()


def _sample(found: Generation) -> Int64:
    """Draw rows, always the same of the same generation."""
    count = len(found.passages)
    chosen = np.random.default_rng(_SEED).choice(count, min(count, _SAMPLE), replace=False)
    return np.sort(chosen).astype(np.int64)


def _languages(found: Generation, rows: Int64) -> tuple[str, ...]:
    """Give those of the questions' languages that a good part of the passages is in; else English."""
    spoken = Counter(passage.language for passage in found.store.passages(rows.tolist()))
    return tuple(code for code in LANGUAGES if spoken[code] > _SPOKEN * len(rows)) or LANGUAGES[:1]


def _ask(found: Generation, encoder: Encoder, lines: Sequence[str]) -> Iterator[Evidence]:
    languages = found.store.languages()
    for line, vectors in zip(lines, encoder.encode_queries(lines), strict=True):
        nearest = partial(Nearest.find, found, vectors, _DEPTH, None)
        yield Evidence.gather(found, Query(line), _DEPTH, languages=languages, nearest=nearest, allowed=None)


def _means(found: Generation, asked: Sequence[Evidence], rows: Int64) -> dict[str, float]:
    """Give the mean cosines of questions that the model can read and of passages, by name."""
    if len(asked) < _FEW or not len(rows):
        return {}
    numbers = ranges(*found.bounds(rows))
    middle = found.sentences.vectors(numbers).mean(axis=0)  # the mean cosine is the cosine with the mean
    return {
        "sentence": float(np.mean([middle @ one.vectors.vector for one in asked if one.vectors])),
        "interaction": float(np.mean([one.interaction(rows) for one in asked])),
    }


def _map(mean: float, reference: float) -> Affine:
    """Bring the mean of unrelated pairs to the reference; one that is about there stays as it is."""
    if abs(mean - reference) <= _AS_USUAL:
        return Affine()
    scale = (1 - reference) / (1 - min(mean, _NEARLY_ONE))
    return Affine(scale, 1 - scale)


def _rank(asked: Sequence[Evidence], calibration: Calibration) -> list[tuple[ranking.Signals, float]]:
    """Give the signals of the best passages for each question, and how well the model can read it."""
    found = [replace(one, calibration=calibration) for one in asked]
    return [(one.rank().signals, one.legibility) for one in found]


def _log_odds(ranked: Sequence[tuple[ranking.Signals, float]], calibration: Calibration) -> Float32:
    """Give the log odds that each question is answered."""
    return np.array([ranking.log_odds(*one, calibration) for one in ranked], np.float32)


def _bias(log_odds: Float32) -> float:
    """Take what is told of unrelated questions down to where it is clear that nothing answers them."""
    if len(log_odds) < _FEW:
        return 0.0
    return float(np.clip(_CLEARLY_NOT - np.quantile(log_odds, _MOST), -_LARGEST_BIAS, 0))


def _probability(log_odds: Any) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def _taken(log_odds: Float32) -> int:
    return sum(_probability(one) >= ranking.ANSWERABLE for one in log_odds)


def write(index: Path, measured: Measured) -> Path:
    """Keep a calibration beside the generations of an index, and return the path of its file."""
    return calibration_file.write(index, json.loads(json.dumps(asdict(measured))))


def fitting(data: bytes | None, index: Path, manifest: Manifest) -> Measured | None:
    """Return the calibration that a file holds, if it fits a generation's model and this version.

    Raises:
        CorruptIndexError: the file is not what was written.
    """
    if data is None:
        return None
    content = calibration_file.parse(data, index)
    try:
        if (content["version"], content["encoder"]) != (VERSION, manifest.made_with["encoder"]):
            return None
        return Measured(**content | {"calibration": _calibration(content["calibration"])})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise calibration_file.unreadable(index, error) from error


def _calibration(found: dict[str, Any]) -> Calibration:
    maps = {name: Affine(**found[name]) for name in REFERENCE}
    return Calibration(**found | maps)


def describe(measured: Measured) -> str:
    """Put a calibration as a person reads it."""
    made, languages = measured.calibration, ", ".join(measured.languages)
    return "\n".join(
        (
            f"{measured.questions} questions that nothing answers ({languages}) were asked of the index",
            f"sentences   {_describe_map(measured.means, 'sentence', made.sentence)}",
            f"tokens      {_describe_map(measured.means, 'interaction', made.interaction)}",
            f"log odds    {made.bias:.2f}, if the model cannot read the question {made.illegible_bias:.2f}",
            f"confidence  at most {measured.after:.0%} for nine of ten of them, before {measured.before:.0%}",
            f"answerable  {measured.taken_after} of them, before {measured.taken_before}",
        )
    )


def _describe_map(means: Mapping[str, float], name: str, found: Affine) -> str:
    if name not in means:
        return "left as they are: the model cannot read the questions"
    done = "left as they are" if found == Affine() else f"stretched by {found.scale:.2f}"
    usual = f"with the default model {REFERENCE[name]:.2f}"
    return f"{done}: unrelated ones have a cosine of {means[name]:.2f}, {usual}"
