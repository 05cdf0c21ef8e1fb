"""Vectors of an unfinished build, kept so that a stopped build continues where it was."""

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
from qa.indexing.encoding import Batch, CompressedVectors
from qa.types import Float32

_FOLDER = "shards"
_DIGEST = hashlib.sha256().digest_size


class Shards:
    """A folder of packed vectors, by the content of the batch that they were made from."""

    def __init__(self, index: Path, made_with: str) -> None:
        """Open the folder, which need not exist yet.

        Args:
            index: the folder of the index.
            made_with: stands for everything that shapes vectors beside the passages and the projection.
        """
        self._folder = index / _FOLDER
        self._made_with = made_with

    def key(self, projection: Float32, batch: Batch) -> str:
        """Return the key of a batch: a digest of everything that shapes its vectors."""
        digest = hashlib.sha256(self._made_with.encode())
        digest.update(np.ascontiguousarray(projection).tobytes())
        digest.update("\n".join(key for key, _ in batch).encode())
        return digest.hexdigest()

    def get(self, key: str) -> bytes | None:
        """Return packed vectors; None if there are none, or they are damaged."""
        try:
            data = (self._folder / key).read_bytes()
        except FileNotFoundError:
            return None
        packed = data[_DIGEST:]
        return packed if hashlib.sha256(packed).digest() == data[:_DIGEST] else None

    def put(self, key: str, packed: bytes) -> None:
        """Keep packed vectors. A checksum exposes a file that a crash cut short."""
        self._folder.mkdir(exist_ok=True)
        (self._folder / key).write_bytes(hashlib.sha256(packed).digest() + packed)


def remove(index: Path) -> None:
    """Remove what is kept beside an index: the index has it by now, or it belongs to another one."""
    shutil.rmtree(index / _FOLDER, ignore_errors=True)


def pack(passages: Sequence[CompressedVectors], **more: Any) -> bytes:
    """Return the vectors of one or more passages as bytes, a NumPy archive, with more arrays beside them."""
    packed = io.BytesIO()
    np.savez(
        packed,
        passages=np.stack([vectors.passage for vectors in passages]),
        sentences=np.concatenate([vectors.sentences for vectors in passages]),
        tokens=np.concatenate([vectors.tokens for vectors in passages]),
        token_counts=np.concatenate([np.array(vectors.token_counts, np.int64) for vectors in passages]),
        counts=np.array([len(vectors.sentences) for vectors in passages], np.int64),
        **more,
    )
    return packed.getvalue()


def unpack(packed: bytes) -> list[CompressedVectors]:
    """Return the vectors that ``pack`` packed, a passage each."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
        passages, sentences, tokens, token_counts, counts = (
            archive[name] for name in ("passages", "sentences", "tokens", "token_counts", "counts")
        )
    sentence_starts = offsets(counts)
    # A passage's segments are its context and then its sentences.
    segment_starts = sentence_starts + np.arange(len(sentence_starts))
    token_starts = offsets(token_counts)
    return [
        CompressedVectors(
            passages[i],
            sentences[first:last],
            tokens[token_starts[start] : token_starts[end]],
            token_counts[start:end].tolist(),
        )
        for i, ((first, last), (start, end)) in enumerate(
            zip(pairwise(sentence_starts.tolist()), pairwise(segment_starts.tolist()), strict=True)
        )
    ]
