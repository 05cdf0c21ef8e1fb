"""The embedding model: the only user of sentence-transformers, and of the run time that is faster."""

from __future__ import annotations

import logging
from pathlib import Path

from qa.config import Settings
from qa.embedding.export import conversion
from qa.embedding.export.encoder import ExportedEncoder
from qa.embedding.models import DEFAULT_MODEL, find_model, load_model
from qa.embedding.pooling import CONTEXT_TOKENS
from qa.embedding.sentence_transformer import SentenceTransformerEncoder
from qa.errors import ExportRefusedError
from qa.types import Encoder

__all__ = [
    "CONTEXT_TOKENS",
    "DEFAULT_MODEL",
    "ExportedEncoder",
    "SentenceTransformerEncoder",
    "find_model",
    "load_encoder",
    "load_model",
    "load_plain",
    "open_encoder",
]

_log = logging.getLogger(__name__)


def load_encoder(model: str, cache: Path | None = None) -> Encoder:
    """Make an embedding model ready for building an index.

    Where it can be, it is an export of the model for the fastest run time that keeps its vectors, made once
    and kept; otherwise, or where there is a GPU, the model runs as sentence-transformers has it.

    Args:
        model: ``all-MiniLM-L6-v2``, which is installed with this package, or the folder or name of any other
            sentence-transformers model.
        cache: where exports are kept; the default of the settings where None.

    Raises:
        ModelError: it is not there or not whole.
    """
    plain = load_plain(model)
    if conversion.has_gpu():
        return plain
    try:
        return conversion.exported(plain, Settings().cache if cache is None else cache)
    except ExportRefusedError as refusal:
        _log.warning("%s", refusal)
        return plain


def load_plain(model: str) -> SentenceTransformerEncoder:
    """Make a model ready to run as sentence-transformers has it.

    Raises:
        ModelError: it is not there or not whole.
    """
    return SentenceTransformerEncoder(model, find_model(model))


def open_encoder(model: str, folder: Path, threads: int | None = None) -> Encoder:
    """Open the encoder with which an index was built.

    Args:
        model: the model's name.
        folder: where the index keeps one.
        threads: how many of them an export takes for many texts; one a core where None.

    Raises:
        ModelError: it is not there or not whole.
    """
    if folder.is_dir():
        return ExportedEncoder(model, folder, threads=threads)
    return load_plain(model)
