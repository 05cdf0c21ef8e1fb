"""The digests of a model's files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from qa.embedding import model_files


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What is read of a file that counts as large, with an empty cache."""
    paths: list[Path] = []

    def watched(path: Path) -> str:
        paths.append(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr(model_files, "sha256_of", watched)
    monkeypatch.setattr(model_files, "_LARGE", 1)
    (tmp_path / "cache").mkdir()
    (tmp_path / "model").mkdir()
    return paths


def _digest(path: Path, content: bytes) -> str:
    """Return the digest of a file that another process wrote."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return _anew(path)


def _anew(path: Path) -> str:
    """Return what a new process has as the digest of a file."""
    model_files._kept.cache_clear()
    return model_files.digests(path.parent, path.parent.parent / "cache")[path.name]


def test_a_file_is_read_once_until_it_changes(
    tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_files, "_SETTLED_SECONDS", 0.0)
    path = tmp_path / "model" / "weights.bin"
    for content, times in ((b"weights", 1), (b"others!", 2)):
        assert _digest(path, content) == hashlib.sha256(content).hexdigest() == _anew(path)
        assert len(read) == times


def test_a_file_that_was_just_written_is_read_again(tmp_path: Path, read: list[Path]) -> None:
    path = tmp_path / "model" / "weights.bin"
    assert _digest(path, b"weights") == _anew(path)
    assert len(read) == 2


@pytest.mark.parametrize(
    "damage",
    ["", "[]", '{"x": 1}', '{"x": [1, 2, 3]}', "{", r'{"x\u0000y": [[1], "a"]}', "[" * 200_000],
    ids=lambda damage: damage[:20],
)
def test_damaged_notes_of_digests_are_made_anew(
    tmp_path: Path, read: list[Path], damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_files, "_SETTLED_SECONDS", 0.0)
    (tmp_path / "cache" / "digests.json").write_text(damage, "utf-8")
    path = tmp_path / "model" / "weights.bin"
    assert _digest(path, b"weights") == _anew(path) == hashlib.sha256(b"weights").hexdigest()
    assert len(read) == 1


def test_a_note_without_a_digest_does_not_count(
    tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_files, "_SETTLED_SECONDS", 0.0)
    path, notes = tmp_path / "model" / "weights.bin", tmp_path / "cache" / "digests.json"
    digest = _digest(path, b"weights")
    assert digest in notes.read_text("utf-8")
    notes.write_text(notes.read_text("utf-8").replace(f'"{digest}"', "null"), "utf-8")
    assert _anew(path) == digest


def test_without_a_place_for_notes_files_are_read(tmp_path: Path, read: list[Path]) -> None:
    (tmp_path / "cache").rmdir()
    path = tmp_path / "model" / "weights.bin"
    assert _digest(path, b"weights") == hashlib.sha256(b"weights").hexdigest()


def test_hidden_files_and_notes_shape_no_model(tmp_path: Path) -> None:
    for name in (".gitattributes", "README.md", "config.json", "1_Pooling/config.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}", "utf-8")
    assert list(model_files.digests(tmp_path)) == ["1_Pooling/config.json", "config.json"]
