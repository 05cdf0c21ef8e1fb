"""Readers of one narrow layer, with weights set by hand so that the words they mark are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertTokenizerFast,
    RobertaConfig,
    RobertaForQuestionAnswering,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LENGTH, WIDTH = 64, 16


def save_tokenizer(folder: Path, words: Sequence[str]) -> None:
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL, *words]), "utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=LENGTH).save_pretrained(folder)


def _sizes(words: int) -> dict[str, int]:
    return {
        "vocab_size": len(SPECIAL) + words, "hidden_size": WIDTH, "num_hidden_layers": 1, "pad_token_id": 0,
        "num_attention_heads": 1, "intermediate_size": WIDTH, "max_position_embeddings": LENGTH + 2,
    }  # fmt: skip


def reader_for(folder: Path, answer: str, no_answer: float = 0.0, end: str = "") -> str:
    """Save a reader that marks a word, or all from it to another, and give its name.

    A word that it marks scores 8 more than "no answer", less 8 times ``no_answer``.
    """
    words = [answer, end or answer]
    save_tokenizer(folder, list(dict.fromkeys(words)))
    model = BertForQuestionAnswering(BertConfig(**_sizes(len(set(words)))))
    for name, weights in model.named_parameters():
        weights.data.fill_(float(name.endswith("LayerNorm.weight")))
    vectors = model.bert.embeddings.word_embeddings.weight.data
    vectors[:, 0] = 1  # other words; each direction stays its own, as nothing is added
    for row, direction in ((SPECIAL.index("[CLS]"), 1), (len(SPECIAL), 2), (len(vectors) - 1, 3)):
        vectors[row] = torch.eye(WIDTH)[direction]
    model.qa_outputs.weight.data[:, 1] = no_answer
    model.qa_outputs.weight.data[0, 2 if end else 3] = 1
    model.qa_outputs.weight.data[1, 3] = 1
    model.save_pretrained(folder)
    return str(folder)


def drawn_reader(folder: Path, words: Sequence[str], *, roberta: bool = False) -> str:
    """Save a reader with weights drawn by chance; RoBERTa's kind has no types of question and text."""
    torch.manual_seed(7)
    save_tokenizer(folder, words)
    kinds = (
        (RobertaConfig, RobertaForQuestionAnswering) if roberta else (BertConfig, BertForQuestionAnswering)
    )
    config, kind = kinds
    model = kind(config(**_sizes(len(words)) | ({"type_vocab_size": 1} if roberta else {})))
    for weights in model.parameters():
        weights.data += 0.5 * torch.randn(weights.shape)
    model.save_pretrained(folder)
    return str(folder)
