"""Readers exported for a CPU, in 8 bits if the processor is made for that and the answers stay the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from qa.embedding.export.conversion import VERSION, fastest_precision
from qa.embedding.export.encoder import MODEL, REFERENCE, TOKENIZER
from qa.embedding.export.export_cache import (
    Plan,
    Step,
    expected_work,
    make_once,
)
from qa.embedding.export.external_weights import WEIGHTS
from qa.embedding.export.onnx_export import write_onnx
from qa.embedding.export.quantization import quantize
from qa.embedding.export.runtimes import RunInputs, onnx_session
from qa.embedding.model_files import digests
from qa.embedding.preparation import Preparation
from qa.embedding.question_answering import QuestionAnsweringModel, stack_logits
from qa.errors import ExportRefusedError, ModelError
from qa.text import sample
from qa.types import Float32, Int64

INFO = "reader.json"

_MIN_EXACT_AGREEMENT, _MIN_AGREEMENT = 0.9999, 0.98
"""Of the logits of an export with the model's, in full precision and in 8 bits: as for encoders' vectors."""

_SAMPLES = 24  # pairs of question and text on which an export is tried


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """The description of an exported reader, kept beside it as JSON.

    Attributes:
        max_length: the longest input that it reads at once, in tokens.
        inputs: the names of what it reads.
        precision: ``int8`` or ``fp32``.
        files: the SHA-256 of each file beside this one.
    """

    max_length: int
    inputs: tuple[str, ...]
    precision: str
    files: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> ReaderInfo:
        """Read the description in an export's folder.

        Raises:
            ModelError: it is missing or invalid.
        """
        try:
            info = cls(**json.loads((folder / INFO).read_bytes()))
            return cls(info.max_length, tuple(info.inputs), info.precision, dict(info.files))
        except (OSError, ValueError, TypeError) as error:
            raise ModelError(f"{folder / INFO} cannot be read: {error}") from error


class ExportedReader:
    """An exported reader in its folder."""

    def __init__(self, folder: Path) -> None:
        """Open an export.

        Raises:
            ModelError: it cannot be opened.
        """
        from tokenizers import Tokenizer

        info = ReaderInfo.read(folder)
        self.max_length = info.max_length
        self.inputs = info.inputs
        self.run: RunInputs = onnx_session(folder / MODEL)
        try:
            self.tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:  # the library raises no class of its own
            raise ModelError(f"{folder / TOKENIZER} cannot be read: {error}") from error


def load_reader_export(plain: QuestionAnsweringModel, cache: Path) -> ExportedReader:
    """Return the cached export of a reader. If there is none, make it.

    Args:
        plain: the model.
        cache: the folder of exports.

    Raises:
        ExportRefusedError: it cannot be exported, or the export gives other answers.
        ModelError: the model cannot be loaded.
    """
    precision = "fp32" if fastest_precision() == "fp32" else "int8"
    fingerprint = hashlib.sha256(f"reader {VERSION} {precision} {plain.fingerprint}".encode()).hexdigest()
    folder = cache / "readers" / fingerprint[:32]
    plan = Plan(
        name=plain.name,
        description=INFO,
        files=lambda made: ReaderInfo.read(made).files,
        write=lambda draft, preparation: _write(plain, draft, precision, preparation),
    )
    if not folder.exists():
        # A model that is no reader is no matter of its export.
        _ = plain.model, plain.tokenizer, plain.max_length
    make_once(folder, plan)
    return ExportedReader(folder)


def _write(plain: QuestionAnsweringModel, folder: Path, precision: str, preparation: Preparation) -> None:
    """Export a reader and check the export, or raise ExportRefusedError."""
    exact, rounded = folder / REFERENCE, precision == "int8"
    preparation.begin(Step.LOADING)
    inputs = _sample(plain)
    preparation.expect(expected_work(plain.size, plain.table_size, rounded=rounded))
    preparation.begin(Step.TRYING)
    expected = [plain.run(each) for each in inputs]
    preparation.begin(Step.WRITING)
    write_onnx(plain.model, exact, plain.inputs, stack_logits)
    if rounded:
        preparation.begin(Step.ROUNDING)
        quantize(exact, folder / MODEL, inputs)
    preparation.begin(Step.COMPARING)
    if not (agreement := _agreement(expected, onnx_session(exact), inputs)) >= _MIN_EXACT_AGREEMENT:
        raise ExportRefusedError(
            f"the model {plain.name!r} runs as it is, which is slower: the logits of its export have a "
            f"correlation of {agreement:.4f} with the model's"
        )
    if rounded and _agreement(expected, onnx_session(folder / MODEL), inputs) >= _MIN_AGREEMENT:
        _remove(exact)
    else:
        precision = "fp32"
        _remove(folder / MODEL)
        _keep_as(exact, folder / MODEL)
    plain.tokenizer.save(str(folder / TOKENIZER))
    info = ReaderInfo(plain.max_length, plain.inputs, precision, digests(folder))
    (folder / INFO).write_text(json.dumps(asdict(info)) + "\n", "utf-8")


def _remove(path: Path) -> None:
    for file in (path, path.with_name(path.name + WEIGHTS)):
        file.unlink(missing_ok=True)


def _keep_as(exact: Path, path: Path) -> None:
    """Save an ONNX file under another name, which its weights' file has too."""
    import onnx

    onnx.save_model(
        onnx.load(exact),
        path,
        save_as_external_data=True,
        location=path.name + WEIGHTS,
        size_threshold=0,
    )
    _remove(exact)


def _sample(plain: QuestionAnsweringModel) -> list[dict[str, Int64]]:
    """Return inputs made of the sample text: each sentence as a question, and those that follow to read."""
    lines = sample.lines()
    texts = [" ".join(lines[i : i + 3]) for i in range(len(lines))]
    pairs = list(pairwise(texts))[:_SAMPLES]
    return [
        encoded_inputs(plain.tokenizer.encode(lines[i], text), plain.inputs, plain.max_length)
        for i, (_, text) in enumerate(pairs)
    ]


def encoded_inputs(encoding: Any, names: Sequence[str], max_length: int) -> dict[str, Int64]:
    """Return what a reader reads of a tokenizer's encoding, by name, each of shape (1, tokens)."""
    values = {
        "input_ids": encoding.ids,
        "attention_mask": encoding.attention_mask,
        "token_type_ids": encoding.type_ids,
    }
    return {name: np.array([values[name][:max_length]], np.int64) for name in names}


def _agreement(expected: Sequence[Float32], run: RunInputs, inputs: Sequence[Mapping[str, Int64]]) -> float:
    """Return the correlation of an export's logits with the model's, each text's mean taken out.

    The mean makes no difference to a softmax. Logits that are all equal agree with any that are.
    """
    found = [run(each) for each in inputs]
    first, second = (
        np.concatenate([(logits - logits.mean(axis=1, keepdims=True)).ravel() for logits in each])
        for each in (expected, found)
    )
    if np.allclose(first, second, atol=1e-4):
        return 1.0
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))
