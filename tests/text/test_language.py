from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text import language
from qa.text.language import detect_passage, fluency, foreign_languages
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


BRIDGES = {
    "ar": "متى بني الجسر القديم؟",
    "de": "Wann wurde die alte Brücke gebaut?",
    "el": "Πότε χτίστηκε η παλιά γέφυρα;",
    "en": "When was the old bridge built?",
    "es": "¿Cuándo se construyó el puente viejo?",
    "he": "מתי נבנה הגשר הישן?",
    "hi": "पुराना पुल कब बना था?",
    "ja": "古い橋はいつ建てられましたか？",
    "ka": "როდის აშენდა ძველი ხიდი?",
    "km": "តើស្ពានចាស់ត្រូវបានសាងសង់នៅពេលណា?",
    "ko": "오래된 다리는 언제 지어졌나요?",
    "ru": "Когда построили старый мост?",
    "th": "สะพานเก่าสร้างเมื่อไหร่",
    "uk": "Коли збудували старий міст?",
    "vi": "Cây cầu cũ được xây khi nào?",
    "zh": "旧桥是什么时候建的？",
}
CYRILLIC = {"ru", "uk", "bg", "kk", "tt", "ba", "sr"}
LATIN = {"de", "en", "es", "vi", "fr", "pl"}


@pytest.mark.parametrize("spoken", BRIDGES)
def test_a_question_is_foreign_to_all_languages_but_its_own(spoken: str) -> None:
    assert foreign_languages(BRIDGES[spoken], BRIDGES) == set(BRIDGES) - {spoken}


@given(st.sets(st.sampled_from(sorted({*BRIDGES, *CYRILLIC, *LATIN}))), st.sampled_from(sorted(BRIDGES)))
def test_languages_are_told_apart_one_by_one(languages: set[str], spoken: str) -> None:
    found = foreign_languages(BRIDGES[spoken], languages)
    assert found <= languages
    assert found == {code for code in languages if foreign_languages(BRIDGES[spoken], [code])}
    assert spoken not in found


@pytest.mark.parametrize(
    "question",
    [
        "Who designed the harbour and its railway?",
        "How many students were there in 1998?",
        "harbour railway storms",
        "price of rice",
        "bridge harbour 1998",
        "bridge",
        "IPv6",
        "C++",
        "NATO",
        "ＮＡＴＯ",
        "Müller",
        "Ponte Vecchio",
    ],
)
def test_english_questions_keywords_and_names_are_not_foreign_to_english(question: str) -> None:
    assert "en" not in foreign_languages(question, ["en", "de", "ru"])
    assert "ru" in foreign_languages(question, ["en", "de", "ru"])


@pytest.mark.parametrize(
    "question",
    [
        "Кто основал McKinsey & Company?",
        "Где Microsoft?",
        "Что делает Microsoft Corporation Worldwide в Омске?",
    ],
)
def test_names_in_latin_letters_do_not_tell_the_language(question: str) -> None:
    assert foreign_languages(question, ["en", "de", "ru"]) == {"en", "de"}


@pytest.mark.parametrize("question", ["What does борщ taste like?", "β decay", "role of TGF-β"])
def test_a_word_in_another_script_does_not_tell_the_language(question: str) -> None:
    assert foreign_languages(question, ["en", "ru"]) == {"ru"}


@pytest.mark.parametrize("question", ["", " ", "?!", "1998", "12.5 % / 3", "🛰", "١٩٩٨"])
def test_a_question_without_letters_is_foreign_to_nothing(question: str) -> None:
    assert foreign_languages(question, [*BRIDGES, *CYRILLIC, *LATIN]) == frozenset()


@pytest.mark.parametrize(
    ("word", "languages"),
    [
        ("мост", CYRILLIC),
        ("bridge", LATIN | {"sr"}),
        ("جسر", {"ar", "arz", "fa", "ur"}),
        ("桥", {"zh", "yue", "ja", "ko"}),
        ("ﾊｼ", {"ja"}),
        ("コーヒー", {"ja"}),
        ("쌀", {"ko"}),
        ("γέφυρα", {"el", "grc"}),
    ],
)
def test_of_a_word_the_script_tells(word: str, languages: set[str]) -> None:
    every = {*BRIDGES, *CYRILLIC, *LATIN, "arz", "fa", "ur", "yue", "grc"}
    assert foreign_languages(word, every) == every - languages


def test_a_language_that_cannot_be_identified_is_foreign_by_its_script_alone() -> None:
    assert foreign_languages(BRIDGES["en"], ["tlh"]) == frozenset()
    assert foreign_languages(BRIDGES["ru"], ["tlh"]) == {"tlh"}


def test_the_identifiers_languages_that_are_not_latin_have_their_scripts() -> None:
    """Each is in the list of those that are written otherwise, with what their words are made of."""
    other = {"ba", "dz", "sdh", "tt", "uzs", "wuu", "yue", "arz", "ary", "grc", "hbo", "gom", "crh"}
    assert other <= language._SCRIPTS.keys()
    assert other <= set(language._identifier().nb_classes)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(language).failed == 0
