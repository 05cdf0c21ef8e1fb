"""One process holds an index; another is told which."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qa import files
from qa.errors import BuildError, LockedError
from qa.indexing import lock


def test_a_held_index_names_its_holder_and_is_free_afterwards(tmp_path: Path) -> None:
    index = tmp_path / "new" / "index"
    with lock.hold(index):
        with pytest.raises(LockedError, match=rf"is being built by process {os.getpid()} since \d{{4}}-"):
            lock.hold(index).__enter__()
        assert (index / ".lock").read_text().count("\n") == 1
    with lock.hold(index):
        assert (index / ".lock").read_text().count("\n") == 1


def test_a_holder_that_left_no_name_is_another_process(tmp_path: Path) -> None:
    with (tmp_path / ".lock").open("w") as file:
        assert files.lock(file)
        with pytest.raises(LockedError, match="by another process: wait until it has finished"):
            lock.hold(tmp_path).__enter__()


def test_a_file_system_without_locks_is_not_a_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> bool:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(files, "lock", fail)
    with pytest.raises(BuildError, match="cannot be locked: No locks available"):
        lock.hold(tmp_path).__enter__()


def test_an_index_that_is_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("x")
    with pytest.raises(BuildError, match="cannot be written"):
        lock.hold(tmp_path / "index").__enter__()
