from __future__ import annotations

import doctest

import pytest

from qa.text import language
from qa.text.language import detect_passage, fluency
from qa.text.terms import distinctive_words

TEXTS = {
    "en": "The ministers of the two countries have agreed on what should be done about the harbour and its "
    "railway, which was closed after the storms of last year.",
    "de": "Die Minister der beiden Länder haben sich darauf geeinigt, was mit dem Hafen und seiner Bahn "
    "geschehen soll, die nach den Stürmen des vergangenen Jahres geschlossen wurde.",
    "nl": "De ministers van de twee landen zijn het eens geworden over wat er met de haven en het spoor moet "
    "gebeuren, dat na de stormen van het vorige jaar gesloten werd.",
    "es": "Los ministros de los dos países han acordado lo que debe hacerse con el puerto y su ferrocarril, "
    "que fue cerrado después de las tormentas del año pasado.",
    "ru": "Министры двух стран договорились о том, что должно быть сделано с портом и его железной дорогой, "
    "которая была закрыта после бурь прошлого года.",
}


@pytest.mark.parametrize("document", TEXTS)
@pytest.mark.parametrize("passage", TEXTS)
def test_a_passage_is_in_its_own_language_not_its_documents(document: str, passage: str) -> None:
    assert detect_passage(TEXTS[passage], document) == passage


@pytest.mark.parametrize("spoken", TEXTS)
def test_distinctive_words_decide_without_the_model(spoken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_identifier", None)
    assert detect_passage(TEXTS[spoken], spoken) == spoken


def test_a_short_passage_is_in_the_language_of_its_document() -> None:
    assert detect_passage("Hafen 1998", "de") == "de"
    assert detect_passage("Hafen 1998", None) is None


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("两国的部长们就港口和铁路的未来达成了一致意见，因为去年的风暴之后铁路关闭了。", "zh"),
        ("両国の大臣は港とその鉄道について合意した。", "ja"),
        ("두 나라 장관들은 항구와 철도에 대해 모두 합의했다.", "ko"),
    ],
)
def test_few_wide_characters_tell_the_language(text: str, spoken: str) -> None:
    assert language.detect(text) == spoken
    assert language.detect(text[:5]) is None


def test_distinctive_words_are_common_in_no_other_language() -> None:
    assert {"the", "and"} <= distinctive_words("en")
    assert not {"in", "is", "was"} & distinctive_words("en")  # Dutch has them too
    assert not distinctive_words("en") & distinctive_words("nl")


def test_a_language_without_a_list_has_no_distinctive_words() -> None:
    assert distinctive_words("km") == frozenset()


@pytest.mark.parametrize(
    ("tokens", "words", "share"),
    [(0, 0, 1), (5, 5, 1), (10, 5, 1), (15, 5, 0.5), (20, 5, 0), (100, 5, 0), (3, 0, 0.5), (9, 4, 0.875)],
)
def test_fluency_falls_from_two_tokens_a_word_to_four(tokens: int, words: int, share: float) -> None:
    assert fluency(tokens, words) == share


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(language).failed == 0
