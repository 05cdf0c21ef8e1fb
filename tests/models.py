"""Models for the tests: small ones of weights drawn by chance, exports, and vectors made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizerFast, PreTrainedConfig, PreTrainedModel

from qa.embedding.export import conversion
from qa.embedding.export.encoder import ExportedEncoder
from qa.embedding.loading import load_plain
from qa.embedding.prompts import Prompts
from qa.types import Float32, PassageInput, Span

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [*SPECIAL, "rice", "port", "was", "sold", "in", "the", "query", ":", "doc", "."]
PASSAGE = PassageInput("rice", "Rice was sold. Sold in the port.", (Span(0, 14), Span(15, 32)))


def tiny(
    folder: Path,
    pooling: str | tuple[str, ...],
    *more: Any,
    prompts: dict[str, str] | None = None,
    seed: int = 0,
    weights: Mapping[str, tuple[slice, float]] = MappingProxyType({}),
    kind: tuple[type[PreTrainedConfig], type[PreTrainedModel]] = (BertConfig, BertModel),
    words: Sequence[str] = WORDS,
    **options: Any,
) -> Path:
    """Save a transformer of two narrow layers, and give its folder.

    Args:
        folder: where to write.
        pooling: how a text's vector comes of its tokens'.
        more: modules behind the pooling.
        prompts: by their names.
        seed: of the weights.
        weights: which numbers of which parameters, by a part of their names, are to be what.
        kind: of transformer.
        words: its vocabulary.
        options: of its configuration, and ``include_prompt`` of the pooling.
    """
    import torch

    torch.manual_seed(seed)
    raw = folder / "raw"
    raw.mkdir(parents=True)
    (raw / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(raw / "vocab.txt"), model_max_length=64).save_pretrained(raw)
    include_prompt = options.pop("include_prompt", True)
    config, model = kind
    sizes = {
        "vocab_size": len(words), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 80, "pad_token_id": 0,
    }  # fmt: skip
    made = model(config(**sizes | options))
    for name, parameter in made.named_parameters():
        for part, (numbers, value) in weights.items():
            if part in name:
                parameter.data[numbers] = value
    made.save_pretrained(raw)
    modules = [
        Transformer(str(raw), max_seq_length=64),
        Pooling(16, pooling_mode=pooling, include_prompt=include_prompt),
        *more,
    ]
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(folder / "model"))
    return folder / "model"


def exported(name: str, cache: Path, precision: str, prompts: Prompts | None = None) -> ExportedEncoder:
    """Export a model in a precision, whichever this processor is best at."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(conversion, "fastest_precision", lambda: precision)
        return conversion.load_export(load_plain(name, cache, prompts), cache)


def unit(vectors: np.ndarray) -> Float32:
    """Bring vectors to length one."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def cosines(some: np.ndarray, others: np.ndarray) -> Float32:
    """Compare vectors pair by pair."""
    return (unit(np.atleast_2d(some)) * unit(np.atleast_2d(others))).sum(axis=1)


def pooled_by_hand(model: SentenceTransformer, before: str, text: str, spans: tuple[Span, ...]) -> Float32:
    """Average, for each span, the vectors of the tokens of ``before + text`` that lie in it."""
    tokens = model.encode(before + text, output_value="token_embeddings").float().cpu().numpy()
    offsets = model.tokenizer(before + text, return_offsets_mapping=True)["offset_mapping"]
    shift = len(before)
    return unit(
        np.stack(
            [
                np.mean(
                    [
                        vector
                        for vector, (start, end) in zip(tokens, offsets, strict=True)
                        if start < end and start - shift < span.end and end - shift > span.start
                    ],
                    axis=0,
                )
                for span in spans
            ]
        )
    )
