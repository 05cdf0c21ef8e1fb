"""Passages in, vectors on disk: taken from the old generation where it has them, made where not."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from qa.arrays import offsets
from qa.index import generation
from qa.index.dense import late_interaction, vectors
from qa.index.generation import Generation
from qa.types import Encoder, Float32, Int8, PassageInput

AT_ONCE = 128
"""How many passages are embedded together: enough to put those together that are about as long, and few
enough to begin while others are read."""

_CHECKED = 64

_T = TypeVar("_T")


Group = Sequence[tuple[str, PassageInput]]
"""Passages that are embedded together, each with its key: what is in a group shapes its vectors a little."""


class KeptVectors(NamedTuple):
    """What is kept of a passage: as ``PassageVectors``, but with its tokens compressed."""

    passage: Float32
    sentences: Float32
    tokens: Int8
    token_counts: Sequence[int]


def encode(encoder: Encoder, projection: Float32, group: Group) -> list[KeptVectors]:
    """Make the vectors of a group's passages.

    Args:
        encoder: the model.
        projection: of the tokens' vectors.
        group: passages with their keys.
    """
    made = encoder.encode_passages([passage for _, passage in group])
    return [
        KeptVectors(
            one.passage, one.sentences, late_interaction.compress(one.tokens, projection), one.token_counts
        )
        for one in made
    ]


_Kept = int | KeptVectors | None
"""A passage's row in the old generation, or its vectors out of the cache; None where it is new."""

Encode = Callable[[Float32, Iterable[Group]], Iterator[Sequence[KeptVectors]]]
"""Gives, for a projection, the vectors of each group's passages, in order."""


class PassageEmbedder:
    """Writes the vectors of a new generation's passages, in their order."""

    def __init__(
        self,
        folder: Path,
        encoder: Encoder,
        old: Generation | None,
        cached: Callable[[str], KeptVectors | None] = lambda _: None,
    ) -> None:
        """Begin.

        Args:
            folder: of the new generation.
            encoder: the model.
            old: a generation made by the same encoder; None where there is none.
            cached: gives, by key, the vectors of passages that were in an earlier generation, where they
                are kept: made by the same encoder, with the old generation's projection.
        """
        self._folder = folder
        self._encoder = encoder
        self._old = old
        self._cached = cached
        self._known = {key: row for row, key in enumerate(old.store.vector_keys())} if old else {}
        self._projection = _in_background(lambda: _projection(encoder, old))
        self._passages = vectors.VectorWriter(folder / generation.PASSAGES)
        self._sentences = vectors.VectorWriter(folder / generation.SENTENCES)
        self._counts = array("q")
        self.embedded = 0

    @property
    def sentences(self) -> int:
        """How many sentences have been written."""
        return self._sentences.count

    def write(self, passages: Iterable[tuple[str, PassageInput]], encode: Encode) -> None:
        """Write the vectors of all passages.

        Args:
            passages: each with its key, which stands for all that shapes its vectors beside the model.
            encode: makes what is not known.
        """
        begun: deque[list[_Kept]] = deque()
        groups = self._new(passages, begun)
        first = list(islice(groups, 1))  # which is read while the model is loaded
        projection = self._projection.result()
        tokens = late_interaction.TokenWriter(self._folder / generation.TOKENS, projection)
        checked = _in_background(lambda: self._check(first))
        for made in encode(projection, chain(first, groups)):
            checked.result()
            self._add(begun.popleft(), iter(made), tokens)
        tokens.close()

    def close(self, memory: int) -> dict[str, Any]:
        """Write the index of the vectors, and tell which kind that is.

        Args:
            memory: what the index of the vectors may take, in bytes.
        """
        starts = offsets(np.frombuffer(self._counts, np.int64))
        np.save(self._folder / generation.SENTENCE_STARTS, starts, allow_pickle=False)
        self._encoder.save(self._folder / generation.ENCODER)
        written = vectors.Vectors(self._folder / generation.SENTENCES, self._encoder.dimension)
        return vectors.invert(written, self._folder / generation.INVERTED, memory)

    def _new(
        self, passages: Iterable[tuple[str, PassageInput]], begun: deque[list[_Kept]]
    ) -> Iterator[Group]:
        """Give the passages of each ``AT_ONCE`` that are new; note for all of them what is kept."""
        coming = iter(passages)
        while together := list(islice(coming, AT_ONCE)):
            places = [self._look_up(key) for key, _ in together]
            new = [passage for passage, place in zip(together, places, strict=True) if place is None]
            self.embedded += len(new)
            begun.append(places)
            yield new

    def _look_up(self, key: str) -> _Kept:
        row = self._known.get(key)
        return self._cached(key) if row is None else row

    def _add(
        self, places: list[_Kept], made: Iterator[KeptVectors], written: late_interaction.TokenWriter
    ) -> None:
        kept = [
            next(made) if place is None else self._copied(place) if isinstance(place, int) else place
            for place in places
        ]
        self._passages.add(np.stack([one.passage for one in kept]))
        self._sentences.add(np.concatenate([one.sentences for one in kept]))
        tokens = np.concatenate([one.tokens for one in kept])
        written.add(tokens, chain.from_iterable(one.token_counts for one in kept))
        self._counts.extend(len(one.sentences) for one in kept)

    def departing(self, staying: Collection[str]) -> Iterator[tuple[str, KeptVectors]]:
        """Give the keys and vectors of the old generation's passages that are none of these."""
        gone = self._known.keys() - set(staying)
        for key, row in self._known.items():
            if key in gone:
                yield key, self._copied(row)

    def _check(self, first: Sequence[Group]) -> None:
        """Let an encoder that made no index yet check itself, on sentences from all over the first group."""
        passages = [passage for group in first for _, passage in group]
        if passages and not self._old:
            sentences = (span.of(passage.text) for passage in passages for span in passage.sentences)
            found = list(dict.fromkeys(sentences))  # of equal ones it is chance which are nearest
            self._encoder.check(found[:: -(-len(found) // _CHECKED)])

    def _copied(self, row: int) -> KeptVectors:
        """Take a passage's vectors over from the old generation, where it is this row."""
        assert self._old is not None  # noqa: S101 -- only what it holds is known
        first, last = map(int, self._old.sentence_starts[row : row + 2])
        tokens, counts = self._old.tokens.tokens(first + row, last + row + 1)
        sentences = self._old.sentences.vectors(np.arange(first, last))
        return KeptVectors(self._old.passages.vectors(np.array([row]))[0], sentences, tokens, counts.tolist())


def _projection(encoder: Encoder, old: Generation | None) -> Float32:
    return old.tokens.projection if old else late_interaction.projection_for(encoder)


def _in_background(do: Callable[[], _T]) -> Future[_T]:
    thread = ThreadPoolExecutor(1)
    begun = thread.submit(do)
    thread.shutdown(wait=False)
    return begun
