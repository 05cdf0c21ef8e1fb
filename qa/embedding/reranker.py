"""The optional second model, a cross-encoder, which reads the question and a passage together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from qa.embedding.models import find_model, load_model
from qa.errors import ModelError
from qa.types import Float32

_BATCH = 16  # pairs: few, as all are padded to the longest of a batch


def load_reranker(name: str) -> CrossEncoderReranker:
    """Find a reranker. It is loaded when first used.

    Args:
        name: the folder or name of a cross-encoder of sentence-transformers.

    Raises:
        ModelError: it is missing.
    """
    return CrossEncoderReranker(name, find_model(name))


class CrossEncoderReranker:
    """Any cross-encoder with one score per pair, with its own prompt and length."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder

    def score(self, question: str, passages: Sequence[str]) -> Float32:
        """Return each passage's log-odds of answering the question, shape (passages,).

        Raises:
            ModelError: the model cannot be loaded, or its scores are not numbers.
        """
        from torch.nn import Identity  # takes seconds

        if not passages:
            return np.empty(0, np.float32)
        pairs = [(question, passage) for passage in passages]
        # Its own activation may be a sigmoid, which makes the best scores equal.
        scores: Float32 = self._model.predict(
            pairs, batch_size=_BATCH, activation_fn=Identity(), show_progress_bar=False
        )
        if not np.isfinite(scores).all():
            raise ModelError(f"the reranker {self.name!r} gives scores that are not numbers")
        return scores

    @cached_property
    def _model(self) -> Any:
        model = load_model("CrossEncoder", self.name, self._folder)
        if model.num_labels != 1:
            raise ModelError(f"the reranker {self.name!r} gives {model.num_labels} scores per pair, not one")
        heads = model.config.architectures or []
        if len(model) == 1 and not any(head.endswith("ForSequenceClassification") for head in heads):
            # sentence-transformers gives such a model a head with random weights.
            raise ModelError(
                f"the model {self.name!r} is not a cross-encoder: it was not trained to score pairs"
            )
        return model
