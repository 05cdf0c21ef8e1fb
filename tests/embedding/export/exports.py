"""Texts to encode, their vectors, and how much those of an export may differ."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from corpus import DOCUMENTS

from qa.embedding.export import conversion
from qa.embedding.export.encoder import INFO, ExportedEncoder
from qa.embedding.model_files import digests
from qa.embedding.pooling import PoolingEncoder
from qa.types import Float32, PassageInput, Span

TEXTS = [text for name, text in DOCUMENTS.items() if name.endswith((".txt", ".md"))]
SENTENCES = [line for text in TEXTS for line in text.replace(". ", ".\n").splitlines() if len(line) > 20]

IN_8_BITS = dict.fromkeys(("passages", "sentences", "queries"), (0.995, 0.985))
IN_8_BITS |= dict.fromkeys(("tokens", "query tokens"), (0.994, 0.9))
"""Lowest cosines between the vectors of an export and the model's: the mean and the worst."""

needs_8_bits = pytest.mark.skipif(
    conversion.fastest_precision() == "fp32", reason="this processor is not made for 8 bits"
)


def passages() -> list[PassageInput]:
    halves = [(text, len(text) // 2, len(text)) for text in TEXTS]
    return [
        *(PassageInput("A title", text, (Span(0, half), Span(half, end))) for text, half, end in halves),
        *(PassageInput("", text, (Span(0, len(text)),)) for text in SENTENCES),
    ]


def all_vectors(encoder: PoolingEncoder, inputs: list[PassageInput]) -> dict[str, Float32]:
    """Return the vectors of passages, and of the beginnings of their texts as questions."""
    encoded = encoder.encode_passages(inputs)
    queries = encoder.encode_queries([passage.text[:200] for passage in inputs])
    return {
        "passages": np.stack([vectors.passage for vectors in encoded]),
        "sentences": np.concatenate([vectors.sentences for vectors in encoded]),
        "tokens": np.concatenate([vectors.tokens for vectors in encoded]),
        "queries": np.stack([query.vector for query in queries]),
        "query tokens": np.concatenate([query.tokens for query in queries]),
    }


def seal(folder: Path, name: str) -> None:
    """Record the files and vectors of a changed export as its own."""
    info = json.loads((folder / INFO).read_text("utf-8"))
    info["files"] = {file: digest for file, digest in digests(folder).items() if file != INFO}
    info["probe"] = ExportedEncoder(name, folder).probe().tolist()
    (folder / INFO).write_text(json.dumps(info), "utf-8")
