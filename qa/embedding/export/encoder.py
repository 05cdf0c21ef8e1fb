"""An exported model, which runs without torch and several times faster."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from qa.arrays import unit
from qa.embedding.export.export_cache import REFUSED
from qa.embedding.export.external_weights import WEIGHTS
from qa.embedding.export.runtimes import Run, onnx_runtime, openvino_in_bf16
from qa.embedding.pooling import Kind, ModelOutput, PoolingEncoder, kept_tokens
from qa.errors import ExportRefusedError, ModelError
from qa.files import link_or_copy
from qa.hardware import cores
from qa.types import Float32, Int64

MODEL, REFERENCE, TOKENIZER, INFO = "model.onnx", "reference.onnx", "tokenizer.json", "encoder.json"

Precision = Literal["fp32", "int8", "mixed"]
"""``mixed``: questions in 8 bits, documents in bf16."""

_TOKENS_AT_ONCE, _TOKENS_AT_ONCE_IN_BF16 = 1024, 2048
"""Tokens per run of the model: about what the caches hold. In bf16, fewer shapes are worth more."""

_PROBE = "Is it the model that it was?"
_MIN_PROBE_COSINE = 0.97
"""Of the probe's vectors here and where the index was built: processors round 8-bit products differently."""

_MIN_COSINE, _MIN_SHARED_NEIGHBOURS = 0.98, 0.8
"""Of an export with the model. In 8 bits, the default model's mean cosine is .998 (see ``quantization``)."""

_NEIGHBOURS = 10  # as many as a page of results shows


