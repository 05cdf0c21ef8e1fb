"""A model as sentence-transformers runs it: any kind, on the GPU where there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from qa.embedding.models import digests, load_model
from qa.embedding.pooling import VERSION, Kind, ModelOutput, PoolingEncoder
from qa.types import Float32

_UNBOUNDED_TOKENS = 512
_ABSURD = 1_000_000
_BATCH, _BATCH_ON_GPU = 16, 256


class SentenceTransformerEncoder(PoolingEncoder):
    """Any sentence-transformers model, loaded when it is first used."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._documents = Lock()

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 of the model's files and of how they are used."""
        lines = (f"{name} {digest}\n" for name, digest in digests(self._folder).items())
        return hashlib.sha256((VERSION + "".join(lines)).encode()).hexdigest()

    @cached_property
    def model(self) -> Any:
        """The model itself."""
        model = load_model("SentenceTransformer", self.name, self._folder)
        return model.bfloat16() if model.device.type == "cuda" else model

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.model.get_embedding_dimension())

    @cached_property
    def longest(self) -> int:
        """The longest text that the model reads whole, in tokens, prompt and special ones included."""
        longest = self.model.max_seq_length
        if not longest or longest > _ABSURD:  # tokenizers say 10^30 where there is no limit
            longest = _UNBOUNDED_TOKENS
        return int(longest)

    @cached_property
    def pooling(self) -> str | None:
        """How a text's vector comes of its tokens' where nothing else is done with it; else None."""
        kinds = [type(module).__name__ for module in self.model]
        plain = kinds in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
        return str(self.model[1].pooling_mode) if plain else None

    @property
    def pools_late(self) -> bool:
        """Whether a text's vector is the mean of its tokens'."""
        return self.pooling == "mean"

    @cached_property
    def tokenizer(self) -> Any:
        """A copy of the model's tokenizer that neither cuts nor pads."""
        from tokenizers import Tokenizer

        tokenizer = self.model.tokenizer
        copy = Tokenizer.from_str(getattr(tokenizer, "backend_tokenizer", tokenizer).to_str())
        copy.no_truncation()
        copy.no_padding()
        return copy

    @property
    def unknown_token(self) -> str | None:
        """What the tokenizer gives for letters that it does not know."""
        token: str | None = getattr(self.model.tokenizer, "unk_token", None)
        return token

    def prompt(self, kind: Kind) -> str:
        """Give the prompt that sentence-transformers would take."""
        names = ("query",) if kind == "query" else ("document", "passage", "corpus")
        prompts = self.model.prompts
        name = next((name for name in names if name in prompts), self.model.default_prompt_name)
        return str(prompts.get(name) or "")

    def check(self, sentences: Sequence[str]) -> None:
        """Nothing to check: this is the model."""

    def save(self, folder: Path, *, documents: bool = False) -> None:
        """Write nothing: it is loaded from where it is."""

    def _read(self, kind: Kind, texts: Sequence[str], encodings: Sequence[Any]) -> list[ModelOutput]:  # noqa: ARG002
        encode = self.model.encode_query if kind == "query" else self.model.encode_document
        batch = _BATCH_ON_GPU if self.model.device.type == "cuda" else _BATCH
        # Torch shares many texts out over all cores by itself, and two lots would take a GPU's memory twice.
        with self._documents if kind == "document" else nullcontext():
            outputs = encode(list(texts), output_value=None, batch_size=batch, show_progress_bar=False)
        return [
            ModelOutput(
                _numpy(output["sentence_embedding"]),
                _numpy(output["token_embeddings"][output["attention_mask"].bool()])
                if self.pools_late
                else _numpy(output["sentence_embedding"])[:0, None],
            )
            for output in outputs
        ]


def _numpy(tensor: Any) -> Float32:
    found: Float32 = tensor.float().cpu().numpy()
    return found
