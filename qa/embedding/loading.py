"""Where an embedding model is loaded: exported for this processor where possible, else as it is."""

from __future__ import annotations

import logging
from pathlib import Path

from qa.config import Settings
from qa.embedding.export import conversion
from qa.embedding.export.encoder import ExportedEncoder
from qa.embedding.model_protocols import Encoder
from qa.embedding.models import find_model
from qa.embedding.sentence_transformer import SentenceTransformerEncoder
from qa.errors import ExportRefusedError

_log = logging.getLogger(__name__)


def load_encoder(model: str, cache: Path | None = None) -> Encoder:
    """Return the encoder with which to build an index.

    It is an export of the model for the fastest run time that keeps its vectors, made once and cached. The
    model runs in sentence-transformers if it cannot be exported, or if there is a GPU.

    Args:
        model: ``all-MiniLM-L6-v2``, which is installed with this package, or the folder or name of any other
            sentence-transformers model.
        cache: the folder of exports; that of the settings if None.

    Raises:
        ModelError: it is missing or incomplete.
    """
    plain = load_plain(model)
    if conversion.has_gpu():
        return plain
    try:
        return conversion.load_export(plain, Settings().cache if cache is None else cache)
    except ExportRefusedError as refusal:
        _log.warning("%s", refusal)
        return plain


def load_plain(model: str) -> SentenceTransformerEncoder:
    """Return the encoder that runs a model in sentence-transformers.

    Raises:
        ModelError: it is missing or incomplete.
    """
    return SentenceTransformerEncoder(model, find_model(model))


def open_encoder(model: str, folder: Path, threads: int | None = None) -> Encoder:
    """Return the encoder with which an index was built.

    Args:
        model: the model's name.
        folder: where the index keeps its export, if it has one.
        threads: threads that an export uses for many texts; one per core if None.

    Raises:
        ModelError: it is missing or incomplete.
    """
    if folder.is_dir():
        return ExportedEncoder(model, folder, threads=threads)
    return load_plain(model)
