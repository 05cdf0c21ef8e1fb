"""Each file of an index, damaged in many ways: ``verify`` names it every time."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from fake_encoder import StandIn

from qa.config import Settings
from qa.errors import IndexUnavailableError
from qa.index import generation
from qa.indexing import ledger
from qa.indexing.build import build


def _verify(index: Path) -> None:
    """Check as `qa verify` does."""
    generation.verify(generation.current(index))
    ledger.verify(index)


def _flips(data: bytes, count: int) -> Iterator[bytes]:
    """Flip a bit in many places, all over the file."""
    chance = random.Random(len(data))
    for place in sorted({0, len(data) - 1, *(chance.randrange(len(data)) for _ in range(count))}):
        yield data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def _others(data: bytes) -> Iterator[bytes]:
    """Cut, lengthen, overwrite and move parts about."""
    half = len(data) // 2
    for cut in {0, 1, 7, half, len(data) - 1, len(data) * 9 // 10}:
        yield data[:cut]
    yield data + b"\0"
    yield data + data
    yield b"\0" * len(data)
    yield b"\xff" * len(data)
    yield data[::-1]
    yield data[half:] + data[:half]
    yield data[:half] + b"\0" * (len(data) - half)
    yield random.Random(3).randbytes(len(data))


def _put_in_place(path: Path, aside: Path) -> Iterator[None]:
    """Put something else where the file was, or nothing."""
    path.rename(aside)
    for put in (
        lambda: None,
        path.mkdir,
        partial(path.symlink_to, "/dev/null"),
        partial(path.symlink_to, path.name),
    ):
        put()
        yield
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            path.rmdir()
    aside.rename(path)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from corpus import DOCUMENTS, write

    root = tmp_path_factory.mktemp("whole")
    build(Settings(docs=write(root / "docs", DOCUMENTS), index=root / "index"), StandIn())
    return root / "index"


def test_every_damage_to_every_file_is_detected(
    index: Path,
    slow: bool,  # noqa: FBT001 -- a fixture
    capsys: pytest.CaptureFixture[str],
) -> None:
    count = 0
    files = [path for path in index.rglob("*") if path.is_file() and path.name != ".lock"]
    assert len(files) > 20
    for path in files:
        whole = path.read_bytes()
        # `CURRENT` is a name and a line end, which may be lost or doubled.
        damaged = [
            d
            for d in [*_flips(whole, 150 if slow else 3), *_others(whole)]
            if d.strip(b"\n\0") != whole.strip()
        ]
        for data in damaged:
            if data == whole:
                continue
            path.write_bytes(data)
            with pytest.raises(IndexUnavailableError, match=path.name.replace(".", r"\.")):
                _verify(index)
            count += 1
        path.write_bytes(whole)
        for _ in _put_in_place(path, index.parent / "aside"):
            if path.name != ledger.NAME or os.path.lexists(path):  # which may be missing
                with pytest.raises(IndexUnavailableError, match=f"{path.name}|there is no index"):
                    _verify(index)
                count += 1
        _verify(index)
    if slow:
        with capsys.disabled():
            print(f"\n{count} corruptions of {len(files)} files, all told")  # noqa: T201
