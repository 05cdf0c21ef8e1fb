"""Exports of models for a faster run time: made once per model, checked, and cached."""

from __future__ import annotations

import hashlib
import logging
import platform
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from qa.embedding.export.encoder import (
    INFO,
    MODEL,
    REFERENCE,
    REFUSED,
    TOKENIZER,
    ExportedEncoder,
    ExportInfo,
    LoadedTokenizer,
    Precision,
)
from qa.embedding.export.external_weights import Tables, save
from qa.embedding.export.quantization import quantize
from qa.embedding.export.runtimes import has_openvino
from qa.embedding.locking import locked
from qa.embedding.model_files import digests
from qa.embedding.pooling import Kind
from qa.embedding.sentence_transformer import SentenceTransformerEncoder
from qa.errors import ExportRefusedError, ModelError
from qa.text import sample

VERSION = "2"
"""Changes whenever the same model may be exported differently."""

_OPSET = 17  # the first of ONNX with a layer normalisation operator, which ``quantization`` needs

_EXAMPLE_ID = 1  # of the tokens of which the example for the exporter is made

_MIN_EXACT_COSINE = 0.9999
"""Between an export in full precision and the model: they differ by rounding only."""

_INT8_FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}

_SECONDS = 6
_SECONDS_PER_BYTE, _SECONDS_PER_TABLE_BYTE = 0.2e-6, 0.02e-6
"""The time to export a model and check it, on two cores: to load libraries; for each byte of its files, whose
weights are traced, rounded and run; and for each of its word embeddings, which are only copied and hashed."""

_log = logging.getLogger(__name__)


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
    try:
        with locked(folder.parent):
            if (folder / REFUSED).exists():
                reason = (folder / REFUSED).read_text("utf-8")
                raise ExportRefusedError(f"{reason} (remove {folder} to try again)")
            if not _is_complete(folder):
                seconds = _expected_seconds(plain.size, plain.table_size)
                _log.warning(
                    "preparing the model %r for this processor (once, about %d seconds)", plain.name, seconds
                )
                _make(plain, folder, precision, fingerprint)
    except OSError as error:
        raise ExportRefusedError(
            f"the model {plain.name!r} runs as it is, which is slower: its export cannot be made in "
            f"{folder.parent} ({error})"
        ) from error
    return ExportedEncoder(plain.name, folder)


def _expected_seconds(size: int, table_size: int) -> int:
    """Return how long an export takes, given the sizes of a model and of its word embeddings in bytes."""
    seconds = _SECONDS + _SECONDS_PER_BYTE * (size - table_size) + _SECONDS_PER_TABLE_BYTE * table_size
    return int(round(seconds, -1))


def _is_complete(folder: Path) -> bool:
    try:
        expected = ExportInfo.read(folder).files
    except ModelError:
        return False
    return {name: digest for name, digest in digests(folder).items() if name != INFO} == expected


def _make(plain: SentenceTransformerEncoder, folder: Path, precision: Precision, fingerprint: str) -> None:
    """Export into a draft beside the folder, and move it into place once it is complete and checked."""
    for leftover in (folder, *folder.parent.glob(".*")):  # damaged, or of interrupted runs
        shutil.rmtree(leftover, ignore_errors=True)
    draft = folder.with_name(f".{folder.name}")
    draft.mkdir()
    try:
        _export_checked(plain, draft, precision, fingerprint)
        draft.rename(folder)
    except ExportRefusedError as refusal:
        with suppress(OSError):
            folder.mkdir()
            (folder / REFUSED).write_text(str(refusal), "utf-8")
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _export_checked(
    plain: SentenceTransformerEncoder, folder: Path, precision: Precision, fingerprint: str
) -> None:
    """Export a model and check the export, or raise ExportRefusedError."""
    if plain.pooling not in ("mean", "cls"):
        raise ExportRefusedError(
            f"the model {plain.name!r} runs as it is, which is slower: its kind cannot be exported"
        )
    try:
        _write(plain, folder, precision, fingerprint)
        _check(plain, ExportedEncoder(plain.name, folder, loaded=_tokenizer(plain, folder)))
    except (ExportRefusedError, OSError):
        raise
    except Exception as error:  # the errors of torch, ONNX and its run time share no base class
        raise ExportRefusedError(
            f"the model {plain.name!r} runs as it is, which is slower: it cannot be exported ({error})"
        ) from error


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
    import onnx
    import torch  # takes seconds

    class TokenVectors(torch.nn.Module):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    example = torch.full((2, 8), _EXAMPLE_ID)
    axes = {0: "texts", 1: "tokens"}
    model = plain.model[0].auto_model
    attention = model.config._attn_implementation  # noqa: SLF001 -- transformers has no other name for it
    model.set_attn_implementation("eager")  # plain matrix products, which can be quantized
    exported = TokenVectors(model)
    try:
        with _few_embeddings(exported) as tables, torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the exporter, and about values that are constant here
            torch.onnx.export(
                exported,
                (example, example),
                str(path),
                input_names=["input_ids", "attention_mask"],
                output_names=["vectors"],
                dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": axes},
                opset_version=_OPSET,
                dynamo=False,  # the other exporter needs two more packages
            )
    finally:
        model.set_attn_implementation(attention)
    if len(list(path.parent.iterdir())) > 1:
        raise ValueError("it is larger than 2 GB, the limit of an ONNX file")
    save(onnx.load(path), path, tables)


@contextmanager
def _few_embeddings(exported: Any) -> Iterator[Tables]:
    """Leave out all but a few of a model's word embeddings while it is exported, and yield all."""
    import torch

    embeddings = exported.model.get_input_embeddings()
    whole = embeddings.weight
    names = [name for name, parameter in exported.named_parameters() if parameter is whole]
    rows = _EXAMPLE_ID + 1 + max(0, embeddings.padding_idx or 0)
    embeddings.weight = torch.nn.Parameter(whole[:rows].detach().clone())
    try:
        yield {name: whole.detach().numpy() for name in names}
    finally:
        embeddings.weight = whole


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
