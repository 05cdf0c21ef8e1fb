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
from qa.embedding.export.export_cache import Plan, expected_seconds, make_once
from qa.embedding.export.onnx_export import write_onnx
from qa.embedding.export.quantization import quantize
from qa.embedding.export.runtimes import INPUTS, has_openvino
from qa.embedding.model_files import digests
from qa.embedding.pooling import Kind
from qa.embedding.sentence_transformer import SentenceTransformerEncoder
from qa.errors import ExportRefusedError
from qa.text import sample

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
        seconds=expected_seconds(plain.size, plain.table_size),
        description=INFO,
        files=lambda made: ExportInfo.read(made).files,
        write=lambda draft: _write_checked(plain, draft, precision, fingerprint),
    )
    make_once(folder, plan)
    return ExportedEncoder(plain.name, folder)


def _write_checked(
    plain: SentenceTransformerEncoder, folder: Path, precision: Precision, fingerprint: str
) -> None:
    """Export a model and check the export, or raise ExportRefusedError."""
    if plain.pooling not in ("mean", "cls"):
        raise ExportRefusedError(
            f"the model {plain.name!r} runs as it is, which is slower: its kind cannot be exported"
        )
    _write(plain, folder, precision, fingerprint)
    _check(plain, ExportedEncoder(plain.name, folder, loaded=_tokenizer(plain, folder)))


def _write(plain: SentenceTransformerEncoder, folder: Path, precision: Precision, fingerprint: str) -> None:
    exact = folder / (MODEL if precision == "fp32" else REFERENCE)
    _write_onnx(plain, exact)
    if precision != "fp32":
        quantize(exact, folder / MODEL, [_inputs(plain, line) for line in sample.lines()])
    plain.tokenizer.save(str(folder / TOKENIZER))
    info = ExportInfo(
        name=plain.name,
        fingerprint=fingerprint,
        precision=precision,
        pooling=str(plain.pooling),
        dimension=plain.dimension,
        longest=plain.max_seq_length,
        unknown_token=plain.unknown_token,
        prompts={"query": plain.prompt("query"), "document": plain.prompt("document")},
        probe=[],
        files=digests(folder),
    )
    info.write(folder)
    encoder = ExportedEncoder(plain.name, folder, loaded=_tokenizer(plain, folder))
    replace(info, probe=encoder.probe().tolist()).write(folder)


def _tokenizer(plain: SentenceTransformerEncoder, folder: Path) -> LoadedTokenizer:
    """Return the model's tokenizer, as it has been written into an export's folder."""
    return LoadedTokenizer(ExportInfo.read(folder).files[TOKENIZER], plain.tokenizer)


def _write_onnx(plain: SentenceTransformerEncoder, path: Path) -> None:
    """Write the model as ONNX: token ids and a mask in, token vectors out. Shapes: see ``runtimes.Run``."""
    write_onnx(plain.model[0].auto_model, path, INPUTS, lambda output: output.last_hidden_state)


def _inputs(plain: SentenceTransformerEncoder, text: str) -> dict[str, Any]:
    ids = np.array([plain.tokenizer.encode(text).ids], np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def _check(plain: SentenceTransformerEncoder, encoder: ExportedEncoder) -> None:
    """Compare the export with sentence-transformers: in full precision, its vectors must be the same."""
    lines = sample.lines()
    long = [" ".join(lines)]  # longer than most models read; beside it, all others would be padded
    prompts: dict[str, Kind] = {plain.prompt(kind): kind for kind in get_args(Kind)}  # most have one for both
    for kind in prompts.values():
        exact = encoder.reference.vectors([*lines, *long], kind)
        vectors = np.concatenate([plain.vectors(texts, kind) for texts in (lines, long)])
        min_cosine = float((vectors * exact).sum(axis=1).min())
        if not min_cosine >= _MIN_EXACT_COSINE:  # it may be NaN
            raise ExportRefusedError(
                f"the model {plain.name!r} runs as it is, which is slower: the vectors of its export have a "
                f"cosine of {min_cosine:.4f} with the model's"
            )
    encoder.check(lines)
