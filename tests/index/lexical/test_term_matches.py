"""A question's terms: their weights and scores, and what passages hold of them, against the formulas."""

from __future__ import annotations

import doctest
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical.samples import (
    CORPORA,
    QUESTIONS,
    all_terms,
    bm25_by_formula,
    idf_by_formula,
    index_of,
    passage_of,
    sentence_bounds,
    text_terms,
)
from qa.index.lexical import term_matches
from qa.index.lexical.inverted_index import PassageTerms
from qa.index.lexical.term_matches import COMMON_SHARE, look_up_terms


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(term_matches).failed == 0


@given(CORPORA, QUESTIONS)
def test_scores_are_those_of_the_formula(corpus: list[PassageTerms], query: list[str]) -> None:
    index = index_of(corpus)
    shares = look_up_terms(query, index).scores.take(np.arange(len(corpus)))
    assert shares.tolist() == pytest.approx(bm25_by_formula(corpus, query), rel=1e-5, abs=1e-7)
    assert all(0 <= share <= 1 for share in shares)


@given(CORPORA, QUESTIONS, st.integers(1, 9), st.none() | st.sets(st.integers(0, 7)))
def test_the_top_rows_have_the_highest_scores(
    corpus: list[PassageTerms], query: list[str], count: int, allowed: set[int] | None
) -> None:
    index = index_of(corpus)
    question = look_up_terms(query, index)
    every = range(len(corpus))
    rows, shares = question.scores.top(
        count, None if allowed is None else np.array(sorted(allowed & {*every}), np.int64)
    )
    known = question.scores.take(np.arange(len(corpus))).tolist()
    holding = [row for row in every if set(all_terms(corpus[row])) & set(query)]
    wanted = sorted(holding, key=lambda row: (-known[row], row))
    wanted = [row for row in wanted if allowed is None or row in allowed][:count]
    assert rows.tolist() == wanted
    assert shares.tolist() == [known[row] for row in wanted]


_WORDS = st.lists(st.sampled_from(["the", "when", "did", "rice", "port"]), max_size=6)


@given(st.lists(st.builds(PassageTerms, _WORDS, st.lists(_WORDS, min_size=1)), min_size=1), _WORDS)
def test_a_common_word_has_a_share_of_its_weight(corpus: list[PassageTerms], query: list[str]) -> None:
    query = [*query, "zeppelin"]
    for languages, common in ((["ru", "en"], {"the", "when", "did"}), (["ru"], set())):
        index = index_of(corpus, languages)
        question = look_up_terms(query, index)
        weights = {
            term: idf_by_formula(corpus, term) * (COMMON_SHARE if term in common else 1) for term in query
        }
        assert question.weights == pytest.approx(weights)
        shares = question.scores.take(np.arange(len(corpus)))
        assert shares.tolist() == pytest.approx(bm25_by_formula(corpus, query, common), rel=1e-5, abs=1e-7)


@given(CORPORA, QUESTIONS)
def test_terms_weigh_their_inverse_document_frequency(corpus: list[PassageTerms], query: list[str]) -> None:
    question = look_up_terms(query, index_of(corpus))
    assert list(question.weights) == list(dict.fromkeys(query))
    assert question.weights == pytest.approx({term: idf_by_formula(corpus, term) for term in query})
    assert question.total == pytest.approx(sum(question.weights.values()))
    held = {term for passage in corpus for term in all_terms(passage)}
    known = [weight for term, weight in question.weights.items() if term in held]
    assert question.known_weights.tolist() == known


@given(CORPORA, QUESTIONS)
def test_coverage_is_the_share_of_weight_that_a_sentence_holds(
    corpus: list[PassageTerms], query: list[str]
) -> None:
    index = index_of(corpus)
    question = look_up_terms(query, index)
    expected = [
        [
            sum(weight for term, weight in question.weights.items() if term in sentence) / question.total
            for sentence in passage.sentences
        ]
        for passage in corpus
    ]
    assert index.sentences == sum(map(len, expected))
    firsts, lasts = sentence_bounds(corpus)
    for order in (slice(None), slice(None, None, -2)):
        covered = index.match_terms(question, firsts[order], lasts[order]).coverage()
        assert covered == pytest.approx(list(chain.from_iterable(expected[order])), abs=1e-6)


