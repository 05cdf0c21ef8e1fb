from __future__ import annotations

from dataclasses import replace

import pytest

from qa.retrieval.agreement import compare
from qa.types import Answer, Document, Hit, Metadata, Passage, Span

QUESTION = "Who wrote the first program for the Analytical Engine?"
WORDS = ("wrote", "program", "Analytical", "Engine")
BEST = "Ada Lovelace wrote the first program for the Analytical Engine."


def hit(name: str, text: str, words: tuple[str, ...] = WORDS, *, around: str = "") -> Hit:
    """Return a hit whose sentence answers, in a passage with text around it."""
    whole = f"{text} {around}".strip()
    document = Document(name, f"{name}.txt", "text/plain", "0" * 64, Metadata(), len(whole), 1)
    sentence = Span(0, len(text))
    passage = Passage(f"{name}:0-{len(whole)}", document, Span(0, len(whole)), whole, (sentence,))
    return Hit(1, passage, 0.9, {}, (Answer(text, sentence, 0.9),), (), matched_terms=words)


def sayings(question: str, *hits: Hit) -> list[tuple[str, list[str]]]:
    return [
        (saying.value, [statement.passage.document.id for statement in saying.statements])
        for saying in compare(question, hits)
    ]


def test_documents_are_grouped_by_the_name_that_they_give() -> None:
    hits = (
        hit("a", BEST),
        hit("b", "It was Lovelace who wrote a program for the Analytical Engine."),
        hit("c", "Charles Babbage wrote the first program for the Analytical Engine."),
    )
    assert sayings(QUESTION, *hits) == [("Ada Lovelace", ["a", "b"]), ("Charles Babbage", ["c"])]


def test_the_doer_is_found_in_either_voice() -> None:
    words = ("written", "program", "Analytical", "Engine")
    question = "Who has written the program of the Analytical Engine?"
    first = hit("a", "The program of the Analytical Engine was written in 1843 by Ada Lovelace.", words)
    other = hit("b", "The program of the Analytical Engine was written by Charles Babbage.", words)
    assert sayings(question, first, other) == [("Ada Lovelace", ["a"]), ("Charles Babbage", ["b"])]


@pytest.mark.parametrize(
    "other",
    [
        "Charles Babbage never wrote it.",  # about what?
        "Charles Babbage wrote the program for the Jacquard loom.",  # of another machine
        "Ada Byron wrote the first program for the Analytical Engine.",  # the same person, by another name
        "Charles Babbage designed the Analytical Engine, for which somebody wrote a program.",
        "Charles Babbage and Luigi Menabrea wrote the first program for the Analytical Engine.",
        "The friend of Charles Babbage wrote the first program for the Analytical Engine.",
        "Charles Babbage in London wrote the first program for the Analytical Engine.",
        "Workers wrote the first program for the Analytical Engine.",
    ],
)
def test_nothing_is_said_where_it_is_not_plain(other: str) -> None:
    assert sayings(QUESTION, hit("a", BEST), hit("b", other)) == []


@pytest.mark.parametrize(
    ("best_around", "other_around"), [("Babbage helped.", ""), ("", "He told Lovelace of it.")]
)
def test_partners_do_not_contradict_each_other(best_around: str, other_around: str) -> None:
    other = "Charles Babbage wrote the first program for the Analytical Engine."
    hits = (hit("a", BEST, around=best_around), hit("b", other, around=other_around))
    assert sayings(QUESTION, *hits) == []


def test_a_place_is_the_name_after_the_verb_and_a_preposition() -> None:
    question, words = "Where was the Nansen Prize founded?", ("Nansen", "Prize", "founded")
    hits = (
        hit("a", "The Nansen Prize was founded in Oslo, after the war.", words),
        hit("b", "Founded in 1922, the Nansen Prize comes from Oslo.", words),
        hit("c", "The Nansen Prize was founded in Bergen.", words),
        hit("d", "The Nansen Prize was founded in May.", words),
        hit("e", "The Nansen Prize was founded in Norwegian.", words),
    )
    assert sayings(question, *hits) == [("Oslo", ["a", "b"]), ("Bergen", ["c"])]


def test_a_name_beside_an_office_can_be_confirmed_but_contradicts_none() -> None:
    question, words = "Who is the ambassador in Oslo?", ("ambassador", "Oslo")
    hits = (
        hit("a", "The talks were led in Oslo by the ambassador, Dmitry Tsvetkov, in March.", words),
        hit("b", "Tsvetkov is the ambassador in Oslo, said Dmitry Tsvetkov.", words),
        hit("c", "In Oslo, the ambassador, Anatoly Borovik, spoke.", words),
    )
    assert sayings(question, *hits) == [("Dmitry Tsvetkov", ["a", "b"])]
    assert sayings(question, hits[0], hits[2]) == []


def test_russian_names_are_found_on_either_side_of_the_verb() -> None:
    question, words = "Кто посетил Осло в 2016 году?", ("посетил", "Осло", "2016")
    hits = (
        hit("a", "В 2016 году Осло посетил Хун Сен.", words),
        hit("b", "Хун Сен посетил Осло в 2016 году.", words),
        hit("c", "Фритьоф Нансен посетил Осло в 2015 году.", words),
    )
    assert sayings(question, *hits) == [("Хун Сен", ["a", "b"])]


@pytest.mark.parametrize(
    "question", ["Whom did Ada Lovelace meet?", "Who was met by Ada Lovelace?", "Who did Ada Lovelace meet?"]
)
def test_a_question_for_whom_compares_nothing(question: str) -> None:
    hits = tuple(hit(name, "Ada Lovelace met Charles Babbage.", ("Lovelace", "met")) for name in "ab")
    assert sayings(question, *hits) == []


def test_irrelevant_and_unmet_passages_say_nothing() -> None:
    first, other = hit("a", BEST), hit("b", BEST)
    assert sayings(QUESTION, first, replace(other, relevant=False)) == []
    assert sayings(QUESTION, first, replace(other, unmatched_terms=("Analytical",))) == []
