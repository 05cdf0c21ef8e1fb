"""A batch of passages in, their vectors out, with the vectors of the tokens compressed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qa.embedding.model_protocols import Encoder
from qa.index.dense import late_interaction
from qa.types import Float32, Int8, PassageInput

Batch = Sequence[tuple[str, PassageInput]]
"""Passages that are encoded together, each with its key. What is in a batch shapes its vectors a little."""


class CompressedVectors(NamedTuple):
    """The vectors of a passage: as ``PassageVectors``, but with its tokens compressed.

    Attributes:
        passage: shape (dimension,).
        sentences: shape (sentences, dimension).
        tokens: of the context and then of each sentence, as ``late_interaction.compress`` returns them.
        token_counts: how many tokens the context and each sentence have.
    """

    passage: Float32
    sentences: Float32
    tokens: Int8
    token_counts: Sequence[int]


def encode(encoder: Encoder, projection: Float32, batch: Batch) -> list[CompressedVectors]:
    """Encode the passages of a batch.

    Args:
        encoder: the model.
        projection: the projection of token vectors, shape (1 + dimension, width).
        batch: the passages with their keys.
    """
    return [
        CompressedVectors(
            vectors.passage,
            vectors.sentences,
            late_interaction.compress(vectors.tokens, projection),
            vectors.token_counts,
        )
        for vectors in encoder.encode_passages([passage for _, passage in batch])
    ]
