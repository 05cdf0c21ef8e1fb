"""Whatever is done to a generation's files, ``verify`` names the file and nothing crashes."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from qa.errors import CorruptIndexError, IndexUnavailableError
from qa.index import generation
from qa.index.manifest import Manifest, describe_files

FILES = [
    "manifest.json",
    "store.sqlite",
    "passages.int16",
    "sentences.int16",
    "sentence_starts.npy",
    "documents.npy",
    "languages.npy",
    "tokens/tokens.int8",
    "tokens/lengths.float32",
    "tokens/segment_starts.npy",
    "tokens/projection.npy",
    "lexical/facts.json",
    "lexical/hashes.npy",
    "lexical/numbers.npy",
    "lexical/common.npy",
    "lexical/posting_starts.npy",
    "lexical/posting_rows.npy",
    "lexical/posting_gains.npy",
    "lexical/posting_most.npy",
    "lexical/terms.npy",
    "lexical/sentence_starts.npy",
    "lexical/elsewhere.npy",
    "words/letters.npy",
    "words/word_starts.npy",
    "words/sequence.npy",
    "words/places.npy",
    "words/place_starts.npy",
    "words/segment_starts.npy",
    "words/segment_firsts.npy",
    "words/segment_lasts.npy",
    "spelling/hashes.npy",
    "spelling/counts.npy",
    "spelling/languages/en.npy",
    "spelling/languages/ru.npy",
]


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x01
    path.write_bytes(data)


def test_these_are_all_files_of_a_generation(built: Path) -> None:
    found = {path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()}
    assert found == set(FILES)


def test_a_whole_generation_is_whole(built: Path) -> None:
    generation.verify(built)


@pytest.mark.parametrize("name", FILES)
def test_verify_names_a_truncated_file(built: Path, name: str) -> None:
    path = built / name
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(CorruptIndexError, match=path.name):
        generation.verify(built)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0, 0.3, 0.5, 0.99])
def test_verify_names_a_file_with_a_byte_changed(built: Path, name: str, share: float) -> None:
    path = built / name
    _flip(path, int(path.stat().st_size * share))
    with pytest.raises(CorruptIndexError, match=path.name):
        generation.verify(built)


@pytest.mark.parametrize("name", FILES)
def test_verify_names_a_missing_file(built: Path, name: str) -> None:
    (built / name).unlink()
    with pytest.raises(CorruptIndexError, match=Path(name).name):
        generation.verify(built)


@pytest.mark.parametrize("name", ["foreign.txt", "store.sqlite-journal", "lexical/more.npy"])
def test_verify_names_a_foreign_file(built: Path, name: str) -> None:
    (built / name).write_text("x")
    with pytest.raises(CorruptIndexError, match=f"{Path(name).name} does not belong there"):
        generation.verify(built)


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_a_byte_changed_loads_or_is_refused(built: Path, name: str) -> None:
    path = built / name
    whole = path.read_bytes()
    for place in range(0, min(len(whole), 200), 5):
        for mask in (0x01, 0x80):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1 :])
            with suppress(CorruptIndexError):
                generation.load(built).store.close()


def _edit(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), "utf-8")


def test_another_format_is_refused_and_both_are_named(built: Path) -> None:
    _edit(built, lambda manifest: manifest.update(format=99))
    with pytest.raises(CorruptIndexError, match=r"has format 99, this version reads format 7.*qa index"):
        generation.load(built)


@pytest.mark.parametrize("key", ["model", "files", "passages", "sha256", "format"])
def test_a_manifest_without_a_field_is_refused(built: Path, key: str) -> None:
    _edit(built, lambda manifest: manifest.pop(key))
    with pytest.raises(CorruptIndexError, match=r"manifest\.json"):
        generation.load(built)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b'"x"', b"{}", b"\xff\xfe", b'{"format": 1}'])
def test_what_is_no_manifest_is_refused(built: Path, content: bytes) -> None:
    (built / "manifest.json").write_bytes(content)
    with pytest.raises(CorruptIndexError, match=r"manifest\.json"):
        generation.load(built)


def test_a_generation_that_does_not_fit_together_is_refused(built: Path) -> None:
    manifest = generation.Manifest.read(built)
    fields = {name: getattr(manifest, name) for name in manifest.__slots__}
    for name in ("documents", "passages", "sentences"):
        generation.Manifest(**fields | {name: fields[name] + 1}).write(built)
        with pytest.raises(CorruptIndexError, match="do not fit together"):
            generation.load(built)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("documents.npy", "are not its passages"),
        ("languages.npy", "are not its passages"),
        ("sentence_starts.npy", "are not its passages"),
        ("passages.int16", "not of length 1"),
        ("sentences.int16", "not of length 1"),
    ],
)
def test_rows_that_are_not_those_of_the_passages_are_refused(built: Path, name: str, message: str) -> None:
    """What was written wrong bears the right checksum."""
    path = built / name
    if path.suffix == ".npy":
        rows = np.load(path)
        rows[1] = b"xx" if rows.dtype == generation.LANGUAGE else rows[1] + 1
        np.save(path, rows)
    else:
        np.full(path.stat().st_size // 2, 9999, np.int16).tofile(path)
    manifest = generation.Manifest.read(built)
    fields = {field: getattr(manifest, field) for field in manifest.__slots__}
    Manifest(**fields | {"files": describe_files(built)}).write(built)
    with pytest.raises(CorruptIndexError, match=message):
        generation.verify(built)


def test_what_somebody_reads_is_not_removed(built: Path) -> None:
    lease = generation.Lease(built)
    generation.remove_unless_read(built)
    generation.verify(built)
    del lease
    generation.remove_unless_read(built)
    with pytest.raises(CorruptIndexError, match=r"manifest\.json"):
        generation.Lease(built)
    assert not built.exists()


def test_what_is_being_removed_is_not_opened(built: Path) -> None:
    with (built / "manifest.json").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(CorruptIndexError, match="is being removed"):
            generation.load(built)


def test_without_current_there_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailableError, match="run `qa index`") as caught:
        generation.current(tmp_path)
    assert not isinstance(caught.value, CorruptIndexError)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"nobody", b"..", b".", b"../generations", b"/etc", b"\xff\xfe\0", b"a\0b", b"x" * 9000],
)
def test_a_current_that_names_no_generation_is_refused(built: Path, content: bytes) -> None:
    index = built.parent.parent
    (index / "CURRENT").write_bytes(content)
    with pytest.raises(CorruptIndexError, match="CURRENT"):
        generation.current(index)


def test_an_unfinished_generation_is_never_live(built: Path) -> None:
    index = built.parent.parent
    built.rename(built.with_name(f".{built.name}"))
    (index / "CURRENT").write_text(f".{built.name}\n")
    with pytest.raises(CorruptIndexError, match="CURRENT"):
        generation.current(index)


def test_a_folder_in_the_place_of_current_is_refused(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").mkdir()
    with pytest.raises(CorruptIndexError, match="CURRENT"):
        generation.current(tmp_path)


def test_info_sums_it_up(built: Path) -> None:
    found = generation.load(built)
    info = found.info
    assert (info.documents, info.passages) == found.store.counts()
    assert (info.passages, info.sentences) == (len(found.passages), len(found.sentences))
    assert info.generation == built.name
    assert [(failure.path, failure.row) for failure in info.failures] == [("notes/people.jsonl", "bad")]
