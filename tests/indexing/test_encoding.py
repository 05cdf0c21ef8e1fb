"""A batch's vectors are the encoder's, with the tokens compressed."""

from __future__ import annotations

import numpy as np
from fake_encoder import StandIn

from qa.index.dense import late_interaction
from qa.indexing.encoding import encode
from qa.types import PassageInput, Span

BATCH = [
    ("a", PassageInput("Trade", "Rice was sold. It was dear.", (Span(0, 14), Span(15, 27)))),
    ("b", PassageInput("", "The envoy spoke.", (Span(0, 16),))),
]


def test_vectors_are_those_of_the_encoder_in_order() -> None:
    projection = late_interaction.projection_for(StandIn(), 8, centred=True)
    encoded = encode(StandIn(), projection, BATCH)
    expected = StandIn().encode_passages([passage for _, passage in BATCH])
    for vectors, raw in zip(encoded, expected, strict=True):
        np.testing.assert_array_equal(vectors.passage, raw.passage)
        np.testing.assert_array_equal(vectors.sentences, raw.sentences)
        np.testing.assert_array_equal(vectors.tokens, late_interaction.compress(raw.tokens, projection))
        assert vectors.tokens.dtype == np.int8
        assert tuple(vectors.token_counts) == tuple(raw.token_counts)
        assert sum(vectors.token_counts) == len(vectors.tokens)


def test_an_empty_batch_has_no_vectors() -> None:
    assert encode(StandIn(), np.eye(49, 8, -1, dtype=np.float32), []) == []
