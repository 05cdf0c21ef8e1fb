"""Passages in, vectors on disk: taken from the old generation where it has them, made where not."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qa import generation, interaction, vectors
from qa.arrays import offsets
from qa.contracts import Encoder, Float32, Int8, PassageInput, PassageVectors
from qa.generation import Generation

AT_ONCE = 512
"""How many passages are embedded together: enough to put those together that are about as long."""

_CHECKED = 64


class _Kept(NamedTuple):
    """What is kept of a passage: as ``PassageVectors``, but with its tokens compressed."""

    passage: Float32
    sentences: Float32
    tokens: Int8
    token_counts: Sequence[int]


class PassageEmbedder:
    """Writes the vectors of a new generation's passages, in the order in which they are added."""

    def __init__(self, folder: Path, encoder: Encoder, old: Generation | None) -> None:
        """Begin.

        Args:
            folder: of the new generation.
            encoder: makes what is not known.
            old: a generation made by the same encoder; None where there is none.
        """
        self._folder = folder
        self._encoder = encoder
        self._old = old
        self._known = {key: row for row, key in enumerate(old.store.vector_keys())} if old else {}
        projection = old.tokens.projection if old else interaction.projection_for(encoder)
        self._projection = projection
        self._passages = vectors.VectorWriter(folder / generation.PASSAGES)
        self._sentences = vectors.VectorWriter(folder / generation.SENTENCES)
        self._tokens = interaction.TokenWriter(folder / generation.TOKENS, projection)
        self._counts = array("q")
        self._waiting: list[tuple[str, PassageInput]] = []
        self.embedded = 0

    @property
    def sentences(self) -> int:
        """How many sentences have been written."""
        return self._sentences.count

    def add(self, key: str, passage: PassageInput) -> None:
        """Add a passage; ``key`` stands for all that shapes its vectors beside the model."""
        self._waiting.append((key, passage))
        if len(self._waiting) == AT_ONCE:
            self._write()

    def close(self, memory: int) -> dict[str, Any]:
        """Write what waits, and the index of the vectors; tell which kind that is.

        Args:
            memory: what the index of the vectors may take, in bytes.
        """
        self._write()
        self._tokens.close()
        starts = offsets(np.frombuffer(self._counts, np.int64))
        np.save(self._folder / generation.SENTENCE_STARTS, starts, allow_pickle=False)
        self._encoder.save(self._folder / generation.ENCODER)
        written = vectors.Vectors(self._folder / generation.SENTENCES, self._encoder.dimension)
        return vectors.invert(written, self._folder / generation.INVERTED, memory)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        new = [passage for key, passage in waiting if key not in self._known]
        if new and not self.embedded and not self._old:
            self._check(new)
        made = iter(self._encoder.encode_passages(new))
        self.embedded += len(new)
        rows = [self._known.get(key) for key, _ in waiting]
        kept = [self._compressed(next(made)) if row is None else self._copied(row) for row in rows]
        if kept:
            self._passages.add(np.stack([one.passage for one in kept]))
            self._sentences.add(np.concatenate([one.sentences for one in kept]))
            tokens = np.concatenate([one.tokens for one in kept])
            self._tokens.add(tokens, chain.from_iterable(one.token_counts for one in kept))
            self._counts.extend(len(one.sentences) for one in kept)

    def _check(self, passages: list[PassageInput]) -> None:
        """Let the encoder check itself on sentences from all over the first passages."""
        sentences = (span.of(passage.text) for passage in passages for span in passage.sentences)
        found = list(dict.fromkeys(sentences))  # of equal ones it is chance which are nearest
        self._encoder.check(found[:: -(-len(found) // _CHECKED)])

    def _compressed(self, made: PassageVectors) -> _Kept:
        tokens = interaction.compress(made.tokens, self._projection)
        return _Kept(made.passage, made.sentences, tokens, made.token_counts)

    def _copied(self, row: int) -> _Kept:
        """Take a passage's vectors over from the old generation, where it is this row."""
        assert self._old is not None  # noqa: S101 -- only what it holds is known
        first, last = map(int, self._old.sentence_starts[row : row + 2])
        tokens, counts = self._old.tokens.tokens(first + row, last + row + 1)
        sentences = self._old.sentences.vectors(np.arange(first, last))
        return _Kept(self._old.passages.vectors(np.array([row]))[0], sentences, tokens, counts.tolist())
