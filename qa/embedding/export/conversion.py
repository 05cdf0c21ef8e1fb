"""Exports of models for a fast run time: made once a model, checked, and kept in a folder of the user's."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from qa import files
from qa.embedding.export.encoder import (
    FACTS,
    MODEL,
    REFERENCE,
    REFUSED,
    TOKENIZER,
    ExportedEncoder,
    Facts,
    Precision,
)
from qa.embedding.export.quantization import quantize
from qa.embedding.export.runtimes import has_openvino
from qa.embedding.models import digests
from qa.embedding.pooling import Kind
from qa.embedding.sentence_transformer import SentenceTransformerEncoder
from qa.errors import ExportRefusedError, ModelError
from qa.text import sample

VERSION = "2"
"""Changes whenever the same model may be exported otherwise."""

_OPSET = 17
_LEAST_EXACT = 0.9999
_INT8_FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}
_log = logging.getLogger(__name__)


def has_gpu() -> bool:
    """Tell, without loading torch, whether there is a GPU that it could use."""
    return Path("/proc/driver/nvidia/gpus").is_dir()


def precision() -> Precision:
    """Give what this processor is fastest at without losing the vectors.

    A question is faster in 8 bits, of which half as much is read; many texts at once in bf16, where there are
    tiles for it.
    """
    try:
        known = set(Path("/proc/cpuinfo").read_text("utf-8").split())
    except OSError:
        known = {"asimddp"} if platform.machine() == "arm64" else set()  # every Mac of that kind
    if not known & _INT8_FLAGS:
        return "fp32"
    return "mixed" if "amx_bf16" in known and has_openvino() else "int8"


def exported(plain: SentenceTransformerEncoder, cache: Path) -> ExportedEncoder:
    """Give the export of a model, made now where there is none.

    Args:
        plain: the model.
        cache: where exports are kept.

    Raises:
        ExportRefusedError: it cannot be exported, or the export does not keep its vectors. That is
            remembered, unless the fault lies outside of the model, such as a full disk.
        ModelError: the model cannot be loaded.
    """
    kind = precision()
    fingerprint = hashlib.sha256(f"{VERSION} {kind} {plain.fingerprint}".encode()).hexdigest()
    folder = cache / "encoders" / fingerprint[:32]
    try:
        with _alone(folder.parent):
            if (folder / REFUSED).exists():
                reason = (folder / REFUSED).read_text("utf-8")
                raise ExportRefusedError(f"{reason} (remove {folder} to try again)")
            if not _is_whole(folder):
                _log.warning("preparing the model %r for this processor, once: some 20 seconds", plain.name)
                _make(plain, folder, kind, fingerprint)
    except OSError as error:
        raise ExportRefusedError(
            f"the model {plain.name!r} runs as it is, and slower: its export cannot be made in "
            f"{folder.parent} ({error})"
        ) from error
    return ExportedEncoder(plain.name, folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no one else make anything in a folder. The system lets go of a dead process's lock by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        files.lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _is_whole(folder: Path) -> bool:
    try:
        expected = Facts.read(folder).files
    except ModelError:
        return False
    return {name: digest for name, digest in digests(folder).items() if name != FACTS} == expected


def _make(plain: SentenceTransformerEncoder, folder: Path, kind: Precision, fingerprint: str) -> None:
    """Export into a folder beside it, and move that into place once it is whole and checked."""
    for left in (folder, *folder.parent.glob(".*")):  # damaged, or of runs that were stopped
        shutil.rmtree(left, ignore_errors=True)
    draft = folder.with_name(f".{folder.name}")
    draft.mkdir()
    try:
        _try(plain, draft, kind, fingerprint)
        draft.rename(folder)
    except ExportRefusedError as refusal:
        with suppress(OSError):
            folder.mkdir()
            (folder / REFUSED).write_text(str(refusal), "utf-8")
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _try(plain: SentenceTransformerEncoder, folder: Path, kind: Precision, fingerprint: str) -> None:
    """Export a model, if it can be."""
    if plain.pooling not in ("mean", "cls"):
        raise ExportRefusedError(f"the model {plain.name!r} is of a kind that runs only as it is, and slower")
    try:
        _write(plain, folder, kind, fingerprint)
        _check(plain, folder)
    except (ExportRefusedError, OSError):
        raise
    except Exception as error:  # those of torch, ONNX and its run time have no common kind
        raise ExportRefusedError(
            f"the model {plain.name!r} runs as it is, and slower: it cannot be exported ({error})"
        ) from error


def _write(plain: SentenceTransformerEncoder, folder: Path, kind: Precision, fingerprint: str) -> None:
    exact = folder / (MODEL if kind == "fp32" else REFERENCE)
    _export(plain, exact)
    if kind != "fp32":
        quantize(exact, folder / MODEL, [_inputs(plain, line) for line in sample.lines()])
    plain.tokenizer.save(str(folder / TOKENIZER))
    facts = Facts(
        name=plain.name,
        fingerprint=fingerprint,
        precision=kind,
        pooling=str(plain.pooling),
        dimension=plain.dimension,
        longest=plain.longest,
        unknown_token=plain.unknown_token,
        prompts={"query": plain.prompt("query"), "document": plain.prompt("document")},
        probe=[],
        files=digests(folder),
    )
    facts.write(folder)
    replace(facts, probe=ExportedEncoder(plain.name, folder).probe().tolist()).write(folder)


def _export(plain: SentenceTransformerEncoder, path: Path) -> None:
    """Write the model as ONNX: token numbers and a mask in, token vectors out."""
    import torch  # takes seconds

    class TokenVectors(torch.nn.Module):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    example = torch.ones((2, 8), dtype=torch.long)
    axes = {0: "texts", 1: "tokens"}
    model = plain.model[0].auto_model
    before = model.config._attn_implementation  # noqa: SLF001 -- transformers has no other name for it
    model.set_attn_implementation("eager")  # as plain matrix products, which can be kept in 8 bits
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own, and of tracing what is constant here
            torch.onnx.export(
                TokenVectors(model),
                (example, example),
                str(path),
                input_names=["input_ids", "attention_mask"],
                output_names=["vectors"],
                dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": axes},
                opset_version=_OPSET,
                dynamo=False,  # the other exporter needs two more packages
            )
    finally:
        model.set_attn_implementation(before)
    if len(list(path.parent.iterdir())) > 1:
        raise ValueError("it has more than the 2 GB that one ONNX file holds")


def _inputs(plain: SentenceTransformerEncoder, text: str) -> dict[str, Any]:
    ids = np.array([plain.tokenizer.encode(text).ids], np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def _check(plain: SentenceTransformerEncoder, folder: Path) -> None:
    """Hold the export against sentence-transformers: in full precision it gives the same vectors."""
    lines = sample.lines()
    encoder = ExportedEncoder(plain.name, folder)
    texts = [*lines, " ".join(lines)]  # the last is longer than most models read
    for kind in get_args(Kind):
        exact = encoder.reference.vectors(texts, kind)
        least = float((plain.vectors(texts, kind) * exact).sum(axis=1).min())
        if not least >= _LEAST_EXACT:  # it may be no number
            raise ExportRefusedError(
                f"the export of {plain.name!r} is not used: its vectors have a cosine of {least:.4f} with "
                "the model's; the model runs as it is, and slower"
            )
    encoder.check(lines)
