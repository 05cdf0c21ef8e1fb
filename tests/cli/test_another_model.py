"""A model that is named by its folder: indexed, asked, with prompts of its own, and calibrated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from corpus import write
from models import WORDS, tiny
from sentence_transformers import SentenceTransformer

from qa.cli import commands
from qa.embedding.export import conversion
from qa.index import generation
from qa.retrieval.live import encoder_of

_WORDS = [*WORDS, "ask", "read", "a", "ship", "came", "to", "what", "where", "?"]
_DOCUMENTS = {"rice.txt": "Rice was sold in the port.", "ship.txt": "A ship came to the port."}
_PROMPTS = {"query": "ask : ", "document": "read : "}


@pytest.fixture(params=["exported", "as it is"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether the model can be exported on this machine."""
    monkeypatch.setattr(conversion, "has_gpu", lambda: request.param != "exported")
    monkeypatch.setattr(conversion, "fastest_precision", lambda: "fp32")
    return str(request.param)


def test_a_model_by_its_folder_is_indexed_with_prompts_calibrated_and_asked(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = str(tiny(tmp_path, "mean", words=_WORDS))
    write(tmp_path / "docs", _DOCUMENTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QA_CACHE", str(tmp_path / "cache"))

    prompts = [f"--{name}-prompt={prompt}" for name, prompt in _PROMPTS.items()]
    built = CliRunner().invoke(commands.main, ["index", "docs", "--model", model, *prompts])
    assert built.exit_code == 0, built.output
    assert "the index was calibrated: no calibration fits the model" in built.stderr
    assert (tmp_path / "index" / "calibration.json").exists()

    live = generation.load(generation.current(tmp_path / "index"))
    assert (live.encoder / "model.onnx").exists() == (kind == "exported")
    reference = SentenceTransformer(model, device="cpu")
    _check_passages(live, reference)
    _check_questions(live, reference)

    asked = CliRunner().invoke(commands.main, ["ask", "where was rice sold ?", "--json"])
    assert asked.exit_code == 0, asked.output
    answer = json.loads(asked.stdout)
    assert answer["results"][0]["document"]["path"] == "rice.txt"


def _check_passages(live: generation.Generation, reference: SentenceTransformer) -> None:
    """Check that the passages were read after the prompt, and that no other text explains their vectors."""
    texts = [
        passage.text  # nothing is read before it: the titles are the files' names
        for document in live.store.all_documents()
        for passage in live.store.passages_of(document.id)
    ]
    stored = live.passages.vectors(np.arange(len(texts)))
    np.testing.assert_allclose(stored, _unit(reference, texts, _PROMPTS["document"]), atol=0.01)
    for other in ("", _PROMPTS["query"]):
        assert np.abs(stored - _unit(reference, texts, other)).max() > 0.05


def _check_questions(live: generation.Generation, reference: SentenceTransformer) -> None:
    """Check that questions are read after their prompt, which the index has kept."""
    encoder = encoder_of(live)
    questions = ["where was rice sold ?", "what came to the port ?"]
    vectors = np.stack([query.vector for query in encoder.encode_queries(questions)])
    np.testing.assert_allclose(vectors, _unit(reference, questions, _PROMPTS["query"]), atol=1e-4)
    assert np.abs(vectors - _unit(reference, questions, _PROMPTS["document"])).max() > 0.05


def _unit(reference: SentenceTransformer, texts: list[str], prompt: str) -> np.ndarray:
    return reference.encode([prompt + text for text in texts], normalize_embeddings=True)
