"""Exports of models for a faster run time: made once per model, checked, and cached."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from qa.embedding.export.encoder import (
    INFO,
    MODEL,
    REFERENCE,
    TOKENIZER,
    ExportedEncoder,
    ExportInfo,
    LoadedTokenizer,
    Precision,
)
from qa.embedding.export.export_cache import (
    Plan,
    Step,
    expected_work,
    make_once,
)
from qa.embedding.export.memory import return_memory
from qa.embedding.export.onnx_export import write_onnx
from qa.embedding.export.quantization import quantize
from qa.embedding.export.runtimes import INPUTS, has_openvino
from qa.embedding.model_files import digests
from qa.embedding.pooling import Kind
from qa.embedding.preparation import Preparation
from qa.embedding.sentence_transformer import SentenceTransformerEncoder, one_thread
from qa.errors import ExportRefusedError
from qa.text import sample
from qa.types import Float32

VERSION = "2"
"""Changes whenever the same model may be exported differently."""

_MIN_EXACT_COSINE = 0.9999
"""Between an export in full precision and the model: they differ by rounding only."""

_INT8_FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}


def has_gpu() -> bool:
    """Whether there is a GPU that torch could use. Checked without loading torch."""
    return Path("/proc/driver/nvidia/gpus").is_dir()


def fastest_precision() -> Precision:
    """Return the precision in which this processor is fastest while it keeps the vectors.

    A single question is faster in 8 bits, with half as much to read as in bf16; many texts at once are faster
    in bf16 if the processor multiplies matrices in it.
    """
    try:
        flags = set(Path("/proc/cpuinfo").read_text("utf-8").split())
    except OSError:
        flags = {"asimddp"} if platform.machine() == "arm64" else set()  # every Mac with Apple silicon
    if not flags & _INT8_FLAGS:
        return "fp32"
    return "mixed" if "amx_bf16" in flags and has_openvino() else "int8"


def load_export(plain: SentenceTransformerEncoder, cache: Path) -> ExportedEncoder:
    """Return the cached export of a model. If there is none, make it.

    Args:
        plain: the model.
        cache: the folder of exports.

    Raises:
        ExportRefusedError: it cannot be exported, or the export does not keep its vectors. This is
            remembered, unless the cause is not the model, such as a full disk.
        ModelError: the model cannot be loaded.
    """
    precision = fastest_precision()
    fingerprint = hashlib.sha256(f"{VERSION} {precision} {plain.fingerprint}".encode()).hexdigest()
    folder = cache / "encoders" / fingerprint[:32]
    plan = Plan(
        name=plain.name,
        description=INFO,
        files=lambda made: ExportInfo.read(made).files,
        write=lambda draft, preparation: _Export(plain, draft, precision, fingerprint).write(preparation),
    )
    if not make_once(folder, plan):
        return ExportedEncoder(plain.name, folder)
    return_memory()
    loaded = LoadedTokenizer(ExportInfo.read(folder).files[TOKENIZER], plain.tokenizer)
    return ExportedEncoder(plain.name, folder, loaded=loaded)


class _Export:
    """An export at work. No more of the model is in memory at a time than a step needs."""

    def __init__(
        self, plain: SentenceTransformerEncoder, folder: Path, precision: Precision, fingerprint: str
    ) -> None:
        self._plain = plain
        self._folder = folder
        self._precision = precision
        self._fingerprint = fingerprint

    def write(self, preparation: Preparation) -> None:
        """Export the model and check the export, or raise ExportRefusedError."""
        plain, rounded = self._plain, self._precision != "fp32"
        exact = self._folder / (REFERENCE if rounded else MODEL)
        preparation.begin(Step.LOADING)
        if plain.pooling not in ("mean", "cls"):
            raise ExportRefusedError(
                f"the model {plain.name!r} runs as it is, which is slower: its kind cannot be exported"
            )
        prompts = len(_prompts(plain))
        preparation.expect(expected_work(plain.size, plain.table_size, prompts=prompts, rounded=rounded))
        preparation.begin(Step.TRYING)
        expected = _sample_vectors(plain)
        info, tokenizer = self._describe(), plain.tokenizer
        preparation.begin(Step.WRITING)
        _write_onnx(plain, exact)
        if rounded:
            preparation.begin(Step.ROUNDING)
            quantize(exact, self._folder / MODEL, [_inputs(tokenizer, line) for line in sample.lines()])
        preparation.begin(Step.COMPARING)
        tokenizer.save(str(self._folder / TOKENIZER))
        self._check(self._probed(info, tokenizer), expected)

    def _describe(self) -> ExportInfo:
        """Return the description of the export, without what is known once it is written."""
        plain = self._plain
        return ExportInfo(
            name=plain.name,
            fingerprint=self._fingerprint,
            precision=self._precision,
            pooling=str(plain.pooling),
            dimension=plain.dimension,
            longest=plain.max_seq_length,
            unknown_token=plain.unknown_token,
            prompts={"query": plain.prompt("query"), "document": plain.prompt("document")},
            probe=[],
            files={},
        )

    def _probed(self, info: ExportInfo, tokenizer: Any) -> ExportedEncoder:
        """Write the description, at last with the probe's vector, and return the encoder."""
        info = replace(info, files=digests(self._folder))
        info.write(self._folder)
        loaded = LoadedTokenizer(info.files[TOKENIZER], tokenizer)
        encoder = ExportedEncoder(info.name, self._folder, loaded=loaded)
        replace(info, probe=encoder.probe().tolist()).write(self._folder)
        return ExportedEncoder(info.name, self._folder, loaded=loaded)

    def _check(self, encoder: ExportedEncoder, expected: dict[Kind, Float32]) -> None:
        """Compare the export with sentence-transformers: in full precision, its vectors must be the same."""
        for kind, vectors in expected.items():
            exact = encoder.reference.vectors(_sample_texts(), kind)
            min_cosine = float((vectors * exact).sum(axis=1).min())
            if not min_cosine >= _MIN_EXACT_COSINE:  # it may be NaN
                raise ExportRefusedError(
                    f"the model {encoder.name!r} runs as it is, which is slower: the vectors of its export "
                    f"have a cosine of {min_cosine:.4f} with the model's"
                )
        encoder.check(sample.lines())


def _sample_texts() -> list[str]:
    lines = sample.lines()
    return [*lines, " ".join(lines)]  # the last is longer than most models read


def _sample_vectors(plain: SentenceTransformerEncoder) -> dict[Kind, Float32]:
    """Return the model's vectors of the sample, shape (texts, dimension), by a kind for each prompt."""
    *lines, long = _sample_texts()
    with one_thread():
        return {  # beside the long text, all others would be padded
            kind: np.concatenate([plain.vectors(texts, kind) for texts in (lines, [long])])
            for kind in _prompts(plain).values()
        }


def _prompts(plain: SentenceTransformerEncoder) -> dict[str, Kind]:
    """Return a kind for each prompt: most models have the same for both."""
    return {plain.prompt(kind): kind for kind in get_args(Kind)}


def _write_onnx(plain: SentenceTransformerEncoder, path: Path) -> None:
    """Write the model as ONNX: token ids and a mask in, token vectors out. Shapes: see ``runtimes.Run``."""
    transformer = plain.model[0].auto_model
    plain.release()
    return_memory()
    write_onnx(transformer, path, INPUTS, lambda output: output.last_hidden_state)
    del transformer
    return_memory()


def _inputs(tokenizer: Any, text: str) -> dict[str, Any]:
    ids = np.array([tokenizer.encode(text).ids], np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}
