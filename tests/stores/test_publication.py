"""Where a generation is live: the change is atomic here, and follows in a Milvus if the settings name one."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qa import files
from qa.config import Settings
from qa.errors import CorruptIndexError, IndexUnavailableError
from qa.index import calibration_file, generation
from qa.stores.milvus import upload
from qa.stores.publication import (
    drop_earlier,
    make_live,
    publications,
    publish,
    publish_calibration,
)


def _draft(built: Path) -> Path:
    draft = built.with_name(".next")
    shutil.copytree(built, draft)
    return draft


def test_a_published_generation_is_the_live_one(settings: Settings, built: Path) -> None:
    folder = make_live(settings.index, _draft(built), "next")
    assert folder == generation.current(settings.index) == built.with_name("next")
    assert not built.with_name(".next").exists()


@pytest.mark.parametrize("step", ["sync", "replace_file", "put_in_place"])
def test_a_failure_leaves_the_old_generation_live(
    settings: Settings, built: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files, step, fail)
    with pytest.raises(OSError, match="Input/output error"):
        make_live(settings.index, _draft(built), "next")
    assert generation.current(settings.index) == built


def test_the_stamps_change_with_the_generation_and_the_calibration(settings: Settings, built: Path) -> None:
    place = publications(settings)
    seen = [place.stamps()]
    assert place.stamps() == seen[0]
    make_live(settings.index, _draft(built), "next")
    seen.append(place.stamps())
    calibration_file.write(settings.index, {"version": 1})
    seen.append(place.stamps())
    calibration_file.remove(settings.index)
    seen.append(place.stamps())
    assert len({json.dumps(stamps) for stamps in seen}) == 3
    assert seen[1] == seen[3]


def test_a_local_generation_is_named_checked_and_opened(settings: Settings, built: Path) -> None:
    place = publications(settings)
    assert place.live() == (built.name, None)
    place.check(built.name)
    assert (
        place.open(built.name).manifest.generation
        == json.loads((built / "manifest.json").read_text())["generation"]
    )
    (built / "sentences.int16").write_bytes(bytes((built / "sentences.int16").stat().st_size))
    with pytest.raises(CorruptIndexError, match=r"sentences\.int16 is not what was written"):
        place.check(built.name)


def test_nothing_is_live_before_the_first_build(settings: Settings) -> None:
    with pytest.raises(IndexUnavailableError, match="run `qa index`"):
        publications(settings).live()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Note what would be done in a Milvus, where any generation but the first is live already."""
    noted: list[tuple[str, Any]] = []

    def publishing(store: str, local: Any, calibration: bytes | None, *, progress: bool) -> upload.Upload:
        first = "publish" not in dict(noted)
        noted.append(("publish", (store, local.manifest.generation, calibration)))
        return upload.Upload(local.manifest.generation, "host:19530", changed=first, rows=0, dropped=())

    monkeypatch.setattr(upload, "publish", publishing)
    monkeypatch.setattr(upload, "calibrate", lambda *given: noted.append(("calibrate", given)))
    monkeypatch.setattr(upload, "drop_earlier", lambda *given: noted.append(("drop_earlier", given)))
    return noted


def test_a_local_index_is_published_nowhere_else(settings: Settings, built: Path, calls: list) -> None:
    assert publish(settings) is None
    publish_calibration(settings)
    drop_earlier(settings)
    assert calls == []


def test_what_the_settings_name_gets_the_live_generation_and_calibration(
    settings: Settings, built: Path, calls: list
) -> None:
    remote = replace(settings, store="milvus+http://host:19530")
    name = generation.load(built).manifest.generation
    assert publish(remote) == "host:19530"
    assert publish(remote) is None  # it is live there
    path = calibration_file.write(settings.index, {"version": 1})
    publish_calibration(remote)
    drop_earlier(remote)
    assert calls == [
        ("publish", (remote.store, name, None)),
        ("publish", (remote.store, name, None)),
        ("calibrate", (remote.store, path.read_bytes())),
        ("drop_earlier", (remote.store, remote.cache)),
    ]
