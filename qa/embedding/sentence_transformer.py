"""A model as sentence-transformers runs it: of any kind, on the GPU if there is one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from qa.embedding.model_files import digests, size_of, table_size_of
from qa.embedding.models import load_model
from qa.embedding.pooling import VERSION, Kind, ModelOutput, PoolingEncoder
from qa.embedding.prompts import Prompts, replaced_prompts
from qa.types import Float32

PROMPTS = "prompts.json"
"""The name of the file that keeps the prompts of a model that is not exported."""

_UNLIMITED_SEQ_LENGTH = 512
"""Tokens that are read at once of a model without a limit: what most models read."""

_ABSURD_SEQ_LENGTH = 1_000_000
"""Tokenizers report 10^30 tokens if there is no limit."""

_BATCH, _GPU_BATCH = 16, 256
"""Texts in a batch. On an H100, 256 in bf16 are 2.4 times as fast as 32 in fp32."""


class SentenceTransformerEncoder(PoolingEncoder):
    """Any sentence-transformers model, loaded when first used."""

    def __init__(
        self, name: str, folder: Path, prompts: Prompts | None = None, cache: Path | None = None
    ) -> None:
        """Name a model.

        Args:
            name: the name by which the user knows it.
            folder: where it is.
            prompts: the texts before each question and document, if not the model's own.
            cache: where the digests of its files are kept; the folder of the settings if None.
        """
        self.name = name
        self._folder = folder
        self._cache = cache
        self._prompts = replaced_prompts(name, folder, prompts or Prompts())
        self._documents_lock = Lock()

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 of the model's files and of how they are used."""
        lines = [f"{name} {digest}\n" for name, digest in digests(self._folder, self._cache).items()]
        lines += [f"{kind} {prompt!r}\n" for kind, prompt in sorted(self._prompts.items())]
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
        """The model itself."""
        model = load_model("SentenceTransformer", self.name, self._folder)
        model.prompts = {**model.prompts, **self._prompts}
        return model.bfloat16() if model.device.type == "cuda" else model

    def release(self) -> None:
        """Forget the loaded model. If it is used again, it is loaded again."""
        self.__dict__.pop("model", None)

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.model.get_embedding_dimension())

    @cached_property
    def max_seq_length(self) -> int:
        """The longest text that the model reads whole, in tokens, including prompt and special ones."""
        length = self.model.max_seq_length
        return int(length) if length and length <= _ABSURD_SEQ_LENGTH else _UNLIMITED_SEQ_LENGTH

    @cached_property
    def pooling(self) -> str | None:
        """How the tokens' vectors are pooled, if nothing but normalisation follows; else None."""
        kinds = [type(module).__name__ for module in self.model]
        plain = kinds in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
        return str(self.model[1].pooling_mode) if plain else None

    @property
    def pools_late(self) -> bool:
        """Whether a text's vector is the mean of its tokens' vectors."""
        return self.pooling == "mean"

    @cached_property
    def tokenizer(self) -> Any:
        """A copy of the model's tokenizer, without truncation and padding."""
        from tokenizers import Tokenizer

        tokenizer = self.model.tokenizer
        copy = Tokenizer.from_str(getattr(tokenizer, "backend_tokenizer", tokenizer).to_str())
        copy.no_truncation()
        copy.no_padding()
        return copy

    @property
    def unknown_token(self) -> str | None:
        """The tokenizer's token for letters that it does not know."""
        token: str | None = getattr(self.model.tokenizer, "unk_token", None)
        return token

    def prompt(self, kind: Kind) -> str:
        """Return the prompt that sentence-transformers would use."""
        names = ("query",) if kind == "query" else ("document", "passage", "corpus")
        prompts = self.model.prompts
        name = next((name for name in names if name in prompts), self.model.default_prompt_name)
        return str(prompts.get(name) or "")

    def check(self, sentences: Sequence[str]) -> None:
        """Do nothing: this is the model itself."""

    def save(self, folder: Path, *, documents: bool = False) -> None:  # noqa: ARG002
        """Write the prompts, if they are not the model's own: it is loaded from its own folder."""
        if self._prompts:
            folder.mkdir()
            (folder / PROMPTS).write_text(json.dumps(self._prompts, ensure_ascii=False) + "\n", "utf-8")

    def _read(self, kind: Kind, texts: Sequence[str], encodings: Sequence[Any]) -> list[ModelOutput]:  # noqa: ARG002
        encode = self.model.encode_query if kind == "query" else self.model.encode_document
        batch = _GPU_BATCH if self.model.device.type == "cuda" else _BATCH
        # Torch uses all cores by itself, and two batches at once would take a GPU's memory twice.
        with self._documents_lock if kind == "document" else nullcontext():
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


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one core. Few short texts are read sooner so, where other programs use the others."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _numpy(tensor: Any) -> Float32:
    array: Float32 = tensor.float().cpu().numpy()
    return array
