"""A scan names every file once: to be read, ignored or failed, with the reason."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest
from corpus import write

from qa import drafts, files
from qa.errors import BuildError, DocumentsGoneError, MissingFileError, ReadError
from qa.indexing.folder import Folder, lies_in
from qa.types import SourceFile


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write(
        tmp_path / "docs",
        {
            "b.txt": "b", "a/deep/c.md": "c", "a/deep/c.md.meta.toml": 'title = "C"', ".hidden/x.txt": "x",
            ".draft.txt": "x", "photo.raw": "x", "gone.txt.meta.toml": "", "large.txt": "x" * 200,
            "own/keys.json": "{}", f"a/{drafts.DRAFT}1": "x",
        },
    )  # fmt: skip


def test_every_file_is_named_once(docs: Path) -> None:
    (docs / "link").symlink_to(docs / "a")
    scan = Folder(docs, 100, {docs.resolve() / "own"}).scan()
    assert scan.files == [
        SourceFile("a/deep/c.md", _sha256("c"), _sha256('title = "C"')),
        SourceFile("b.txt", _sha256("b")),
    ]
    assert {failure.path: failure.reason for failure in scan.failures} == {
        "large.txt": "has more than 0 MB, which is the limit (max_file_mb)",
        "link": "is a link to a folder: links to folders are not followed",
    }
    assert {failure.path: failure.reason for failure in scan.skipped} == {
        ".draft.txt": "is hidden: its name begins with a dot",
        ".hidden": "is hidden: its name begins with a dot",
        "gone.txt.meta.toml": "describes a file that is not there",
        "own": "is written by qa itself",
        "photo.raw": "is of no kind that can be read",
    }
    assert (scan.out_of_reach, scan.mounts) == ([], [])


@pytest.mark.parametrize(("code", "out_of_reach"), [(errno.EIO, True), (errno.EACCES, False)])
def test_an_error_that_may_pass_is_out_of_reach(
    docs: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    out_of_reach: bool,  # noqa: FBT001
) -> None:
    opened = files.open_inside

    def failing(root: Path, path: str) -> object:
        if path == "b.txt":
            error = OSError(code, os.strerror(code))
            raise ReadError(f"cannot be opened: {error.strerror}") from error
        return opened(root, path)

    monkeypatch.setattr(files, "open_inside", failing)
    scan = Folder(docs, 2**20).scan()
    assert [failure.path for failure in scan.failures] == ["b.txt"]
    assert scan.out_of_reach == (["b.txt"] if out_of_reach else [])


def test_a_name_that_is_not_utf8_is_named_with_escapes(docs: Path) -> None:
    (docs / os.fsdecode(b"\xff.txt")).touch()
    (failure,) = Folder(docs, 2**20).scan().failures
    assert (failure.path, failure.reason) == ("\\udcff.txt", "has a name that is not UTF-8: rename it")


def test_a_folder_that_is_not_there_or_a_file_is_refused(docs: Path) -> None:
    with pytest.raises(DocumentsGoneError, match="is not there"):
        Folder(docs / "nowhere", 100).scan()
    with pytest.raises(DocumentsGoneError, match="is a file, not a folder"):
        Folder(docs / "b.txt", 100).scan()


def test_a_root_that_cannot_be_listed_is_an_error(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> object:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(files, "list_inside", failing)
    with pytest.raises(BuildError, match="cannot be listed: Input/output error"):
        Folder(docs, 100).scan()


def test_a_file_is_read_up_to_its_limit(docs: Path) -> None:
    folder = Folder(docs, 100)
    assert folder.read("b.txt") == b"b"
    assert Folder(docs, 200).read("large.txt", limit=7) == b"x" * 7
    with pytest.raises(ReadError, match="which is the limit"):
        folder.read("large.txt")
    with pytest.raises(MissingFileError):
        folder.read("nowhere.txt")


def test_a_file_is_read_only_as_it_was_scanned(docs: Path) -> None:
    folder = Folder(docs, 2**20)
    scanned = {file.path: file for file in folder.scan().files}
    assert folder.read_as_scanned(scanned["a/deep/c.md"]) == (b"c", b'title = "C"')
    assert folder.read_as_scanned(scanned["b.txt"]) == (b"b", None)
    write(docs, {"b.txt.meta.toml": ""})
    with pytest.raises(ReadError, match="has changed while the index was being built"):
        folder.read_as_scanned(scanned["b.txt"])


@pytest.mark.parametrize(
    ("path", "places", "lies"),
    [
        ("a/b.txt", ["a"], True), ("a/b.txt", ["a/b.txt"], True), ("a/b/c.txt", ["x", "a/b"], True),
        ("ab.txt", ["a"], False), ("a", ["a/b"], False), ("a/b.txt", [], False),
    ],
)  # fmt: skip
def test_a_path_lies_in_a_place(path: str, places: list[str], lies: bool) -> None:  # noqa: FBT001
    assert lies_in(path, places) is lies
