"""Files of a generation come back from their parts, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import CorruptIndexError
from qa.index.generation import Generation
from qa.stores.milvus import assets, schema
from qa.stores.milvus.assets import CACHED, FACTS, Directory, cut, describe, fetch, remove_others
from stores.milvus.fake_client import FakeClient, filled


@given(st.binary(max_size=300_000))
def test_the_parts_of_a_file_are_the_file(content: bytes) -> None:
    from base64 import b64decode

    asset = describe(content, 5)
    assert asset.bytes == len(content)
    parts = [cut(content, number) for number in range(asset.parts)]
    assert b"".join(map(b64decode, parts)) == content
    assert all(0 < len(part) <= 60_000 for part in parts)


@pytest.fixture
def stored(large: Generation) -> tuple[FakeClient, str, Directory]:
    client, rows = filled(large)
    return client, rows.generation, Directory.read(client, rows.generation)


def _parts(client: FakeClient, generation: str) -> dict:
    return client.collections[schema.collection(generation, schema.PARTS)]


def test_files_are_copied_once_and_are_what_they_were(large: Generation, stored, tmp_path: Path) -> None:
    client, name, directory = stored
    folder = fetch(client, name, directory, tmp_path / "cache")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(
        directory.assets
    )
    assert (folder / "manifest.json").read_bytes() == (large.folder / "manifest.json").read_bytes()
    assert json.loads((folder / FACTS).read_bytes())["tokens"] is True
    client.collections.clear()  # nothing is asked for any more
    assert fetch(client, name, directory, tmp_path / "cache") == folder
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [name]


def test_a_file_that_an_earlier_copy_has_is_linked(stored, tmp_path: Path) -> None:
    client, name, directory = stored
    first = fetch(client, name, directory, tmp_path)
    later, content = f"{name}0", b"another manifest"
    changed = describe(content, directory.assets["manifest.json"].part)
    client.collections[schema.collection(later, schema.PARTS)] = {
        changed.part: {"id": changed.part, "data": cut(content, 0)}  # no other part is asked for
    }
    assets_now = {**directory.assets, "manifest.json": changed}
    second = fetch(client, later, Directory(directory.layout, assets_now), tmp_path)
    assert (second / "manifest.json").read_bytes() == content
    for unchanged in directory.assets.keys() - {"manifest.json"}:
        assert (second / unchanged).samefile(first / unchanged)


def test_a_damaged_earlier_copy_is_not_linked(stored, tmp_path: Path) -> None:
    client, name, directory = stored
    damaged = fetch(client, name, directory, tmp_path) / FACTS
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    later = f"{name}0"
    client.collections[schema.collection(later, schema.PARTS)] = _parts(client, name)
    fetched = fetch(client, later, directory, tmp_path) / FACTS
    assert json.loads(fetched.read_bytes())["tokens"] is True
    assert not fetched.samefile(damaged)


def test_a_damaged_part_is_refused(stored, tmp_path: Path) -> None:
    client, name, directory = stored
    row = _parts(client, name)[directory.assets["manifest.json"].part]
    row["data"] = "AAAA" + row["data"][4:]
    with pytest.raises(CorruptIndexError, match=r"manifest\.json is not what the store holds"):
        fetch(client, name, directory, tmp_path)


def test_another_format_is_refused(stored) -> None:
    client, name, directory = stored
    row = _parts(client, name)[schema.DIRECTORY]
    row["data"] = directory.write().replace(f'"format": {schema.FORMAT}', '"format": 99')
    with pytest.raises(CorruptIndexError, match="has format 99"):
        Directory.read(client, name)


def test_only_the_latest_copies_stay(stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client, name, directory = stored
    cache = tmp_path / CACHED
    for older in ("2020", "2021", "2022"):
        (cache / older).mkdir(parents=True)
    fetch(client, name, directory, cache)
    assert sorted(path.name for path in cache.iterdir()) == ["2021", "2022", name]
    remove_others(tmp_path, name)
    assert [path.name for path in cache.iterdir()] == [name]


def test_a_copy_that_is_broken_off_leaves_nothing(
    stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, name, directory = stored

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(assets, "_copy", fail)
    with pytest.raises(OSError, match="No space left"):
        fetch(client, name, directory, tmp_path)
    assert list(tmp_path.iterdir()) == []
