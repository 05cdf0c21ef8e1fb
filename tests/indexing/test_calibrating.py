"""Calibrating when the index is built: for models without a fit, when it is due."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from corpus import write, write_many
from fake_encoder import StandIn

import qa.embedding.loading
from qa.config import Settings
from qa.embedding.model_protocols import Encoder
from qa.embedding.models import KNOWN
from qa.errors import ExportRefusedError, StoreUnavailableError
from qa.index import calibration_file, generation
from qa.index.generation import Generation
from qa.indexing import calibrating
from qa.indexing.build import Report, build_with_model
from qa.retrieval import calibration, calibrator
from qa.stores import publication

_NONE = "no calibration fits the model"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The model that the settings name."""
    encoder = StandIn()
    monkeypatch.setattr(qa.embedding.loading, "load_encoder", lambda *_: encoder)
    return encoder


def _build(settings: Settings, **options: bool) -> Report:
    return build_with_model(settings, **options)


def _measured(settings: Settings) -> calibration.Measurement | None:
    live = generation.load(generation.current(settings.index))
    return calibration.fitting(calibration_file.read(settings.index), settings.index, live.manifest)


def test_the_first_build_with_a_model_without_a_fit_calibrates(settings: Settings, model: StandIn) -> None:
    report = _build(settings)
    measured = _measured(settings)
    assert report.calibrated == _NONE
    assert measured
    assert measured.generation == report.generation
    expected = calibrator.measure(generation.load(generation.current(settings.index)), model)
    assert measured.calibration == expected.calibration


def test_the_next_build_keeps_the_calibration(settings: Settings, model: StandIn) -> None:
    _build(settings)
    before = calibration_file.read(settings.index)
    write(settings.docs, {"more.txt": "Fish was sold in the port."})
    reports = [_build(settings), _build(settings)]
    assert [(report.changed, report.calibrated) for report in reports] == [(True, None), (False, None)]
    assert calibration_file.read(settings.index) == before


def test_a_lost_or_damaged_calibration_is_measured_again_though_nothing_else_changed(
    settings: Settings, model: StandIn
) -> None:
    _build(settings)
    calibration_file.remove(settings.index)
    assert _build(settings).calibrated == _NONE
    (settings.index / calibration_file.NAME).write_text("{")
    assert _build(settings).calibrated == "the calibration is damaged"
    assert _measured(settings)


def test_another_model_or_version_is_calibrated_for(
    settings: Settings, model: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    _build(settings)
    model.fingerprint = "fedcba9876543210"
    assert _build(settings).calibrated == _NONE
    monkeypatch.setattr(calibration, "VERSION", calibration.VERSION + 1)
    monkeypatch.setattr(calibrator, "VERSION", calibration.VERSION)
    assert _build(settings).calibrated == _NONE
    assert _build(settings).calibrated is None


def test_an_index_that_grows_or_shrinks_by_more_than_half_is_calibrated_anew(
    settings: Settings, model: StandIn
) -> None:
    first = _build(settings).passages
    write_many(settings.docs / "many")
    grown = _build(settings)
    assert grown.passages > 1.5 * first
    assert grown.calibrated == f"the index had {first} passages when it was calibrated"
    shutil.rmtree(settings.docs / "many")
    shrunk = _build(settings, allow_empty=True)
    assert shrunk.calibrated == f"the index had {grown.passages} passages when it was calibrated"


@pytest.mark.parametrize(
    ("before", "is_due"), [(50, False), (20, False), (19, True), (60, False), (61, True)]
)
def test_a_change_of_half_is_none(
    settings: Settings, model: StandIn, monkeypatch: pytest.MonkeyPatch, before: int, *, is_due: bool
) -> None:
    _build(settings)
    manifest = generation.load(generation.current(settings.index)).manifest
    object.__setattr__(manifest, "passages", 30)
    monkeypatch.setattr(calibration_file, "indexed_passages", lambda *_: before)
    assert (calibrating.reason_to_measure(settings.index, manifest) is not None) == is_due


def test_a_calibration_of_unknown_size_is_kept(
    settings: Settings, model: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration_file, "_size", lambda *_: {})
    _build(settings)
    write_many(settings.docs / "many")
    assert _build(settings).calibrated is None


@pytest.mark.parametrize("name", [name for known in KNOWN for name in (known.name, known.hub)])
def test_models_with_a_fit_are_left_alone(settings: Settings, model: StandIn, name: str) -> None:
    model.name = name
    assert _build(settings).calibrated is None
    assert calibration_file.read(settings.index) is None


def test_an_index_without_passages_is_left_alone(tmp_path: Path, model: StandIn) -> None:
    settings = Settings(docs=write(tmp_path / "none", {"a.txt": ""}), index=tmp_path / "index")
    assert _build(settings).calibrated is None


@pytest.mark.parametrize("error", [ValueError("odd vectors"), MemoryError(), OSError(28, "No space left")])
def test_a_failure_loses_no_build(
    settings: Settings,
    model: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(calibrator, "measure", fail)
    report = _build(settings)
    assert report.calibrated is None
    assert generation.current(settings.index).name == report.generation
    assert "the index is built but not calibrated" in caplog.text
    assert "run `qa calibrate`" in caplog.text


def test_the_calibration_is_applied_where_the_index_is_published(
    settings: Settings, model: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    applied: list[bytes | None] = []
    monkeypatch.setattr(
        publication, "publish_calibration", lambda used: applied.append(calibration_file.read(used.index))
    )
    _build(settings)
    assert applied == [calibration_file.read(settings.index)] != [None]

    def fail(_: Settings) -> None:
        raise StoreUnavailableError("Milvus does not answer")

    calibration_file.remove(settings.index)
    monkeypatch.setattr(publication, "publish_calibration", fail)
    assert _build(settings).calibrated is None
    assert "Milvus does not answer" in caplog.text


def test_the_model_itself_calibrates_if_its_export_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refused(StandIn):
        def check(self, sentences: object) -> None:
            raise ExportRefusedError("it differs")

    used: list[Encoder] = []
    plain, measure = StandIn(), calibrator.measure

    def note(live: Generation, encoder: Encoder) -> calibration.Measurement:
        used.append(encoder)
        return measure(live, encoder)

    monkeypatch.setattr(qa.embedding.loading, "load_encoder", lambda *_: Refused())
    monkeypatch.setattr(qa.embedding.loading, "load_plain", lambda *_: plain)
    monkeypatch.setattr(calibrator, "measure", note)
    assert _build(settings).calibrated == _NONE
    assert used == [plain]


def test_progress_says_that_it_calibrates(
    settings: Settings, model: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    _build(settings, progress=True)
    assert "Calibrating: 00:0" in capsys.readouterr().err


def test_the_file_says_how_many_passages_it_was_measured_on(settings: Settings, model: StandIn) -> None:
    report = _build(settings)
    data = calibration_file.read(settings.index)
    assert data
    assert calibration_file.indexed_passages(data, settings.index) == report.passages
    assert json.loads(data)["indexed_passages"] == report.passages


def test_a_large_index_is_calibrated_for_a_known_model_too(
    settings: Settings, model: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrating, "known_model", lambda _: KNOWN[0])
    assert _build(settings).calibrated is None
    live = generation.load(generation.current(settings.index))
    monkeypatch.setattr(calibrating, "_LARGE", live.manifest.passages)
    assert _build(settings).calibrated == _NONE
    assert _measured(settings)
