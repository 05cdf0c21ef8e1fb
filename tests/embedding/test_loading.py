"""Loading an encoder: for a build, and for an index."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from models import tiny

from qa.config import Settings
from qa.embedding.export import conversion
from qa.embedding.loading import load_encoder, load_plain, open_encoder
from qa.embedding.models import DEFAULT_MODEL
from qa.embedding.sentence_transformer import SentenceTransformerEncoder
from qa.index import generation
from qa.indexing.build import build
from qa.retrieval.searcher import Searcher
from qa.types import Query


def test_an_index_is_built_as_on_a_gpu(tmp_path: Path, docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the model as it is, in bf16, and several passages at once."""
    monkeypatch.setattr(conversion, "has_gpu", lambda: True)
    encoder = load_encoder(str(tiny(tmp_path, "mean")))
    assert isinstance(encoder, SentenceTransformerEncoder)
    monkeypatch.setitem(vars(encoder), "model", encoder.model.bfloat16())
    configured = Settings(docs=docs, index=tmp_path / "index")
    assert build(configured, encoder).passages > 4
    searcher = Searcher(generation.load(generation.current(configured.index)), encoder)
    assert searcher.search(Query("rice")).hits[0].passage.document.path == "trade.md"


def test_the_default_model_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in (DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"):
        encoder = load_plain(name)
        assert encoder.encode_queries(["rice"])[0].vector.shape == (encoder.dimension,)
        assert encoder.name == name


def test_without_an_export_the_model_is_opened_by_its_name(tmp_path: Path) -> None:
    assert isinstance(open_encoder(DEFAULT_MODEL, tmp_path / "encoder"), SentenceTransformerEncoder)


ASK = """
import sys
from pathlib import Path
from qa.config import Settings
from qa.types import Query
from qa.retrieval.live import LiveSearcher
result = LiveSearcher(Settings(index=Path(sys.argv[1]))).current().search(Query("Who studies in Moscow?"))
print(result.hits[0].passage.document.path)
print(*(name for name in ("torch", "transformers", "sentence_transformers", "onnx") if name in sys.modules))
"""


def test_serving_needs_neither_torch_nor_sentence_transformers(tmp_path: Path, default, docs: Path) -> None:
    build(Settings(docs=docs, index=tmp_path / "index"), default)
    process = subprocess.run(
        [sys.executable, "-c", ASK, tmp_path / "index"], capture_output=True, text=True, check=True
    )
    assert process.stdout == "envoy.txt\n\n"
