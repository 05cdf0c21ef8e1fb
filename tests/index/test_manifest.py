"""A manifest is read as it was written, and knows each of its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from qa.errors import CorruptIndexError
from qa.index.manifest import FORMAT, MANIFEST, Manifest, describe_files, seal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some files and their manifest."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.bin").write_bytes(b"one")
    (tmp_path / "two.bin").write_bytes(b"")
    Manifest(
        format=FORMAT, generation="g", created="2026-01-01T00:00:00+00:00", model="é", made_with={"x": 1},
        documents=1, passages=2, sentences=3, dimension=4, vectors={"kind": "flat"},
        files=describe_files(tmp_path),
    ).write(tmp_path)  # fmt: skip
    return tmp_path


def test_a_manifest_survives(folder: Path) -> None:
    manifest = Manifest.read(folder)
    assert (manifest.model, manifest.passages, manifest.made_with) == ("é", 2, {"x": 1})
    assert manifest.files == {
        "a/one.bin": {"bytes": 3, "sha256": hashlib.sha256(b"one").hexdigest()},
        "two.bin": {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()},
    }
    manifest.check_sizes(folder)
    manifest.check_digests(folder)


def test_the_seal_is_of_the_content_in_any_order() -> None:
    assert seal({"a": 1, "b": [2]}) == seal({"b": [2], "a": 1}) != seal({"a": 1, "b": [3]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(model="other"), "is not what was written"),
        (lambda content: content.pop("sha256"), "is not what was written"),
        (lambda content: content.update(format=FORMAT - 1), f"has format {FORMAT - 1}, this version reads"),
        (lambda content: content.pop("format"), "cannot be read"),
    ],
)
def test_an_altered_manifest_is_refused(folder: Path, change, message: str) -> None:
    content = json.loads((folder / MANIFEST).read_bytes())
    change(content)
    (folder / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(CorruptIndexError, match=message):
        Manifest.read(folder)


def test_a_missing_a_surplus_and_a_longer_file_are_named(folder: Path) -> None:
    manifest = Manifest.read(folder)
    (folder / "two.bin").write_bytes(b"x")
    with pytest.raises(CorruptIndexError, match=r"two\.bin has 1 bytes where 0 were written"):
        manifest.check_sizes(folder)
    (folder / "two.bin").unlink()
    with pytest.raises(CorruptIndexError, match=r"two\.bin is missing"):
        manifest.check_sizes(folder)
    (folder / "b.bin").write_bytes(b"")
    with pytest.raises(CorruptIndexError, match=r"b\.bin does not belong there"):
        manifest.check_sizes(folder)


def test_a_changed_byte_is_noticed_by_its_digest_alone(folder: Path) -> None:
    (folder / "a" / "one.bin").write_bytes(b"onf")
    manifest = Manifest.read(folder)
    manifest.check_sizes(folder)
    with pytest.raises(CorruptIndexError, match=r"one\.bin is not what was written"):
        manifest.check_digests(folder)
