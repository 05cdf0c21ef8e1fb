"""Vectors of a build that is not finished, kept so that one that was stopped goes on from there."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from qa.arrays import offsets
from qa.indexing.incremental import Group, KeptVectors
from qa.types import Float32

_FOLDER = "shards"
_DIGEST = hashlib.sha256().digest_size


class Shards:
    """A folder of packed vectors, each by the content of the group that they were made of."""

    def __init__(self, index: Path, made_with: str) -> None:
        """Begin, or go on.

        Args:
            index: the folder of the index.
            made_with: stands for all that shapes vectors beside the passages and the projection.
        """
        self._folder = index / _FOLDER
        self._made_with = made_with

    def key(self, projection: Float32, group: Group) -> str:
        """Name a group of passages by all that shapes its vectors."""
        digest = hashlib.sha256(self._made_with.encode())
        digest.update(np.ascontiguousarray(projection).tobytes())
        digest.update("\n".join(key for key, _ in group).encode())
        return digest.hexdigest()

    def get(self, key: str) -> bytes | None:
        """Give what was kept; None where there is nothing, or not what was written."""
        try:
            data = (self._folder / key).read_bytes()
        except FileNotFoundError:
            return None
        packed = data[_DIGEST:]
        return packed if hashlib.sha256(packed).digest() == data[:_DIGEST] else None

    def put(self, key: str, packed: bytes) -> None:
        """Keep packed vectors. What a crash leaves of a file is known by its checksum."""
        self._folder.mkdir(exist_ok=True)
        (self._folder / key).write_bytes(hashlib.sha256(packed).digest() + packed)


def remove(index: Path) -> None:
    """Remove what is kept beside an index: all of it is in there, or of another."""
    shutil.rmtree(index / _FOLDER, ignore_errors=True)


def pack(kept: Sequence[KeptVectors], **more: Any) -> bytes:
    """Put the vectors of some passages, one at least, into bytes, and more arrays beside them."""
    packed = io.BytesIO()
    np.savez(
        packed,
        passages=np.stack([one.passage for one in kept]),
        sentences=np.concatenate([one.sentences for one in kept]),
        tokens=np.concatenate([one.tokens for one in kept]),
        token_counts=np.concatenate([np.array(one.token_counts, np.int64) for one in kept]),
        counts=np.array([len(one.sentences) for one in kept], np.int64),
        **more,
    )
    return packed.getvalue()


def unpack(packed: bytes) -> list[KeptVectors]:
    """Give the vectors that were packed."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as found:
        passages, sentences, tokens, token_counts, counts = (
            found[name] for name in ("passages", "sentences", "tokens", "token_counts", "counts")
        )
    of_sentences = offsets(counts)
    of_segments = of_sentences + np.arange(
        len(of_sentences)
    )  # the context's tokens stand before the sentences'
    of_tokens = offsets(token_counts)
    return [
        KeptVectors(
            passages[i],
            sentences[first:last],
            tokens[of_tokens[start] : of_tokens[end]],
            token_counts[start:end].tolist(),
        )
        for i, ((first, last), (start, end)) in enumerate(
            zip(pairwise(of_sentences.tolist()), pairwise(of_segments.tolist()), strict=True)
        )
    ]
