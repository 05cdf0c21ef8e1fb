"""Vectors of an unfinished build: what is kept is what was made, or is not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_encoder import StandIn

from qa.index.dense import late_interaction
from qa.indexing import shards
from qa.indexing.encoding import CompressedVectors, encode
from qa.indexing.shards import Shards, pack, unpack
from qa.types import PassageInput, Span

PASSAGES = [
    ("a", PassageInput("Trade", "Rice was sold. It was dear.", (Span(0, 14), Span(15, 27)))),
    ("b", PassageInput("", "…", (Span(0, 1),))),
    ("c", PassageInput("", "The envoy spoke.", (Span(0, 16),))),
]


@pytest.fixture
def kept() -> Shards:
    return Shards(Path("index"), "model")


@pytest.mark.parametrize("speaks_in_tokens", [True, False])
def test_what_is_packed_comes_out(*, speaks_in_tokens: bool) -> None:
    encoder = StandIn(speaks_in_tokens=speaks_in_tokens)
    projection = late_interaction.projection_for(StandIn(), 8, centred=True)
    made = encode(encoder, projection, PASSAGES)
    for one, other in zip(made, unpack(pack(made)), strict=True):
        for field in CompressedVectors._fields[:3]:
            found, expected = getattr(other, field), getattr(one, field)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)
        assert tuple(other.token_counts) == tuple(one.token_counts)


def test_what_is_kept_is_found_until_it_is_removed(tmp_path: Path) -> None:
    Shards(tmp_path, "model").put("key", b"packed")
    assert Shards(tmp_path, "model").get("key") == b"packed"
    assert Shards(tmp_path, "model").get("other") is None
    shards.remove(tmp_path)
    shards.remove(tmp_path)
    assert Shards(tmp_path, "model").get("key") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: data[:40] + b"x"])
def test_what_is_damaged_is_not_there(tmp_path: Path, damage) -> None:
    kept = Shards(tmp_path, "model")
    kept.put("key", b"packed vectors")
    path = tmp_path / "shards" / "key"
    path.write_bytes(damage(path.read_bytes()))
    assert kept.get("key") is None
    kept.put("key", b"packed vectors")
    assert kept.get("key") == b"packed vectors"


def test_a_key_stands_for_all_that_shapes_the_vectors(kept: Shards) -> None:
    projection = np.eye(3, 2, dtype=np.float32)
    key = kept.key(projection, PASSAGES)
    assert key == Shards(Path("elsewhere"), "model").key(projection.copy(), list(PASSAGES))
    others = [
        Shards(Path("index"), "other").key(projection, PASSAGES),
        kept.key(projection * 2, PASSAGES),
        kept.key(projection, PASSAGES[::-1]),
        kept.key(projection, PASSAGES[:2]),
    ]
    assert len({key, *others}) == 5