@given(CORPORA, QUESTIONS, st.data())
def test_a_sentence_gets_discounted_credit_from_the_previous_one(
    corpus: list[PassageTerms], query: list[str], data: st.DataObject
) -> None:
    index = index_of(corpus)
    question = look_up_terms(query, index)
    sentences = [set(sentence) for passage in corpus for sentence in passage.sentences]
    discounts = data.draw(
        st.lists(st.sampled_from([0, 0.5, 1]), min_size=len(sentences), max_size=len(sentences))
    )
    expected = [
        sum(
            weight * max(term in sentence, share * (term in before))
            for term, weight in question.weights.items()
        )
        / question.total
        for before, sentence, share in zip([set(), *sentences], sentences, discounts, strict=False)
    ]
    coverage = index.match_terms(question, *sentence_bounds(corpus)).coverage(np.array(discounts, np.float32))
    assert coverage == pytest.approx(expected, abs=1e-6)


@given(CORPORA, QUESTIONS)
def test_adjacency_is_the_share_of_pairs_that_are_side_by_side(
    corpus: list[PassageTerms], query: list[str]
) -> None:
    index = index_of(corpus)
    question = look_up_terms(query, index)
    held = {term for passage in corpus for term in all_terms(passage)}
    pairs = {(a, b) for a, b in pairwise(query) if a != b and a in held and b in held}
    weights = {pair: min(question.weights[term] for term in pair) for pair in pairs}
    expected = []
    for passage in corpus:
        met = sum(weights[pair] for pair in set(pairwise(text_terms(passage))) & pairs)
        expected.append(met / sum(weights.values()) if pairs else 0)
    firsts, lasts = sentence_bounds(corpus)
    for order in (slice(None), slice(None, None, -1)):
        adjacency = index.match_terms(question, firsts[order], lasts[order]).adjacency()
        assert adjacency == pytest.approx(expected[order], abs=1e-6)


@given(CORPORA, QUESTIONS, st.data())
def test_matches_of_some_passages_are_part_of_those_of_all(
    corpus: list[PassageTerms], query: list[str], data: st.DataObject
) -> None:
    index, (firsts, lasts) = index_of(corpus), sentence_bounds(corpus)
    question = look_up_terms(query, index)
    places = np.array(data.draw(st.lists(st.sampled_from(range(len(corpus))))), np.int64)
    some = index.match_terms(question, firsts, lasts).take(places)
    expected = index.match_terms(question, firsts[places], lasts[places])
    for name in ("held", "adjacent", "bounds"):
        np.testing.assert_array_equal(getattr(some, name), getattr(expected, name))


@given(CORPORA, QUESTIONS)
def test_a_repeated_term_counts_once(corpus: list[PassageTerms], query: list[str]) -> None:
    index = index_of(corpus)
    once, thrice = look_up_terms(query, index), look_up_terms(query * 3, index)
    assert once.weights == thrice.weights
    assert once.known.tolist() == thrice.known.tolist()


def test_a_term_that_no_passage_holds_lowers_every_score() -> None:
    index = index_of([passage_of("rice port"), passage_of("fish")])
    alone, beside = (
        look_up_terms(query, index).scores.top(5)[1] for query in (["rice"], ["rice", "zeppelin"])
    )
    assert beside[0] < alone[0]


def test_the_context_is_searched_but_belongs_to_no_sentence() -> None:
    index = index_of([passage_of("port", context="rice fish"), passage_of("rice fish")])
    question = look_up_terms(["rice", "fish"], index)
    assert sorted(question.scores.top(5)[0].tolist()) == [0, 1]
    matches = index.match_terms(question, np.arange(2), np.arange(1, 3))
    assert matches.coverage().tolist() == [0, 1]
    assert matches.adjacency().tolist() == [0, 1]