@dataclass(frozen=True, slots=True)
class ExportInfo:
    """The description of an export, kept beside it as JSON.

    Attributes:
        name: the model's name where it was exported.
        fingerprint: the export's.
        precision: the precision in which it runs.
        pooling: ``mean`` or ``cls``.
        dimension: length of a vector.
        longest: the longest text that the model reads whole, in tokens.
        unknown_token: the tokenizer's token for letters that it does not know.
        prompts: those of a query and a document.
        probe: the vector of a constant text, as computed where it was exported.
        files: the SHA-256 of each file beside this one.
    """

    name: str
    fingerprint: str
    precision: Precision
    pooling: str
    dimension: int
    longest: int
    unknown_token: str | None
    prompts: dict[str, str]
    probe: list[float]
    files: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> ExportInfo:
        """Read the description in an export's folder.

        Raises:
            ModelError: it is missing or invalid.
        """
        try:
            return cls(**json.loads((folder / INFO).read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(f"{folder / INFO} cannot be read: {error}") from error

    def write(self, folder: Path) -> None:
        """Write it into an export's folder."""
        (folder / INFO).write_text(json.dumps(asdict(self), ensure_ascii=False) + "\n", "utf-8")


@dataclass(frozen=True, slots=True)
class LoadedTokenizer:
    """A tokenizer that encoders share, and processes that are forked once it is loaded.

    Processes share its memory, because encoding doesn't write to it. That of XLM-RoBERTa takes 280 MiB.

    Attributes:
        sha256: of its file.
        tokenizer: without truncation and padding.
    """

    sha256: str
    tokenizer: Any

    @classmethod
    def load(cls, folder: Path) -> LoadedTokenizer:
        """Load the tokenizer of an export's folder.

        Raises:
            ModelError: the folder is none of an export, or the tokenizer cannot be read.
        """
        sha256 = ExportInfo.read(folder).files.get(TOKENIZER, "")
        from tokenizers import Tokenizer

        try:
            return cls(sha256, Tokenizer.from_file(str(folder / TOKENIZER)))
        except Exception as error:  # the library raises no class of its own
            raise ModelError(f"{folder / TOKENIZER} cannot be read: {error}") from error


class ExportedEncoder(PoolingEncoder):
    """An exported model in its folder, opened when first used. Any number of threads may share it."""

    def __init__(
        self,
        name: str,
        folder: Path,
        file: str = MODEL,
        threads: int | None = None,
        loaded: LoadedTokenizer | None = None,
    ) -> None:
        """Name an export.

        Args:
            name: the name by which the user knows the model.
            folder: where the export is.
            file: the ONNX file to run.
            threads: threads that many texts use; one per core if None.
            loaded: a tokenizer to share, if it is that of the export.
        """
        self.name = name
        self._folder = folder
        self._file = file
        self._threads = threads or cores()
        self._info = ExportInfo.read(folder)
        self._loaded = loaded

    @property
    def fingerprint(self) -> str:
        """A SHA-256 of the model's own fingerprint and of how it was exported."""
        return self._info.fingerprint

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._info.dimension

    @property
    def max_seq_length(self) -> int:
        """The longest text that the model reads whole, in tokens, including prompt and special ones."""
        return self._info.longest

    @property
    def pools_late(self) -> bool:
        """Whether a text's vector is the mean of its tokens' vectors."""
        return self._info.pooling == "mean"

    @cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer, without truncation and padding."""
        shared = self._loaded
        if shared is None or shared.sha256 != self._info.files.get(TOKENIZER):
            shared = LoadedTokenizer.load(self._folder)
        return shared.tokenizer

    @property
    def unknown_token(self) -> str | None:
        """The tokenizer's token for letters that it does not know."""
        return self._info.unknown_token

    def prompt(self, kind: Kind) -> str:
        """Return the prompt that the model expects before each text."""
        return self._info.prompts[kind]

    @property
    def reference(self) -> ExportedEncoder:
        """The export in full precision, where the export was made; elsewhere this encoder."""
        if not (self._folder / REFERENCE).exists():
            return self
        loaded = LoadedTokenizer(self._info.files[TOKENIZER], self.tokenizer)
        return ExportedEncoder(self.name, self._folder, REFERENCE, loaded=loaded)

    def check(self, sentences: Sequence[str]) -> None:
        """Compare the export with the model in full precision on some sentences.

        Raises:
            ExportRefusedError: the vectors differ too much. From then on the model runs as it is.
        """
        reference = self.reference
        if reference is self:
            return
        kinds = get_args(Kind)
        prompts = {self.prompt(kind): kind for kind in kinds}  # most models have one for both
        exact = {prompt: reference.vectors(sentences, kind) for prompt, kind in prompts.items()}
        for kind in kinds:
            self._check(kind, exact[self.prompt(kind)], self.vectors(sentences, kind))

    def _check(self, kind: Kind, exact: Float32, vectors: Float32) -> None:
        cosine, shared = agreement(exact, vectors)
        if not (cosine >= _MIN_COSINE and shared >= _MIN_SHARED_NEIGHBOURS):  # they may be NaN
            reason = (
                f"the model {self.name!r} runs as it is, which is slower: on {len(exact)} sentences, each as "
                f"a {kind}, the vectors of its export have a cosine of {cosine:.3f} with the model's and "
                f"share {shared:.0%} of their nearest neighbours"
            )
            with suppress(OSError):
                (self._folder / REFUSED).write_text(reason, "utf-8")
            raise ExportRefusedError(reason)

    def save(self, folder: Path, *, documents: bool = False) -> None:
        """Put what questions need into a new folder; with ``documents``, also what documents need.

        Files are linked where the file system can: they take no space of their own, and are never written to.
        """
        folder.mkdir()
        exact = [REFERENCE] if documents and self._info.precision == "mixed" else []
        for name in (MODEL, TOKENIZER, *exact):
            for source in (self._folder / name, self._folder / f"{name}{WEIGHTS}"):
                if source.exists():
                    link_or_copy(source, folder / source.name)
        shutil.copyfile(self._folder / INFO, folder / INFO)

    def probe(self) -> Float32:
        """Return the unit vector of a constant text, shape (dimension,)."""
        return self._probe(onnx_runtime(self._folder / self._file))

    def _probe(self, run: Run) -> Float32:
        (output,) = self._run(run, [self.tokenizer.encode(self.prompt("document") + _PROBE)], 0)
        return unit(output.pooled)

    @cached_property
    def _model(self) -> Run:
        run = onnx_runtime(self._folder / self._file)
        # Some processors add 8-bit products in 16 bits, which gives other vectors.
        probe = np.array(self._info.probe, np.float32)
        if self._file == MODEL and not float(self._probe(run) @ probe) >= _MIN_PROBE_COSINE:
            raise ModelError(
                f"the model in {self._folder} gives other vectors here than where the index was built, on "
                "another kind of processor: run `qa index` here"
            )
        return run

    @cached_property
    def _document_model(self) -> tuple[Run, int]:
        """What reads documents, and how many tokens per run."""
        exact = self._folder / REFERENCE
        if self._file == MODEL and self._info.precision == "mixed" and exact.exists():
            return openvino_in_bf16(exact, self._threads, self.max_seq_length), _TOKENS_AT_ONCE_IN_BF16
        return self._model, _TOKENS_AT_ONCE

    def _read(self, kind: Kind, texts: Sequence[str], encodings: Sequence[Any]) -> list[ModelOutput]:  # noqa: ARG002
        # Rounding to 8 bits depends a little on the rest of a batch. A question is a batch of its own, so it
        # always has the same answers.
        if kind == "query":
            return self._run(self._model, encodings, 0)
        run, max_tokens = self._document_model
        return self._run(run, encodings, max_tokens)

    def _run(self, run: Run, encodings: Sequence[Any], max_tokens: int) -> list[ModelOutput]:
        """Run the model on batches of texts of similar length, one batch per thread.

        Args:
            run: runs the model.
            encodings: the tokenizer's encodings of the texts.
            max_tokens: of a batch with its padding, unless it is a single text.

        Returns:
            One output per text, in order.
        """
        ids = [np.array(encoding.ids)[kept_tokens(encoding, self.max_seq_length)] for encoding in encodings]
        batches = list(_batches(list(map(len, ids)), max_tokens))
        if len(batches) == 1:
            results = [_run_batch(run, [ids[i] for i in batches[0]])]
        else:
            with ThreadPoolExecutor(self._threads) as threads:
                results = list(threads.map(lambda batch: _run_batch(run, [ids[i] for i in batch]), batches))
        outputs: dict[int, ModelOutput] = {}
        for batch, vectors in zip(batches, results, strict=True):
            for i, rows in zip(batch, vectors, strict=True):
                tokens = rows[: len(ids[i])]
                pooled = np.add.reduce(tokens) / len(tokens) if self.pools_late else tokens[0]
                outputs[i] = ModelOutput(pooled, tokens)
        return [outputs[i] for i in range(len(ids))]


def agreement(first: Float32, second: Float32) -> tuple[float, float]:
    """Compare two models' unit vectors of the same texts.

    Args:
        first: the vectors of one model, shape (texts, dimension).
        second: those of the other, in the same order.

    Returns:
        The mean cosine, and the mean share of each text's ten nearest neighbours that both models agree on.
    """
    count = min(_NEIGHBOURS, len(first) - 1)
    nearest = []
    for vectors in (first, second):
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -np.inf)
        nearest.append(np.argsort(-cosines, axis=1)[:, :count])
    shared = [len(np.intersect1d(*pair)) for pair in zip(*nearest, strict=True)]
    return float((first * second).sum(axis=1).mean()), float(np.mean(shared)) / count if count else 1.0


def _batches(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Yield batches of the texts' indexes, the longest first, of at most ``max_tokens`` when padded."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > max_tokens:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _run_batch(run: Run, ids: Sequence[Int64]) -> Float32:
    """Return the vectors of each text's tokens, shape (texts, tokens of the longest, dimension)."""
    padded = np.zeros((len(ids), max(map(len, ids))), np.int64)
    mask = np.zeros_like(padded)
    for row, text_ids in enumerate(ids):
        padded[row, : len(text_ids)] = text_ids
        mask[row, : len(text_ids)] = 1
    return run(padded, mask)
