"""Models as sentence-transformers runs them."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from time import sleep

import numpy as np
import pytest
from models import PASSAGE, WORDS, tiny
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from qa.embedding.loading import load_plain


@pytest.mark.parametrize("count", [4, 5, 17])
def test_a_model_that_runs_as_it_is_reads_any_number_of_texts(tmp_path: Path, count: int) -> None:
    """Before its version 6.2, sentence-transformers failed on the fifth text of a batch."""
    encoder = load_plain(str(tiny(tmp_path, "mean")))
    texts = [f"rice {'was sold ' * i}" for i in range(count)]
    alone = np.concatenate([encoder.vectors([text]) for text in texts])
    np.testing.assert_allclose(encoder.vectors(texts), alone, atol=1e-5)
    queries = np.concatenate([encoder.vectors([text], "query") for text in texts])
    np.testing.assert_allclose(encoder.vectors(texts, "query"), queries, atol=1e-5)


def test_a_static_model_works(tmp_path: Path) -> None:
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)]).save(str(tmp_path / "static"))
    encoder = load_plain(str(tmp_path / "static"))
    (found,) = encoder.encode_passages([PASSAGE])
    assert found.passage.shape == (8,)
    assert found.sentences.shape == (2, 8)
    (query,) = encoder.encode_queries(["rice"])
    assert query.vector.shape == (8,)
    assert found.tokens.shape == query.tokens.shape == (0, 8)
    assert encoder.max_tokens > 0


def test_the_fingerprint_changes_with_the_weights_only(tmp_path: Path) -> None:
    one, other = tiny(tmp_path / "1", "mean"), tiny(tmp_path / "2", "mean", seed=1)
    shutil.copytree(one, tmp_path / "copy")
    first = load_plain(str(one)).fingerprint
    assert load_plain(str(tmp_path / "copy")).fingerprint == first
    (one / "README.md").write_text("Another description.")
    assert load_plain(str(one)).fingerprint == first
    assert load_plain(str(other)).fingerprint != first


def test_a_model_that_runs_as_it_is_reads_one_lot_of_documents_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two would take the memory of a GPU twice."""
    encoder = load_plain(str(tiny(tmp_path, "mean")))
    encode, alone = encoder.model.encode_document, Lock()

    def watched(*arguments, **options):
        assert alone.acquire(blocking=False)
        sleep(0.02)
        try:
            return encode(*arguments, **options)
        finally:
            alone.release()

    monkeypatch.setattr(encoder.model, "encode_document", watched)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(encoder.encode_passages, [[PASSAGE]] * 8))
    for (one,) in found:
        np.testing.assert_array_equal(one.sentences, found[0][0].sentences)


def test_a_model_without_a_limit_of_its_length_reads_a_part_of_a_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_plain(str(tiny(tmp_path, "mean")))
    assert encoder.max_seq_length == 64
    for unlimited in (None, 10**30):
        encoder = load_plain(str(tmp_path / "model"))
        monkeypatch.setattr(type(encoder.model), "max_seq_length", unlimited)
        assert encoder.max_seq_length == 512


def test_a_prompt_for_documents_may_have_any_of_the_usual_names(tmp_path: Path) -> None:
    encoder = load_plain(str(tiny(tmp_path, "mean")))
    for name in ("document", "passage", "corpus"):
        encoder.model.prompts = {"query": "query: ", name: "doc: "}
        assert (encoder.prompt("query"), encoder.prompt("document")) == ("query: ", "doc: ")
    encoder.model.prompts = {"other": "other: "}
    encoder.model.default_prompt_name = "other"
    assert encoder.prompt("document") == "other: "
