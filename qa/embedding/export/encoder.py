"""An exported model, run without torch and several times faster."""

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
from qa.embedding.export.runtimes import Run, onnx_runtime, openvino_in_bf16
from qa.embedding.pooling import Kind, ModelOutput, PoolingEncoder, tokens_read
from qa.errors import ExportRefusedError, ModelError
from qa.hardware import cores
from qa.types import Float32, Int64

MODEL, REFERENCE, TOKENIZER, FACTS = "model.onnx", "reference.onnx", "tokenizer.json", "encoder.json"
REFUSED = "refused.txt"

Precision = Literal["fp32", "int8", "mixed"]
"""``mixed``: questions in 8 bits, documents in bf16."""

_TOKENS_AT_ONCE, _TOKENS_AT_ONCE_IN_BF16 = 1024, 2048
"""What one run of the model reads: about what the caches hold; in bf16 fewer shapes are worth more."""

_PROBE = "Is it the model that it was?"
_LEAST_PROBE, _LEAST_COSINE, _LEAST_NEIGHBOURS = 0.97, 0.98, 0.8
_NEIGHBOURS = 10


@dataclass(frozen=True, slots=True)
class Facts:
    """What an export says of itself.

    Attributes:
        name: what the model was called where it was exported.
        fingerprint: of the export.
        precision: in which it is run.
        pooling: ``mean`` or ``cls``.
        dimension: length of a vector.
        longest: the longest text that the model reads whole, in tokens.
        unknown_token: what the tokenizer gives for letters that it does not know.
        prompts: for a query and for a document.
        probe: what this machine made of a text that is always the same.
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
    def read(cls, folder: Path) -> Facts:
        """Read what stands in an export's folder.

        Raises:
            ModelError: nothing that can be understood.
        """
        try:
            return cls(**json.loads((folder / FACTS).read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(f"{folder / FACTS} cannot be read: {error}") from error

    def write(self, folder: Path) -> None:
        """Write them into an export's folder."""
        (folder / FACTS).write_text(json.dumps(asdict(self), ensure_ascii=False) + "\n", "utf-8")


