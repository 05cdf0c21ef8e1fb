from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.russian_clauses import clause_question

COMMON = {"союзники", "стороны"}


def keeps_capital(word: str) -> bool | None:
    return None if word == "Неизвестный" else word.lower() not in COMMON


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("23–24 ноября 2015 года Осло посетил премьер-министр Кари Нурдвик.",
         "Когда Осло посетил премьер-министр Кари Нурдвик?"),
        ("В июле 2019 года, Общество Линнея провело съезд в Упсале, затем он переехал.",
         "Когда Общество Линнея провело съезд в Упсале?"),
        ("По данным мэрии, в 1901 г. в Риге открылась новая набережная.",
         "Когда в Риге открылась новая набережная?"),
        ("Союзники покинули Рейнскую область в 1930 году, а позже вернулись.",
         "Когда союзники покинули Рейнскую область?"),
        ("Нансен получил премию 10 декабря 1922 года.", "Когда Нансен получил премию?"),
        ("По словам посла, в 2018 году товарооборот вырос на 21,5% и превысил план.",
         "На сколько процентов вырос товарооборот в 2018 году?"),
        ("В 2020 году население города Вардё сократилось на 40 человек.",
         "На сколько сократилось население города Вардё в 2020 году?"),
        ("С 2005 по 2014 год стороны подписали более 17 новых соглашений.",
         "Сколько новых соглашений стороны подписали с 2005 по 2014 год?"),
        ("С начала 1980-х годов в школе Вардё учились более 8 тысяч датчан.",
         "Сколько датчан училось в школе Вардё с начала 1980-х годов?"),
        ("В 1910 году на островах работали свыше 2 тысяч китобоев.",
         "Сколько китобоев работало на островах в 1910 году?"),
        ("Договор о дружбе подписали Дания и Норвегия.", "Кто подписал договор о дружбе?"),
    ],
)  # fmt: skip
def test_clauses_are_moved_into_a_question(sentence: str, question: str) -> None:
    assert clause_question(sentence, keeps_capital) == question


@pytest.mark.parametrize(
    "sentence",
    [
        "В 1999 году Совет Европы учредил орган, которому поручили хартию.",  # which body?
        "В 1950 году производство стали в Магнитогорске.",  # a noun, not a verb
        "В 1950 году он посетил Осло.",
        "В том же году Нансен посетил Осло.",
        "В 1950 году Нансен основал, а потом возглавил институт.",  # founded what?
        "В 1950 году был открыт новый мост.",  # which bridge?
        "С 2005 по 2014 год стороны подписали 22 соглашения.",  # not the form after "сколько"
        "Неизвестный художник основал школу Осло в 1930 году.",  # a name?
        "Соглашение подписали Дания и Норвегия.",  # which agreement?
        "Договор между ними подписали Дания и Норвегия.",
        "Нансен посетил Осло.",
    ],
)
def test_what_may_be_vague_or_ungrammatical_becomes_none(sentence: str) -> None:
    assert clause_question(sentence, keeps_capital) is None


@given(st.text(alphabet="АбвгОсло посетил.,:–« »1920", max_size=60))
def test_a_question_about_a_date_holds_the_clause_as_it_stands(clause: str) -> None:
    sentence = f"В 1950 году {clause}"
    question = clause_question(sentence, keeps_capital)
    assert question is None or question.removeprefix("Когда ").removesuffix("?") in sentence
