"""What a question's own facts are, and which of them passages meet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_encoder import StandIn

from qa.config import Settings
from qa.index import generation
from qa.index.generation import Generation
from qa.indexing.build import build
from qa.retrieval.candidates import Candidates, find_candidates
from qa.retrieval.facts import (
    FACTS,
    NAMES,
    NEGATIONS,
    NUMBERS,
    FactMatches,
    are_keywords,
    asks_nothing,
    facts,
)
from qa.retrieval.ranking import rank
from qa.retrieval.searcher import Searcher
from qa.retrieval.signals import QuestionSignals
from qa.types import Mode, Query

TEXT = """# Harbours of 2018

The port of Sihanoukville was enlarged by Sokha Trading in 2016, and 14 cranes came. Since then, ships of any
size can moor at its quays, and the railway takes what they bring to the markets of the capital in one night.

Rice is not shipped from Kampot, where the river is too shallow for large vessels. It goes by lorry instead,
mostly after the harvest, when the roads are dry and the mills of the province work day and night for weeks.
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Generation:
    folder = tmp_path_factory.mktemp("facts")
    (folder / "docs").mkdir()
    (folder / "docs" / "ports.md").write_text(TEXT, "utf-8")
    build(Settings(docs=folder / "docs", index=folder / "index", cache=folder / "cache"), StandIn())
    return generation.load(generation.current(folder / "index"))


def _candidates(corpus: Generation, question: str, mode: Mode = Mode.HYBRID) -> Candidates:
    languages = corpus.store.languages()
    query = Query(question, mode=mode)
    return find_candidates(corpus, StandIn(), query, 5, languages=languages, allowed=None, threads=None)


def _unmet(corpus: Generation, question: str, row: int = 0) -> dict[str, float]:
    signals = QuestionSignals(corpus, _candidates(corpus, question))
    (passage,) = corpus.store.passages([row])
    return FactMatches(signals).unmet(row, passage)


def test_facts_are_content_words_each_once(corpus: Generation) -> None:
    own = facts(_candidates(corpus, "When was the port of Sokha, the Port, enlarged in 2016 by X?"))
    assert [fact.text for fact in own] == ["port", "Sokha", "enlarged", "2016"]
    assert [fact.is_name for fact in own] == [False, True, False, False]
    assert [fact.is_number for fact in own] == [False, False, False, True]


def test_words_that_ask_for_a_number_are_no_facts(corpus: Generation) -> None:
    assert [fact.text for fact in facts(_candidates(corpus, "How many large cranes came?"))] == [
        *("large", "cranes", "came")
    ]
    assert "large" not in [fact.text for fact in facts(_candidates(corpus, "And how large are they?"))]


def test_capitals_tell_no_names_among_german_documents(corpus: Generation) -> None:
    candidates = _candidates(corpus, "Was the port enlarged by Sokha?")
    assert any(fact.is_name for fact in facts(candidates))
    assert not any(fact.is_name for fact in facts(replace(candidates, languages=("en", "de"))))


@pytest.mark.parametrize("question", ["a", "the", "what is it?", "B", "ж", "of the a"])
def test_a_question_without_content_words_asks_nothing(corpus: Generation, question: str) -> None:
    assert asks_nothing(_candidates(corpus, question))
    assert not Searcher(corpus, StandIn()).search(Query(question)).answerable


@pytest.mark.parametrize("question", ["port", "7", "港", "?!", ""])
def test_a_word_a_number_and_a_chinese_character_ask_something(corpus: Generation, question: str) -> None:
    assert not asks_nothing(_candidates(corpus, question))


def test_a_few_words_without_common_ones_are_keywords(corpus: Generation) -> None:
    for question, expected in (
        ("port Sokha 2016", True),
        ("port", True),
        ("the port", False),
        ("port Sokha cranes railway quays harvest", False),
        ("?!", False),
    ):
        assert are_keywords(_candidates(corpus, question)) is expected, question


def test_what_the_passage_holds_is_met(corpus: Generation) -> None:
    assert _unmet(corpus, "Was the port enlarged by Sokha in 2016?") == {NAMES: 0, NUMBERS: 0, NEGATIONS: 0}


def test_what_stands_in_the_heading_is_met(corpus: Generation) -> None:
    assert _unmet(corpus, "Which of the Harbours had cranes in 2018?")[NUMBERS] == 0
    assert _unmet(corpus, "What came to the Harbours?")[NAMES] == 0


def test_another_year_is_a_fact_that_is_not_met(corpus: Generation) -> None:
    assert _unmet(corpus, "Was the port enlarged by Sokha in 2017?")[NUMBERS] == 1


def test_another_name_is_a_fact_that_is_not_met(corpus: Generation) -> None:
    other = _unmet(corpus, "Was the port enlarged by Zeppelin in 2016?")[NAMES]
    assert 0 < other <= 2
    assert other > _unmet(corpus, "Was the port enlarged by Sokha in 2016?")[NAMES]


def test_a_negation_must_stand_in_the_best_sentence(corpus: Generation) -> None:
    assert _unmet(corpus, "Which port wasn't enlarged by Sokha?")[NEGATIONS] == 1
    assert _unmet(corpus, "Which rice is not shipped from Kampot for large vessels?", 1)[NEGATIONS] == 0


def test_matched_and_unmatched_words_of_a_hit_make_up_the_question(corpus: Generation) -> None:
    result = Searcher(corpus, StandIn()).search(Query("Did Sokha enlarge the port in 2017 for whales?"))
    first = result.hits[0]
    assert first.passage.text.startswith("The port of Sihanoukville")
    assert {"Sokha", "enlarge", "port"} <= set(first.matched_terms)
    assert "2017" in first.unmatched_terms
    for hit in result.hits:
        both = {*hit.matched_terms, *hit.unmatched_terms}
        assert both == {"Sokha", "enlarge", "port", "2017", "whales"}
        assert not set(hit.matched_terms) & set(hit.unmatched_terms)


def test_by_words_alone_similar_tokens_do_not_count(corpus: Generation) -> None:
    result = Searcher(corpus, StandIn()).search(Query("the ports of whales", mode=Mode.LEXICAL))
    assert result.hits[0].matched_terms == ("ports",)
    assert result.hits[0].unmatched_terms == ("whales",)


def test_only_the_first_passage_says_which_facts_are_not_met(corpus: Generation) -> None:
    signals = QuestionSignals(corpus, _candidates(corpus, "the port of Sokha in 2016"))
    ranking = rank(corpus, signals)
    assert len(ranking.rows) > 1
    for name in FACTS:
        values = ranking.signals[name]
        assert not np.isnan(values[0])
        assert np.isnan(values[1:]).all()


def test_an_exchanged_fact_lowers_the_confidence(corpus: Generation) -> None:
    searcher = Searcher(corpus, StandIn())
    asked = [
        searcher.search(Query(question)).confidence
        for question in ("Was the port enlarged by Sokha in 2016?", "Was the port enlarged by Sokha in 2017?")
    ]
    assert asked[1] < asked[0]


def test_without_known_terms_nothing_is_held(corpus: Generation) -> None:
    candidates = replace(_candidates(corpus, "zebras"), query=Query("zebras"))
    (passage,) = corpus.store.passages([0])
    own = FactMatches(QuestionSignals(corpus, candidates))
    (met,) = own.matched(np.array([0]), [passage])
    assert own.texts(not value for value in met) == ("zebras",)
