"""Slips of the keyboard in questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from corpus import write
from fake_encoder import StandIn

from qa.config import Settings
from qa.index import generation
from qa.indexing.build import build
from qa.retrieval.searcher import Searcher
from qa.types import Mode, Query

_TEXT = (
    "The Panthers won the season. Their headquarters stand in Charlotte. Nikola Tesla built a motor for the "
    "McAllister company, whose revenue was $1,000 in 2015. The court of the county sat in Warsaw. These days "
    "nobody remembers the Überseebrücke."
)


@dataclass
class InPieces(StandIn):
    """Has no token for any whole word."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [count + 1 for count in super().count_tokens(texts)]


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    root = tmp_path_factory.mktemp("slips")
    documents = {f"{i}.txt": f"{_TEXT}\n" for i in range(3)}
    settings = Settings(docs=write(root / "docs", documents), index=root / "index")
    build(settings, InPieces())
    return Searcher(generation.load(generation.current(settings.index)), InPieces())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("When was the saeson?", "When was the season?"),
        ("Where are the headquartters", "Where are the headquarters"),
        ("What did Nikola Tsela build", "What did Nikola Tesla build"),
        ("company revenu", "company revenue"),
        ("What is mcallisster", "What is McAllister"),
        ("WARSSAW COURT", "WARSAW COURT"),
        ("überseebrüke", "überseebrücke"),
        ("Who will surernder to the court", "Who will surrender to the court"),
    ],
)
def test_a_slip_is_corrected(searcher: Searcher, typed: str, meant: str) -> None:
    result = searcher.search(Query(typed))
    assert (result.query.question, result.corrected_query) == (typed, meant)
    assert result.hits == searcher.search(Query(meant)).hits


@pytest.mark.parametrize(
    "question",
    [
        "When was the season?",
        'When was the "saeson"?',
        "revenue -saeson",
        "revenue +saeson",
        "Who is NATOO",  # an abbreviation
        "headquarters2 of userIdd",  # codes
        "What did the sort cost",  # a word of the language that no document holds
        "What did Nikola Toxa build",
        "cat sso",  # too short
        "Какова выручка компнаии?",  # in no language of the documents
        "The Tesler company",  # two slips, in a name
        "Panthersking",  # a name, whose parts nowhere stand together
        "headquarters Cotart seasonal",
    ],
)
def test_what_is_no_slip_stays(searcher: Searcher, question: str) -> None:
    assert searcher.search(Query(question)).corrected_query is None


def test_a_name_is_no_slip_of_a_common_word(searcher: Searcher) -> None:
    assert searcher.search(Query("When did Seasor win")).corrected_query is None
    assert searcher.search(Query("when did seasom win")).corrected_query == "when did season win"


def test_a_token_of_the_model_is_a_word(searcher: Searcher) -> None:
    corpus = searcher._corpus
    assert Searcher(corpus, StandIn()).search(Query("the saeson")).corrected_query is None


@pytest.mark.parametrize("mode", Mode)
def test_a_question_may_be_searched_as_it_stands(searcher: Searcher, mode: Mode) -> None:
    assert searcher.search(Query("the saeson", mode=mode)).corrected_query == "the season"
    assert searcher.search(Query("the saeson", mode=mode, verbatim=True)).corrected_query is None


def test_words_that_stand_nowhere_are_named(searcher: Searcher) -> None:
    result = searcher.search(Query("Which court in Brazil judged the Zeppelin revenu of 2016?"))
    assert result.missing_terms == ("Brazil", "judged", "Zeppelin", "2016")
    assert searcher.search(Query("Где находится суд и компания?")).missing_terms == ()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("where are the haedquartesr", "where are the headquarters"),
        ("nikolatesla", "nikola tesla"),
        ("NikolaTesla built a motor", "Nikola Tesla built a motor"),
        ("a motor for thecompany", "a motor for the company"),
        ("where the head quarters stand", "where the headquarters stand"),
        ("Who was Ni kola Tesla", "Who was Nikola Tesla"),
        ("the Panthesr won", "the Panthers won"),
    ],
)
def test_two_slips_and_spaces_are_corrected(searcher: Searcher, typed: str, meant: str) -> None:
    assert searcher.search(Query(typed)).corrected_query == meant


@pytest.mark.parametrize(
    "question",
    [
        "Welcher Komponist schrieb das Lied in der Oper?",
        "Wie lautet die Antwort von Nikola Tesla?",
        "Wo war der Botschafter in 2015?",
        "Dans quelle ville se trouve le siege de la company?",
    ],
)
def test_words_of_another_language_are_no_slips(searcher: Searcher, question: str) -> None:
    result = searcher.search(Query(question))
    assert (result.corrected_query, result.missing_terms) == (None, ())


def test_words_of_the_documents_stay_as_they_are(searcher: Searcher) -> None:
    assert searcher.search(Query("won these days in the season")).corrected_query is None


@pytest.fixture(scope="module")
def russian(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    root = tmp_path_factory.mktemp("layouts")
    text = "Выручка компании Microsoft в Питтсбурге выросла. Министр Шелбрук выступил в суде города.\n"
    english = "The revenue of the Microsoft company grew. Its minister spoke in a court of the city.\n"
    documents = {"ru.txt": text * 3, "en.txt": english * 3}
    settings = Settings(docs=write(root / "docs", documents), index=root / "index")
    build(settings, InPieces())
    return Searcher(generation.load(generation.current(settings.index)), InPieces())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dshexrf Microsoft", "выручка Microsoft"),
        ("Rfrjdf dshexrf d 2015?", "Какова выручка в 2015?"),
        ("ьшскщыщае кумутгу", "microsoft revenue"),
        ("выручка сщьзфтн", "выручка company"),
        ("министр выстпил", "министр выступил"),
    ],
)
def test_another_layout_is_typed_anew(russian: Searcher, typed: str, meant: str) -> None:
    assert russian.search(Query(typed)).corrected_query == meant


@pytest.mark.parametrize("question", ["выступление Шелбруку", "в Питтсбург", "министры судов", "xkcd qwrtzx"])
def test_other_forms_of_words_are_no_slips(russian: Searcher, question: str) -> None:
    assert russian.search(Query(question)).corrected_query is None
