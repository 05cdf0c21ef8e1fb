"""Drafts: they get their names in one step or leave nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa import drafts, files
from qa.errors import ReadError


def test_a_file_is_written_inside_the_folder_only(tmp_path: Path) -> None:
    root, outside = tmp_path / "docs", tmp_path / "outside"
    (root / "sub").mkdir(parents=True)
    outside.mkdir()
    (root / "away").symlink_to(outside)
    drafts.write_inside(root, "sub/a.toml", b"one")
    drafts.write_inside(root, "sub/a.toml", b"two")
    assert (root / "sub" / "a.toml").read_bytes() == b"two"
    for path in ("../a.toml", "away/a.toml", "sub/../a.toml", "none/a.toml", "sub"):
        with pytest.raises((ReadError, OSError)):
            drafts.write_inside(root, path, b"x")
    assert list(outside.iterdir()) == []
    assert {path.name for path in tmp_path.rglob("*")} == {"docs", "outside", "sub", "away", "a.toml"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    """Yield a descriptor of an empty folder, in which a file is written twice."""
    with files.folder_inside(tmp_path, "") as opened:
        yield opened


def test_a_draft_gets_its_name_once_and_replaces_nothing(tmp_path: Path, folder: int) -> None:
    for content in (b"one", b"two"):
        with drafts.Draft(folder) as draft:
            draft.file.write(content)
            (hidden,) = [path for path in tmp_path.iterdir() if path.name != "a.txt"]
            assert drafts.is_draft(hidden.name)
            if content == b"one":
                draft.put("a.txt")
            else:
                with pytest.raises(FileExistsError):
                    draft.put("a.txt")
                assert (tmp_path / "a.txt").read_bytes() == b"one"
                draft.put("a.txt", replace=True)
        assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
        assert (tmp_path / "a.txt").read_bytes() == content


def test_where_files_have_one_name_only_a_draft_replaces_nothing_either(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with drafts.Draft(folder) as draft:
        draft.file.write(b"one")
        draft.put("a.txt")
    with drafts.Draft(folder) as draft, pytest.raises(FileExistsError):
        draft.put("a.txt")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.txt", b"one")]


def test_a_draft_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with drafts.Draft(folder) as draft:
        draft.file.write(b"x" * 2**20)
        with pytest.raises(OSError, match="No space left"):
            draft.put("a.txt")
    assert list(tmp_path.iterdir()) == []


def test_only_drafts_that_nobody_writes_are_swept(tmp_path: Path) -> None:
    root, outside = tmp_path / "docs", tmp_path / "outside"
    (root / "sub").mkdir(parents=True)
    outside.mkdir()
    (root / "away").symlink_to(outside)
    left = [root / f"{drafts.DRAFT}1", root / "sub" / f"{drafts.DRAFT}2"]
    kept = [outside / f"{drafts.DRAFT}3", root / ".hidden", root / "a.txt"]
    for path in (*left, *kept):
        path.write_bytes(b"x")
    (root / f"{drafts.DRAFT}link").symlink_to(kept[2])
    with files.folder_inside(root, "sub") as sub, drafts.Draft(sub) as draft:
        assert drafts.sweep_drafts(root) == 2
        draft.put("b.txt")
    assert [path.exists() for path in (*left, *kept, root / "sub" / "b.txt")] == [False] * 2 + [True] * 4