class ExportedEncoder(PoolingEncoder):
    """An exported model in its folder, opened when it is first used. Any number of threads may share it."""

    def __init__(self, name: str, folder: Path, file: str = MODEL, threads: int | None = None) -> None:
        self.name = name
        self._folder = folder
        self._file = file
        self._threads = threads or cores()
        self._facts = Facts.read(folder)

    @property
    def fingerprint(self) -> str:
        """A SHA-256 of the model's own fingerprint and of how it was exported."""
        return self._facts.fingerprint

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._facts.dimension

    @property
    def longest(self) -> int:
        """The longest text that the model reads whole, in tokens, prompt and special ones included."""
        return self._facts.longest

    @property
    def pools_late(self) -> bool:
        """Whether a text's vector is the mean of its tokens'."""
        return self._facts.pooling == "mean"

    @cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer, which neither cuts nor pads."""
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(self._folder / TOKENIZER))

    @property
    def unknown_token(self) -> str | None:
        """What the tokenizer gives for letters that it does not know."""
        return self._facts.unknown_token

    def prompt(self, kind: Kind) -> str:
        """Give what the model wants before each text."""
        return self._facts.prompts[kind]

    @property
    def reference(self) -> ExportedEncoder:
        """The model in full precision, where the export was made; elsewhere the model itself."""
        if not (self._folder / REFERENCE).exists():
            return self
        return ExportedEncoder(self.name, self._folder, REFERENCE)

    def check(self, sentences: Sequence[str]) -> None:
        """Hold the export against the whole model in full precision, on these sentences.

        Raises:
            ExportRefusedError: the vectors differ too much. From then on the model runs as it is.
        """
        reference = self.reference
        if reference is self:
            return
        kinds = get_args(Kind)
        different = {self.prompt(kind): kind for kind in kinds}  # one, for most models
        exact = {prompt: reference.vectors(sentences, kind) for prompt, kind in different.items()}
        for kind in kinds:
            self._check(kind, exact[self.prompt(kind)], self.vectors(sentences, kind))

    def _check(self, kind: Kind, exact: Float32, found: Float32) -> None:
        cosine, shared = agreement(exact, found)
        if not (cosine >= _LEAST_COSINE and shared >= _LEAST_NEIGHBOURS):  # it may be no number
            reason = (
                f"the export of {self.name!r} is not used: on {len(exact)} sentences, each as a {kind}, "
                f"its vectors have a cosine of {cosine:.3f} with the model's and share "
                f"{shared:.0%} of their nearest; the model runs as it is, and slower"
            )
            with suppress(OSError):
                (self._folder / REFUSED).write_text(reason, "utf-8")
            raise ExportRefusedError(reason)

    def save(self, folder: Path, *, documents: bool = False) -> None:
        """Copy what is needed to encode questions, or documents as well, into a new folder."""
        folder.mkdir()
        exact = [REFERENCE] if documents and self._facts.precision == "mixed" else []
        for name in (MODEL, TOKENIZER, FACTS, *exact):
            shutil.copyfile(self._folder / name, folder / name)

    def probe(self) -> Float32:
        """Give the unit vector of a text that is always the same."""
        return self._probe(onnx_runtime(self._folder / self._file))

    def _probe(self, run: Run) -> Float32:
        (output,) = self._run(run, [self.tokenizer.encode(self.prompt("document") + _PROBE)], 0)
        return unit(output.whole)

    @cached_property
    def _model(self) -> Run:
        run = onnx_runtime(self._folder / self._file)
        # Some processors add 8-bit products in 16 bits, with other results than where the index was built.
        probe = np.array(self._facts.probe, np.float32)
        if self._file == MODEL and not float(self._probe(run) @ probe) >= _LEAST_PROBE:
            raise ModelError(
                f"the model in {self._folder} gives other vectors here than where the index was built, on "
                "another kind of processor: run `qa index` here"
            )
        return run

    @cached_property
    def _model_of_documents(self) -> tuple[Run, int]:
        """What reads documents, and how many tokens at once."""
        exact = self._folder / REFERENCE
        if self._file == MODEL and self._facts.precision == "mixed" and exact.exists():
            return openvino_in_bf16(exact, self._threads, self.longest), _TOKENS_AT_ONCE_IN_BF16
        return self._model, _TOKENS_AT_ONCE

    def _read(self, kind: Kind, texts: Sequence[str], encodings: Sequence[Any]) -> list[ModelOutput]:  # noqa: ARG002
        # What is rounded to 8 bits depends a little on what else is in the batch: a question stands alone, so
        # that it always has the same answers.
        if kind == "query":
            return self._run(self._model, encodings, 0)
        run, at_once = self._model_of_documents
        return self._run(run, encodings, at_once)

    def _run(self, run: Run, encodings: Sequence[Any], at_once: int) -> list[ModelOutput]:
        """Run the model over batches of texts that are about as long, one batch on each thread.

        Args:
            run: runs the model.
            encodings: of the texts.
            at_once: how many tokens a batch may have, unless it is one text.
        """
        ids = [np.array(encoding.ids)[tokens_read(encoding, self.longest)] for encoding in encodings]
        batches = list(_batches([len(one) for one in ids], at_once))
        if len(batches) == 1:
            found = [_run_batch(run, [ids[i] for i in batches[0]])]
        else:
            with ThreadPoolExecutor(self._threads) as threads:
                found = list(threads.map(lambda batch: _run_batch(run, [ids[i] for i in batch]), batches))
        outputs: dict[int, ModelOutput] = {}
        for batch, vectors in zip(batches, found, strict=True):
            for i, rows in zip(batch, vectors, strict=True):
                tokens = rows[: len(ids[i])]
                whole = np.add.reduce(tokens) / len(tokens) if self.pools_late else tokens[0]
                outputs[i] = ModelOutput(whole, tokens)
        return [outputs[i] for i in range(len(ids))]


def agreement(exact: Float32, found: Float32) -> tuple[float, float]:
    """Tell how alike two models' unit vectors of the same texts are.

    Args:
        exact: of one model, shape (texts, dimension).
        found: of the other, in the same order.

    Returns:
        The mean cosine, and how much of each text's nearest ten among the others is the same.
    """
    count = min(_NEIGHBOURS, len(exact) - 1)
    nearest = []
    for vectors in (exact, found):
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -np.inf)
        nearest.append(np.argsort(-cosines, axis=1)[:, :count])
    shared = [len(np.intersect1d(*pair)) for pair in zip(*nearest, strict=True)]
    return float((exact * found).sum(axis=1).mean()), float(np.mean(shared)) / count if count else 1.0


def _batches(lengths: Sequence[int], at_once: int) -> Iterator[list[int]]:
    """Put texts together that are about as long, the longest first, by what they take when padded."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > at_once:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _run_batch(run: Run, ids: Sequence[Int64]) -> Float32:
    """Give the vectors of the tokens of each text, shape (texts, the longest's tokens, dimension)."""
    padded = np.zeros((len(ids), max(map(len, ids))), np.int64)
    mask = np.zeros_like(padded)
    for row, one in enumerate(ids):
        padded[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return run(padded, mask)
