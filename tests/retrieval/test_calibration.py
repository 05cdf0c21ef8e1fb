"""The file of a calibration: written, read, refused, and used by a running service."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_encoder import StandIn

from qa.arrays import Affine
from qa.cli.commands import main
from qa.config import Settings
from qa.errors import CorruptIndexError
from qa.index import calibration_file, generation
from qa.index.manifest import seal
from qa.retrieval import calibration, calibrator
from qa.retrieval.calibration import Calibration, Measurement
from qa.retrieval.live import LiveSearcher
from qa.retrieval.searcher import Searcher
from qa.types import Query

_STRETCHED = Calibration(Affine(2.0, -1.0), Affine(1.5, -0.5), bias=-1.0, illegible_bias=-2.0)


@pytest.fixture
def measured(built: Path) -> Measurement:
    return calibrator.measure(generation.load(built), StandIn())


def _read(settings: Settings, built: Path) -> Measurement | None:
    manifest = generation.Manifest.read(built)
    return calibration.fitting(calibration_file.read(settings.index), settings.index, manifest)


def test_what_was_written_is_read(settings: Settings, built: Path, measured: Measurement) -> None:
    assert _read(settings, built) is None
    path = calibration.write(settings.index, measured)
    assert path == settings.index / "calibration.json"
    read = _read(settings, built)
    assert read == replace(measured, languages=list(measured.languages))  # type: ignore[arg-type]
    assert calibration_file.remove(settings.index)
    assert _read(settings, built) is None
    assert not calibration_file.remove(settings.index)
    assert not list(settings.index.glob("*calibration*"))


@pytest.mark.parametrize("other", [{"encoder": "of another model"}, {"version": -1}])
def test_a_calibration_of_another_model_or_version_is_not_used(
    settings: Settings, built: Path, measured: Measurement, other: dict[str, object]
) -> None:
    calibration.write(settings.index, replace(measured, **other))  # type: ignore[arg-type]
    assert _read(settings, built) is None


_DAMAGE: list[Callable[[bytes], bytes]] = [
    lambda content: b"",
    lambda content: content[: len(content) // 2],
    lambda content: content.replace(b'"scale": 1.0', b'"scale": 2.0', 1),
    lambda content: content.replace(b'"bias"', b'"bios"', 1),
    lambda content: b"[1, 2]",
    lambda content: b"null",
    lambda content: b"\xff\xfe",
]


@pytest.mark.parametrize("damage", _DAMAGE)
def test_a_damaged_calibration_is_an_error_and_never_used(
    settings: Settings, built: Path, measured: Measurement, damage: Callable[[bytes], bytes]
) -> None:
    path = calibration.write(settings.index, replace(measured, calibration=Calibration()))
    path.write_bytes(damage(path.read_bytes()))
    live = LiveSearcher(settings, lambda _: StandIn())
    with pytest.raises(CorruptIndexError, match=r"calibration\.json .*`qa calibrate`.*--reset"):
        live.current()
    calibration_file.remove(settings.index)
    assert live.current().search(Query("rice")).hits


def test_a_folder_instead_of_the_file_is_an_error(settings: Settings, built: Path) -> None:
    (settings.index / "calibration.json").mkdir()
    with pytest.raises(CorruptIndexError, match=r"calibration\.json cannot be read"):
        calibration_file.read(settings.index)


def test_sealed_content_of_another_shape_is_an_error(settings: Settings, built: Path) -> None:
    content = {"version": calibration.VERSION, "encoder": StandIn().fingerprint}
    sealed = content | {"sha256": seal(content)}
    with pytest.raises(CorruptIndexError, match="cannot be read"):
        calibration.fitting(json.dumps(sealed).encode(), settings.index, generation.Manifest.read(built))


def test_a_running_service_switches_to_a_calibration_and_back(
    settings: Settings, built: Path, measured: Measurement, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    load = generation.load
    monkeypatch.setattr(generation, "load", lambda folder: opened.append(folder) or load(folder))
    live = LiveSearcher(settings, lambda _: StandIn())
    query = Query("How many students from Cambodia study in Moscow?")
    before = live.current().search(query)
    assert live.current() is live.current()
    calibration.write(settings.index, replace(measured, calibration=_STRETCHED))
    during = live.current().search(query)
    assert live.current() is live.current()
    direct = Searcher(load(built), StandIn(), None, _STRETCHED).search(query)
    assert (during.confidence, during.hits) == (direct.confidence, direct.hits)
    assert during.confidence != before.confidence
    calibration_file.remove(settings.index)
    after = live.current().search(query)
    assert (after.confidence, after.hits) == (before.confidence, before.hits)
    assert opened == [built]  # the generation is still the same


def test_the_service_ignores_a_calibration_of_another_model(
    settings: Settings, built: Path, measured: Measurement
) -> None:
    query = Query("rice")
    plain = LiveSearcher(settings, lambda _: StandIn()).current().search(query)
    calibration.write(settings.index, replace(measured, encoder="another", calibration=_STRETCHED))
    same = LiveSearcher(settings, lambda _: StandIn()).current().search(query)
    assert (same.confidence, same.hits) == (plain.confidence, plain.hits)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run the command in the folder of ``docs`` and ``index``, without a real model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qa.retrieval.live.open_encoder", lambda *_, **__: StandIn())
    return lambda *words: CliRunner().invoke(main, words)


def test_the_command_measures_writes_shows_and_removes(run, settings: Settings, built: Path) -> None:
    said = run("calibrate")
    assert said.exit_code == 0
    for word in ("120 questions", "sentences", "tokens", "log odds", "confidence", "index/calibration.json"):
        assert word in said.stdout
    kept = json.loads((settings.index / "calibration.json").read_text("utf-8"))
    status = run("status").stdout
    assert f"calibrated  {kept['created']}, on generation {built.name}\n" in status
    assert json.loads(run("status", "--json").stdout)["calibration"]["encoder"] == StandIn().fingerprint
    again = json.loads(run("calibrate", "--json").stdout)
    assert again | {"created": ""} == {name: kept[name] for name in again} | {"created": ""}
    assert run("calibrate", "--reset").stdout == "the calibration is removed\n"
    assert run("calibrate", "--reset").stdout == "there was no calibration\n"
    assert json.loads(run("calibrate", "--reset", "--json").stdout) == {"removed": False}
    assert "calibrated" not in run("status").stdout
    assert json.loads(run("status", "--json").stdout)["calibration"] is None


def test_the_command_replaces_a_damaged_calibration(run, settings: Settings, built: Path) -> None:
    for words in (("calibrate",), ("calibrate", "--reset")):
        (settings.index / "calibration.json").write_text("{", "utf-8")
        refused = run("status")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "`qa calibrate --reset`" in refused.stderr
        assert run(*words).exit_code == 0
        assert run("status").exit_code == 0


def test_the_command_needs_an_index_and_its_model(run, settings: Settings, built: Path, monkeypatch) -> None:
    assert run("calibrate", "--index", "nowhere").exit_code == 1
    monkeypatch.setattr("qa.retrieval.live.open_encoder", lambda *_, **__: StandIn(fingerprint="changed"))
    refused = run("calibrate")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "has changed since the index was built" in refused.stderr
    assert not (settings.index / "calibration.json").exists()
