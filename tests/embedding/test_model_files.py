"""The digests of a model's files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from qa.embedding import model_files


def test_a_file_is_read_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = tmp_path / "model.bin", []

    def watched(file: Path) -> str:
        read.append(file)
        return hashlib.sha256(file.read_bytes()).hexdigest()

    monkeypatch.setattr(model_files, "sha256_of", watched)
    for content, times in ((b"weights", 1), (b"others!", 2)):
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        expected = {"model.bin": hashlib.sha256(content).hexdigest()}
        assert [model_files.digests(tmp_path) for _ in range(2)] == [expected, expected]
        assert len(read) == times


def test_hidden_files_and_notes_shape_no_model(tmp_path: Path) -> None:
    for name in (".gitattributes", "README.md", "config.json", "1_Pooling/config.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}", "utf-8")
    assert list(model_files.digests(tmp_path)) == ["1_Pooling/config.json", "config.json"]
