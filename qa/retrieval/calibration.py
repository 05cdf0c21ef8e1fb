"""What adapts signals and confidence to a model and an index, and the file that keeps it.

``calibrator`` measures it, on questions that nothing answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from qa.arrays import Affine
from qa.index import calibration_file
from qa.index.manifest import Manifest
from qa.retrieval.fits import Fit

VERSION = 2
"""Changes with the questions, the reference or what either is for: older calibrations are not used."""

REFERENCE = {"sentence": 0.017, "interaction": 0.317}
"""The default model's mean cosines of unrelated pairs, measured by ``benchmarks/calibration.py``: of a
question and a sentence; of a question's token and the nearest token of a passage."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes weights and confidence, fitted for one model, hold for another model and for an index.

    Attributes:
        sentence: for the cosines of the question's vector with sentences' and passages'.
        interaction: for the cosines of the question's tokens with passages'.
        bias: added to the log odds of the confidence in answers to questions that the model can read.
        illegible_bias: the same for questions that it cannot read.
    """

    sentence: Affine = field(default_factory=Affine)
    interaction: Affine = field(default_factory=Affine)
    bias: float = 0.0
    illegible_bias: float = 0.0


def not_calibrated(fit: Fit) -> Calibration:
    """Return the calibration of a model's fit, which knows nothing of the index."""
    return Calibration(fit.cosines["sentence"], fit.cosines["interaction"])


@dataclass(frozen=True, slots=True)
class Measurement:
    """A calibration and what it was measured on. This is what the file holds, beside its ``sha256``.

    Attributes:
        version: ``VERSION`` of this module.
        encoder: the fingerprint of the model that it holds for.
        model: the model's name.
        generation: the generation that it was measured on.
        created: ISO time, UTC.
        languages: languages of the questions.
        questions: how many there were.
        passages: how many passages they were compared with for ``means``.
        means: the mean cosines of unrelated pairs, by the names of ``REFERENCE``; none if the model could not
            read the questions.
        calibration: the calibration that follows from them.
        before: the confidence that nine of ten questions stay under without the calibration.
        after: the same with it.
        taken_before: how many questions counted as answerable without it.
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


def write(index: Path, measurement: Measurement) -> Path:
    """Write a calibration beside the generations of an index, and return the path of its file."""
    return calibration_file.write(index, json.loads(json.dumps(asdict(measurement))))


def fitting(data: bytes | None, index: Path, manifest: Manifest) -> Measurement | None:
    """Return the calibration in a file's bytes if it fits a generation's model and this version.

    Raises:
        CorruptIndexError: the file is not what was written.
    """
    if data is None:
        return None
    content = calibration_file.parse(data, index)
    try:
        if (content["version"], content["encoder"]) != (VERSION, manifest.made_with["encoder"]):
            return None
        return Measurement(**content | {"calibration": _calibration(content["calibration"])})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise calibration_file.unreadable(index, error) from error


def _calibration(content: dict[str, Any]) -> Calibration:
    maps = {name: Affine(**content[name]) for name in REFERENCE}
    return Calibration(**content | maps)


def describe(measurement: Measurement) -> str:
    """Return a calibration as text for a person."""
    m, calibration, languages = measurement, measurement.calibration, ", ".join(measurement.languages)
    return "\n".join(
        (
            f"{m.questions} questions that nothing answers ({languages})",
            f"sentences   {_describe_map(m.means, 'sentence', calibration.sentence)}",
            f"tokens      {_describe_map(m.means, 'interaction', calibration.interaction)}",
            f"log odds    {calibration.bias:.2f} ({calibration.illegible_bias:.2f} for illegible questions)",
            f"confidence  at most {m.after:.0%} for nine of ten of them ({m.before:.0%} uncalibrated)",
            f"answerable  {m.taken_after} of them ({m.taken_before} uncalibrated)",
        )
    )


def _describe_map(means: Mapping[str, float], name: str, cosines: Affine) -> str:
    if name not in means:
        return "left as they are: the model cannot read the questions"
    change = "left as they are" if cosines == Affine() else f"stretched by {cosines.scale:.2f}"
    usual = f"default model: {REFERENCE[name]:.2f}"
    return f"{change}: unrelated ones have a cosine of {means[name]:.2f} ({usual})"
