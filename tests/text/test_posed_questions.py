from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.posed_questions import posed_question, standing_question

COMMON = {"первая", "товарооборот", "договор", "торговый", "осада", "главный", "steam"}


def keeps_capital(word: str) -> bool | None:
    return None if word in {"Unknown", "Неизвестный"} else word.lower() not in COMMON


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The Treaty of Rome was signed in 1957.", "When was the Treaty of Rome signed?"),
        ("Khmer Airways was founded in Phnom Penh in 1999.", "When was Khmer Airways founded?"),
        ("The Suez Canal Company was founded by Lesseps.", "Who founded the Suez Canal Company?"),
        ("The Ottoman Empire was an imperial state.", "What was the Ottoman Empire?"),
        ("Southern California consists of ten counties.", "What does Southern California consist of?"),
        ("In 2018 the trade turnover reached $202 million.", "How large was the trade turnover in 2018?"),
        ("The exports of Peru exceeded 5 billion.", "How large were the exports of Peru?"),
    ],
)
def test_a_plain_statement_becomes_a_question(sentence: str, question: str) -> None:
    posed = posed_question(sentence, "en", keeps_capital)
    assert posed
    assert posed.text == question


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("Договор о дружбе был подписан в 1992 году.", "Когда был подписан договор о дружбе?"),
        ("Первая Варшавская биржа была основана в 1817 году.",
         "Когда была основана первая Варшавская биржа?"),
        ("В 2018 году товарооборот двух стран составил более 202 млн.",
         "Сколько составил товарооборот двух стран в 2018 году?"),
        ("Осада Риги началась ранним утром 8 июля 1709 года.",
         "Когда началась осада Риги?"),
        ("Договор о дружбе вступил в силу в 1992 году.", "Когда вступил в силу договор о дружбе?"),
        ("Крепость Вардёхус находится на севере.", "Где находится Крепость Вардёхус?"),
        ("Торговый дом Ганза состоит из трёх контор.", "Из чего состоит торговый дом Ганза?"),
        ("В 1986 году Осло посетила Кари Нурдвик.", "Когда Осло посетила Кари Нурдвик?"),
        ("Торговый дом — это фирма.", "Что такое торговый дом?"),
    ],
)  # fmt: skip
def test_a_plain_russian_statement_becomes_a_question(sentence: str, question: str) -> None:
    posed = posed_question(sentence, "ru", keeps_capital)
    assert posed
    assert posed.text == question


@pytest.mark.parametrize(
    "sentence",
    [
        "It was founded in 1957.",
        "This old treaty was signed in 1957.",
        "The game was opened in 1957.",
        "A small town was founded in 1901.",
        "He said that the Treaty of Rome was signed in 1957.",
        "Unknown treaty papers was signed in 1957.",
        "The Treaty of Rome was long debated.",
        "The Treaty of Rome and his colleagues was signed in 1957.",
        "Он был основан в 1957 году.",
        "Главный внутренний двор состоит из шести дворов.",
        "Большая часть таких школ — это школы.",
        "Неизвестный договор сторон был подписан в 1992 году.",
    ],
)
def test_what_may_be_vague_or_ungrammatical_becomes_none(sentence: str) -> None:
    assert posed_question(sentence, "en", keeps_capital) is None
    assert posed_question(sentence, "ru", keeps_capital) is None


@pytest.mark.parametrize(
    ("text", "language", "question"),
    [
        ("Who pays for the roads?", "en", "Who pays for the roads?"),
        ("Q: Who pays for\n the roads?", "en", "Who pays for the roads?"),
        ("Кто платит за паром?", "ru", "Кто платит за паром?"),
        ("Roads and ferries of the county", "en", None),
        ("Who pays? Who does not?", "en", None),
        ("Really so many people?", "en", None),
        ("Why so?", "en", None),
        ("Who pays for the roads?", "km", None),
    ],
)
def test_a_question_that_stands_in_the_text_is_taken_as_it_is(
    text: str, language: str, question: str | None
) -> None:
    assert standing_question(text, language) == question


@given(st.text(alphabet="ABабcd .?,1—", max_size=80), st.sampled_from(["en", "ru", "km"]))
def test_whatever_the_text_a_question_is_short_and_ends_with_its_mark(text: str, language: str) -> None:
    posed = posed_question(f"The Treaty {text} was signed in 1957.", language, keeps_capital)
    for question in (posed.text if posed else None, standing_question(f"Who {text}?", language)):
        assert question is None or (question.endswith("?") and len(question) <= 90 and question[0].isupper())
