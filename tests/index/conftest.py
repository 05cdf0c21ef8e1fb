"""A store of given documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qa.index.store import Store, StoredDocument
from qa.index.store_writer import writing


@pytest.fixture
def stored_in(tmp_path: Path) -> Callable[..., Store]:
    def write(*documents: StoredDocument, files=(), failures=()) -> Store:
        with writing(tmp_path / "store.sqlite") as writer:
            for file in files:
                writer.add_file(file)
            for failure in failures:
                writer.add_failure(failure)
            for document in documents:
                writer.add(document)
        return Store(tmp_path / "store.sqlite")

    return write
