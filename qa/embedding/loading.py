"""Where an embedding model is loaded: exported for this processor where possible, else as it is."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from qa.config import Settings
from qa.embedding.export import conversion
from qa.embedding.export.encoder import ExportedEncoder, LoadedTokenizer
from qa.embedding.model_protocols import Encoder
from qa.embedding.models import find_model
from qa.embedding.prompts import Prompts
from qa.embedding.sentence_transformer import PROMPTS, SentenceTransformerEncoder
from qa.errors import ExportRefusedError, ModelError

_log = logging.getLogger(__name__)


def load_encoder(model: str, cache: Path | None = None, prompts: Prompts | None = None) -> Encoder:
    """Return the encoder with which to build an index.

    It is an export of the model for the fastest run time that keeps its vectors, made once and cached. The
    model runs in sentence-transformers if it cannot be exported, or if there is a GPU.

    Args:
        model: ``all-MiniLM-L6-v2``, which is installed with this package, or the folder or name of any other
            sentence-transformers model.
        cache: the folder of exports and unpacked models; that of the settings if None.
        prompts: the texts before each question and document, if not the model's own.

    Raises:
        ModelError: it is missing or incomplete.
    """
    cache = Settings().cache if cache is None else cache
    plain = load_plain(model, cache, prompts)
    if conversion.has_gpu():
        return plain
    try:
        return conversion.load_export(plain, cache)
    except ExportRefusedError as refusal:
        _log.warning("%s", refusal)
        return plain


def load_plain(
    model: str, cache: Path | None = None, prompts: Prompts | None = None
) -> SentenceTransformerEncoder:
    """Return the encoder that runs a model in sentence-transformers, as ``load_encoder`` finds it.

    Raises:
        ModelError: it is missing or incomplete.
    """
    return SentenceTransformerEncoder(model, find_model(model, cache), prompts, cache)


def open_encoder(
    model: str,
    folder: Path,
    threads: int | None = None,
    loaded: LoadedTokenizer | None = None,
    cache: Path | None = None,
) -> Encoder:
    """Return the encoder with which an index was built.

    Args:
        model: the model's name.
        folder: where the index keeps its export, if it has one.
        threads: threads that an export uses for many texts; one per core if None.
        loaded: a tokenizer for an export to share, if it is that of the export.
        cache: the folder of unpacked models; that of the settings if None.

    Raises:
        ModelError: it is missing or incomplete.
    """
    if (folder / PROMPTS).exists():
        return load_plain(model, cache, _saved_prompts(folder / PROMPTS))
    if folder.is_dir():
        return ExportedEncoder(model, folder, threads=threads, loaded=loaded)
    return load_plain(model, cache)


def _saved_prompts(path: Path) -> Prompts:
    try:
        return Prompts(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
