"""The calibration of an index: measured when the index is built, so that nobody has to run ``qa calibrate``.

The weights of ranking and confidence hold for the known models. Under another one, most questions would count
as answerable. Under a known one, only a large index needs a bias of its own.
"""

from __future__ import annotations

import logging
from pathlib import Path

from tqdm import tqdm

from qa.config import Settings
from qa.embedding.model_protocols import Encoder
from qa.embedding.models import known_model
from qa.errors import CorruptIndexError
from qa.index import calibration_file, generation
from qa.index.manifest import Manifest
from qa.retrieval import calibration, calibrator
from qa.stores import publication

_log = logging.getLogger(__name__)

_LARGEST_CHANGE = 0.5
"""A calibration is measured anew if the index has grown or shrunk by more than this share since (chosen).

The bias grows with the logarithm of the number of passages: less than a half changes little.
"""


_LARGE = 1000
"""Under a known model, an index with fewer passages is not measured. Chosen: with 259, 307 and 2,310 passages
the bias is 0."""


def keep_up(settings: Settings, encoder: Encoder, *, progress: bool = False) -> str | None:
    """Measure the calibration of the live generation if its model needs one, and it has none that fits.

    Whatever goes wrong is logged: the index is built and stays as it is.

    Args:
        settings: where the index is, and where it is published.
        encoder: the model that it was built with.
        progress: show on standard error that it takes time.

    Returns:
        Why it was measured; None if it was not.
    """
    try:
        return _keep_up(settings, encoder, progress=progress)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the index is built
        _log.warning("the index is built but not calibrated (%s): run `qa calibrate`", error)
        return None


def _keep_up(settings: Settings, encoder: Encoder, *, progress: bool) -> str | None:
    live = generation.load(generation.current(settings.index))
    if known_model(encoder.name) and live.manifest.passages < _LARGE:
        return None
    reason = reason_to_measure(settings.index, live.manifest)
    if reason:
        with tqdm(desc="Calibrating", bar_format="{desc}: {elapsed}", disable=not progress):
            calibration.write(settings.index, calibrator.measure(live, encoder))
        publication.publish_calibration(settings)
    return reason


def reason_to_measure(index: Path, manifest: Manifest) -> str | None:
    """Say why a generation needs another calibration than the index has, or return None."""
    if not manifest.passages:
        return None
    try:
        data = calibration_file.read(index)
        if data is None or calibration.fitting(data, index, manifest) is None:
            return "no calibration fits the model"
        before = calibration_file.indexed_passages(data, index)
    except CorruptIndexError:
        return "the calibration is damaged"
    if before is None or abs(manifest.passages - before) <= _LARGEST_CHANGE * before:
        return None
    return f"the index had {before} passages when it was calibrated"
