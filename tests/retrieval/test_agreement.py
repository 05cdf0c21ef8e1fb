from __future__ import annotations

from dataclasses import replace

import pytest

from qa.retrieval.agreement import compare
from qa.types import Answer, Document, Hit, Metadata, Passage, Span

QUESTION = "By how much did trade with Cambodia grow in 2018?"
WORDS = ("trade", "Cambodia", "grow", "2018")
BEST = "Trade with Cambodia grew by 21.5% in 2018."


def hit(
    name: str, text: str, *, unmatched: tuple[str, ...] = (), duplicates: tuple[Passage, ...] = ()
) -> Hit:
    answer = Answer(text, Span(0, len(text)), 0.9)
    matched = tuple(word for word in WORDS if word not in unmatched)
    return Hit(
        1,
        passage(name, text),
        0.9,
        {},
        (answer,),
        duplicates,
        matched_terms=matched,
        unmatched_terms=unmatched,
    )


def passage(name: str, text: str) -> Passage:
    document = Document(name, f"{name}.txt", "text/plain", "0" * 64, Metadata(), len(text), 1)
    span = Span(0, len(text))
    return Passage(f"{name}:0-{len(text)}", document, span, text, (span,))


def sayings(question: str, *hits: Hit) -> list[tuple[str, list[str]]]:
    return [
        (saying.value, [statement.passage.document.id for statement in saying.statements])
        for saying in compare(question, hits)
    ]


def test_documents_are_grouped_by_what_they_state() -> None:
    hits = (
        hit("a", BEST),
        hit("b", "In 2018, trade with Cambodia rose 21,5 percent."),
        hit("c", "Trade with Cambodia grew 21% in 2018."),
        hit("d", "Trade in 2018 grew by 21.5%, a record for Cambodia."),
    )
    assert sayings(QUESTION, *hits) == [("21.5%", ["a", "b", "d"]), ("21%", ["c"])]


def test_the_order_of_the_others_decides_nothing_but_their_order() -> None:
    first, *others = (hit("a", BEST), hit("b", BEST), hit("c", "Trade with Cambodia grew 21% in 2018."))
    forwards, backwards = sayings(QUESTION, first, *others), sayings(QUESTION, first, *reversed(others))
    assert dict(forwards) == dict(backwards)


@pytest.mark.parametrize(
    "other",
    [
        "Trade with Cambodia grew by 15% in 2017.",  # another year
        "Trade with Vietnam grew by 15% in 2018.",  # another country
        "Trade with Cambodia grew by $15 million in 2018.",  # another unit
        "Trade with Cambodia grew from 15% to 18% in 2018.",  # two values
        "Prices in Cambodia grew by 15% in 2018.",  # of something else
        "Trade with Cambodia grew in 2018.",  # none
        "Exports were 21.5% of the budget.",  # the same number, of something else
    ],
)
def test_nothing_is_said_where_it_is_not_plain(other: str) -> None:
    assert sayings(QUESTION, hit("a", BEST), hit("b", other)) == []


def test_a_passage_that_does_not_meet_a_name_is_not_compared() -> None:
    other = hit("b", "Trade grew by 21.5% in 2018.", unmatched=("Cambodia",))
    assert sayings(QUESTION, hit("a", BEST), other) == []


def test_a_document_speaks_once_and_the_first_not_again() -> None:
    same = "Trade with Cambodia rose by 21.5% in 2018."
    hits = (hit("a", BEST), hit("a", same), hit("b", same), hit("b", BEST))
    assert sayings(QUESTION, *hits) == [("21.5%", ["a", "b"])]


def test_a_copy_with_another_number_contradicts() -> None:
    copy = passage("b", BEST.replace("21.5", "12.5"))
    assert sayings(QUESTION, hit("a", BEST, duplicates=(copy,))) == [("21.5%", ["a"]), ("12.5%", ["b"])]


def test_dates_are_compared_when_a_date_is_asked_for() -> None:
    question = "When did trade with Cambodia begin?"
    first = hit("a", "Trade with Cambodia began on 3 July 1996, with 12 tons.")
    others = (hit("b", "Trade with Cambodia began in 1996."), hit("c", "Trade with Cambodia began in 1995."))
    words = {"matched_terms": ("trade", "Cambodia", "begin"), "unmatched_terms": ()}
    assert sayings(question, *(replace(one, **words) for one in (first, *others))) == [
        ("3 July 1996", ["a", "b"]),
        ("1995", ["c"]),
    ]


@pytest.mark.parametrize("question", ["Who doubled the trade with Cambodia in 2018?", ""])
def test_a_question_for_no_value_compares_nothing(question: str) -> None:
    assert sayings(question, hit("a", BEST), hit("b", BEST)) == []
    assert sayings(question) == []


def test_hits_without_answers_or_relevance_say_nothing() -> None:
    silent = replace(hit("a", BEST), answers=())
    assert sayings(QUESTION, silent, hit("b", BEST)) == []
    assert sayings(QUESTION, hit("a", BEST), replace(hit("b", BEST), relevant=False)) == []
