"""Where models are found, and what identifies their files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from qa.embedding import models
from qa.embedding.loading import load_plain
from qa.embedding.model_files import digests
from qa.embedding.models import DEFAULT_MODEL, MULTILINGUAL_MODEL, find_model, model_for_languages
from qa.errors import ModelError


def test_damaged_weights_of_the_default_model_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "MODEL_DIR", str(tmp_path))
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read: reinstall"):
        load_plain(DEFAULT_MODEL)
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(ModelError, match="is not the published model"):
        load_plain(DEFAULT_MODEL)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("no JSON")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_plain(str(tmp_path)).encode_queries(["rice"])


def test_a_folder_is_a_models_name_too(tmp_path: Path) -> None:
    assert find_model(str(tmp_path)) == tmp_path
    assert find_model(DEFAULT_MODEL) == find_model(f"sentence-transformers/{DEFAULT_MODEL}")


@pytest.mark.parametrize(
    ("model", "better"),
    [
        (DEFAULT_MODEL, MULTILINGUAL_MODEL),
        ("models/my-model", MULTILINGUAL_MODEL),
        (MULTILINGUAL_MODEL, None),
        ("intfloat/multilingual-e5-small@fd1525a", None),
        ("sentence-transformers/paraphrase-Multilingual-mpnet-base-v2", None),
    ],
)
def test_a_multilingual_model_is_named_unless_the_model_is_one(model: str, better: str | None) -> None:
    assert model_for_languages(model) == better


def test_files_that_shape_a_model_are_hashed(tmp_path: Path) -> None:
    for name in ("config.json", "1_Pooling/config.json", "README.md", ".cache/x", ".hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert digests(tmp_path) == {
        name: hashlib.sha256(name.encode()).hexdigest() for name in ("1_Pooling/config.json", "config.json")
    }
