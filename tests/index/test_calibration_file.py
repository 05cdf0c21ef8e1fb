"""The file of the calibration is what was written, or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import CorruptIndexError
from qa.index import calibration_file
from qa.index.manifest import Manifest

CONTENT = {"version": 1, "encoder": "é", "points": [0.25, 0.5]}


def test_a_calibration_survives(tmp_path: Path) -> None:
    assert calibration_file.read(tmp_path) is None
    path = calibration_file.write(tmp_path, CONTENT)
    assert calibration_file.parse(calibration_file.read(tmp_path), tmp_path) == CONTENT
    assert list(tmp_path.iterdir()) == [path]


def test_a_newer_calibration_replaces_the_older_and_can_be_removed(tmp_path: Path) -> None:
    calibration_file.write(tmp_path, CONTENT)
    calibration_file.write(tmp_path, {"version": 2})
    assert calibration_file.parse(calibration_file.read(tmp_path), tmp_path) == {"version": 2}
    assert calibration_file.remove(tmp_path)
    assert not calibration_file.remove(tmp_path)
    assert calibration_file.read(tmp_path) is None


@pytest.mark.parametrize("damage", [b"", b"[]", b"{}", b"\xff", b'{"version": 1}'])
def test_anything_else_is_refused_with_advice(tmp_path: Path, damage: bytes) -> None:
    with pytest.raises(CorruptIndexError, match=r"calibration\.json .*: run `qa calibrate`"):
        calibration_file.parse(damage, tmp_path)


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    calibration_file.write(tmp_path, CONTENT)
    altered = calibration_file.read(tmp_path).replace(b"0.25", b"0.75")
    with pytest.raises(CorruptIndexError, match="is not what was written"):
        calibration_file.parse(altered, tmp_path)


def test_a_file_that_cannot_be_read_is_no_missing_one(tmp_path: Path) -> None:
    (tmp_path / calibration_file.NAME).mkdir()
    with pytest.raises(CorruptIndexError, match="cannot be read"):
        calibration_file.read(tmp_path)


def test_it_keeps_how_many_passages_the_generation_has(built: Path) -> None:
    index = built.parent.parent
    content = {**CONTENT, "generation": built.name}
    calibration_file.write(index, content)
    data = calibration_file.read(index)
    assert calibration_file.parse(data, index) == content
    assert calibration_file.indexed_passages(data, index) == Manifest.read(built).passages
    calibration_file.write(index, {**CONTENT, "generation": "gone"})
    assert calibration_file.indexed_passages(calibration_file.read(index), index) is None
    altered = data.replace(b'"indexed_passages": ', b'"indexed_passages": 1')
    with pytest.raises(CorruptIndexError, match="is not what was written"):
        calibration_file.indexed_passages(altered, index)
