"""An extractive question-answering model, as transformers runs it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from qa.embedding.model_files import digests, size_of, table_size_of
from qa.errors import ModelError
from qa.types import Float32, Int64

VERSION = "1"
"""Changes whenever the same model may be read differently."""

_ADVICE = "name one that was trained on SQuAD 2.0 or data like it"
_HEAD = "ForQuestionAnswering"
_MAX_LENGTH = 384
"""Tokens of a window: as in BERT's own program for SQuAD, and in most readers' training."""

_MIN_LENGTH = 32  # tokens: a question and something to read


class QuestionAnsweringModel:
    """Any model of transformers that gives each token a start and an end logit. Loaded when first used."""

    def __init__(self, name: str, folder: Path, cache: Path | None = None) -> None:
        """Name a model.

        Args:
            name: the name by which the user knows it.
            folder: where it is.
            cache: where the digests of its files are kept; the folder of the settings if None.
        """
        self.name = name
        self._folder = folder
        self._cache = cache

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 of the model's files and of how they are read."""
        lines = [f"{name} {digest}\n" for name, digest in digests(self._folder, self._cache).items()]
        return hashlib.sha256((VERSION + "".join(lines)).encode()).hexdigest()

    @property
    def size(self) -> int:
        """The size of its files, in bytes."""
        return size_of(self._folder)

    @property
    def table_size(self) -> int:
        """The size of its word embeddings in full precision, in bytes; 0 if that is not known."""
        return table_size_of(self._folder)

    @cached_property
    def model(self) -> Any:
        """The model itself, on the GPU if there is one.

        Raises:
            ModelError: it cannot be loaded, or answers no questions.
        """
        import torch
        from safetensors import SafetensorError
        from transformers import AutoConfig, AutoModelForQuestionAnswering
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        # Nothing of a model is run as code: neither modules of its own nor pickled weights.
        safe: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
        try:
            config = AutoConfig.from_pretrained(str(self._folder), **safe)
            self._require_head(config)
            model, report = AutoModelForQuestionAnswering.from_pretrained(
                str(self._folder), config=config, use_safetensors=True, output_loading_info=True, **safe
            )
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            RuntimeError,
            ImportError,
            SafetensorError,
        ) as error:
            raise ModelError(
                f"the reader {self.name!r} cannot be loaded: {error}. A reader is a model of transformers "
                f"for extractive question answering, with weights as safetensors: {_ADVICE}"
            ) from error
        if missing := sorted(report["missing_keys"]):
            raise ModelError(f"the reader {self.name!r} is incomplete: its weights lack {missing[0]}")
        return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")

    def _require_head(self, config: Any) -> None:
        heads = config.architectures or []
        if not any(_HEAD in head for head in heads):
            # transformers would give such a model a head with random weights.
            raise ModelError(
                f"the model {self.name!r} is not a reader: it was not trained to mark answers (its kind is "
                f"{', '.join(heads) or 'not known'}): {_ADVICE}"
            )

    @cached_property
    def _whole_tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        try:
            return AutoTokenizer.from_pretrained(
                str(self._folder), trust_remote_code=False, local_files_only=True
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError) as error:
            raise ModelError(
                f"the tokenizer of the reader {self.name!r} cannot be loaded: {error}"
            ) from error

    @cached_property
    def tokenizer(self) -> Any:
        """A copy of its tokenizer, without truncation and padding.

        Raises:
            ModelError: it does not say where tokens stand in a text, or sets no token before the question.
        """
        from tokenizers import Tokenizer

        backend = getattr(self._whole_tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise ModelError(
                f"the tokenizer of the reader {self.name!r} does not say where its tokens stand in a text: "
                "name a model with a file tokenizer.json"
            )
        copy = Tokenizer.from_str(backend.to_str())
        copy.no_truncation()
        copy.no_padding()
        if not copy.encode("a", "b").special_tokens_mask[0]:
            raise ModelError(
                f"the reader {self.name!r} cannot say that there is no answer, as it reads no token before "
                f"the question: {_ADVICE}"
            )
        return copy

    @cached_property
    def max_length(self) -> int:
        """The longest input that is read at once, in tokens, including the question and special ones.

        Raises:
            ModelError: it is too short to read anything.
        """
        length = min(_MAX_LENGTH, self._whole_tokenizer.model_max_length)
        positions = getattr(self.model.config, "max_position_embeddings", None) or length
        length = min(length, positions)
        if length < _MIN_LENGTH:
            raise ModelError(f"the reader {self.name!r} reads {length} tokens at once, which is too few")
        return int(length)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of what it reads: token ids, a mask and, if it knows them, types of question and text."""
        parameters = inspect.signature(self.model.forward).parameters
        has_types = "token_type_ids" in parameters and getattr(self.model.config, "type_vocab_size", 0) > 1
        return ("input_ids", "attention_mask", *(["token_type_ids"] if has_types else []))

    def run(self, inputs: Mapping[str, Int64]) -> Float32:
        """Return the start and end logit of each token, shape (texts, tokens, 2).

        Args:
            inputs: what is named in ``inputs``, each of shape (texts, tokens).

        Raises:
            ModelError: it cannot be run, or gives other numbers than those.
        """
        import torch

        device = self.model.device
        try:
            with torch.inference_mode():
                output = self.model(**{n: torch.from_numpy(v).to(device) for n, v in inputs.items()})
                logits: Float32 = stack_logits(output).float().cpu().numpy()
        except (AttributeError, TypeError, ValueError, RuntimeError, IndexError) as error:
            raise ModelError(f"the reader {self.name!r} cannot read text: {error}. {_ADVICE}") from error
        if logits.shape != (*np.shape(inputs["input_ids"]), 2):
            raise ModelError(f"the reader {self.name!r} does not give each token two logits: {_ADVICE}")
        return logits


def stack_logits(output: Any) -> Any:
    """Return the start and end logits of a model's output as one tensor of shape (texts, tokens, 2)."""
    import torch

    return torch.stack((output.start_logits, output.end_logits), dim=-1)
