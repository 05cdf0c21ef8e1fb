"""The rows of a generation: complete, always the same, and with the local index's numbers."""

from __future__ import annotations

from base64 import b64decode

import numpy as np
import pytest

from qa.index.dense.vectors import widened
from qa.index.generation import Generation
from qa.stores.milvus import schema
from qa.stores.milvus.assets import Directory
from qa.stores.milvus.packing import Heavy, Light, joined
from qa.stores.milvus.rows import Rows
from stores.milvus.fake_client import FakeClient, filled


@pytest.fixture(scope="module")
def stored(large: Generation) -> tuple[FakeClient, Rows]:
    return filled(large)


@pytest.mark.parametrize("sparse", [True, False])
def test_rows_are_numbered_through_and_made_alike_in_any_batch(large: Generation, sparse: bool) -> None:  # noqa: FBT001
    rows = Rows(large, sparse=sparse)
    for kind in rows.layout.kinds:
        count = rows.count(kind)
        if kind != schema.TERMS:  # whose numbers are the terms' hashes
            assert [row["id"] for row in rows.make(kind, 0, count)] == list(range(count))
        middle = count // 2
        (one,) = rows.make(kind, middle, middle + 1)
        again = rows.make(kind, 0, count)[middle]
        assert one.keys() == again.keys()
        assert all(np.array_equal(one[field], again[field]) for field in one)


def test_texts_and_files_are_cut_into_parts_that_give_them_back(large: Generation, stored) -> None:
    client, rows = stored
    parts = client.collections[schema.collection(rows.generation, schema.PARTS)]
    directory = Directory.read(client, rows.generation)
    assert directory.layout == rows.layout
    for name, asset in directory.assets.items():
        content = b"".join(b64decode(parts[asset.part + n]["data"]) for n in range(asset.parts))
        path = large.folder / name
        assert len(content) == asset.bytes
        assert not path.exists() or content == path.read_bytes()


def test_blocks_hold_the_numbers_of_the_local_index(large: Generation, stored) -> None:
    client, rows = stored
    passages = client.collections[schema.collection(rows.generation, schema.PASSAGES)]
    layout = rows.layout
    for row in (0, len(passages) // 2, len(passages) - 1):
        light = Light.unpack(joined("light", passages[row], layout.light), layout.dimension)
        heavy = Heavy.unpack(joined("heavy", passages[row], layout.heavy), layout.dimension)
        first, last = map(int, large.sentence_starts[row : row + 2])
        assert light.document == large.documents[row]
        assert light.language == large.languages[row]
        np.testing.assert_array_equal(widened(light.vectors), large.sentences.vectors(np.arange(first, last)))
        np.testing.assert_array_equal(widened(heavy.vector[None]), large.passages.vectors(np.array([row])))
        tokens, counts = large.tokens.tokens(first + row, last + row + 1)
        np.testing.assert_array_equal(heavy.tokens, tokens)
        np.testing.assert_array_equal(heavy.counts, counts)
        assert passages[row]["gains"] == dict(
            zip(light.weighed.tolist(), light.impacts.tolist(), strict=True)
        )
