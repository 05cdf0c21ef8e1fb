"""Scores, coverage, neighbours and who is alike, against their formulas."""

from __future__ import annotations

import json
import math
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.arrays import offsets
from qa.errors import BuildError
from qa.index.lexical import inverted_index, shingles
from qa.index.lexical.inverted_index import COMMON_SHARE, LexicalIndex, LexicalWriter, PassageTerms
from qa.index.lexical.postings import K1, B
from qa.types import Int64

_TERMS = st.lists(st.sampled_from("abcdef"), max_size=5)
_PASSAGES = st.builds(PassageTerms, _TERMS, st.lists(_TERMS, min_size=1, max_size=4))
_CORPORA = st.lists(_PASSAGES, min_size=1, max_size=8)
_QUESTIONS = st.lists(st.sampled_from("abcdefxyz"), min_size=1, max_size=6)


def _write(folder: Path, corpus: Iterable[PassageTerms], languages: Iterable[str] = ()) -> LexicalIndex:
    writer = LexicalWriter(folder)
    for passage in corpus:
        writer.add(passage)
    writer.close(languages)
    return LexicalIndex(folder)


def _index(corpus: Iterable[PassageTerms], languages: Iterable[str] = ()) -> LexicalIndex:
    with tempfile.TemporaryDirectory() as folder:  # what is mapped stays there for as long as it is
        return _write(Path(folder) / "lexical", corpus, languages)


def _of(*sentences: str, context: str = "") -> PassageTerms:
    return PassageTerms(context.split(), [sentence.split() for sentence in sentences])


def _flat(passage: PassageTerms) -> list[str]:
    return [*passage.context, *chain.from_iterable(passage.sentences)]


def _text(passage: PassageTerms) -> list[str]:
    return [term for sentence in passage.sentences for term in sentence]


def _bounds(corpus: list[PassageTerms]) -> tuple[Int64, Int64]:
    lasts = np.cumsum([len(passage.sentences) for passage in corpus], dtype=np.int64)
    return np.append(0, lasts)[:-1], lasts


def _idf(corpus: list[PassageTerms], term: str) -> float:
    frequency = sum(term in _flat(passage) for passage in corpus)
    return math.log(1 + (len(corpus) - frequency + 0.5) / (frequency + 0.5))


def _by_formula(corpus: list[PassageTerms], query: list[str], common: Iterable[str] = ()) -> list[float]:
    """Score each passage as Lucene does, as a share of what the query could give at most.

    Robertson and Zaragoza (2009), equation 3.15, with Lucene's idf, which is never negative.
    """
    texts = [_flat(passage) for passage in corpus]
    average = sum(map(len, texts)) / len(texts)
    weights = {term: _idf(corpus, term) * (COMMON_SHARE if term in common else 1) for term in query}
    scores = []
    for text in texts:
        counts = Counter(text)
        length = K1 * (1 - B + B * len(text) / (average or 1))
        gains = (weights[term] * counts[term] / (counts[term] + length) for term in weights if counts[term])
        scores.append(sum(gains) / sum(weights.values()))
    return scores


@given(_CORPORA, _QUESTIONS)
def test_scores_are_the_formulas(corpus: list[PassageTerms], query: list[str]) -> None:
    index = _index(corpus)
    shares = index.question(query).scores.of(np.arange(len(corpus)))
    assert shares.tolist() == pytest.approx(_by_formula(corpus, query), rel=1e-5, abs=1e-7)
    assert all(0 <= share <= 1 for share in shares)


@given(_CORPORA, _QUESTIONS, st.integers(1, 9), st.none() | st.sets(st.integers(0, 7)))
def test_the_best_are_those_with_the_highest_shares(
    corpus: list[PassageTerms], query: list[str], count: int, allowed: set[int] | None
) -> None:
    index = _index(corpus)
    question = index.question(query)
    every = range(len(corpus))
    rows, shares = question.scores.best(
        count, None if allowed is None else np.array(sorted(allowed & {*every}), np.int64)
    )
    known = question.scores.of(np.arange(len(corpus))).tolist()
    holding = [row for row in every if set(_flat(corpus[row])) & set(query)]
    wanted = sorted(holding, key=lambda row: (-known[row], row))
    wanted = [row for row in wanted if allowed is None or row in allowed][:count]
    assert rows.tolist() == wanted
    assert shares.tolist() == [known[row] for row in wanted]


_WORDS = st.lists(st.sampled_from(["the", "when", "did", "rice", "port"]), max_size=6)


@given(st.lists(st.builds(PassageTerms, _WORDS, st.lists(_WORDS, min_size=1)), min_size=1), _WORDS)
def test_a_common_word_of_the_languages_counts_a_share_of_what_it_would(
    corpus: list[PassageTerms], query: list[str]
) -> None:
    query = [*query, "zeppelin"]
    for languages, common in ((["ru", "en"], {"the", "when", "did"}), (["ru"], set())):
        index = _index(corpus, languages)
        question = index.question(query)
        weights = {term: _idf(corpus, term) * (COMMON_SHARE if term in common else 1) for term in query}
        assert question.weights == pytest.approx(weights)
        shares = question.scores.of(np.arange(len(corpus)))
        assert shares.tolist() == pytest.approx(_by_formula(corpus, query, common), rel=1e-5, abs=1e-7)


@given(_CORPORA, _QUESTIONS)
def test_a_questions_terms_weigh_their_inverse_frequency(
    corpus: list[PassageTerms], query: list[str]
) -> None:
    question = _index(corpus).question(query)
    assert list(question.weights) == list(dict.fromkeys(query))
    assert question.weights == pytest.approx({term: _idf(corpus, term) for term in query})
    assert question.total == pytest.approx(sum(question.weights.values()))
    held = {term for passage in corpus for term in _flat(passage)}
    known = [weight for term, weight in question.weights.items() if term in held]
    assert question.known_weights.tolist() == known


@given(_CORPORA, _QUESTIONS)
def test_coverage_is_the_share_of_weight_that_a_sentence_holds(
    corpus: list[PassageTerms], query: list[str]
) -> None:
    index = _index(corpus)
    question = index.question(query)
    expected = [
        [
            sum(weight for term, weight in question.weights.items() if term in sentence) / question.total
            for sentence in passage.sentences
        ]
        for passage in corpus
    ]
    assert index.sentences == sum(map(len, expected))
    firsts, lasts = _bounds(corpus)
    for order in (slice(None), slice(None, None, -2)):
        covered = index.matches(question, firsts[order], lasts[order]).coverage()
        assert covered == pytest.approx(list(chain.from_iterable(expected[order])), abs=1e-6)


@given(_CORPORA, _QUESTIONS, st.data())
def test_a_sentence_is_credited_with_a_share_of_what_the_one_before_holds(
    corpus: list[PassageTerms], query: list[str], data: st.DataObject
) -> None:
    index = _index(corpus)
    question = index.question(query)
    sentences = [set(sentence) for passage in corpus for sentence in passage.sentences]
    carried = data.draw(
        st.lists(st.sampled_from([0, 0.5, 1]), min_size=len(sentences), max_size=len(sentences))
    )
    expected = [
        sum(
            weight * max(term in sentence, share * (term in before))
            for term, weight in question.weights.items()
        )
        / question.total
        for before, sentence, share in zip([set(), *sentences], sentences, carried, strict=False)
    ]
    found = index.matches(question, *_bounds(corpus)).coverage(np.array(carried, np.float32))
    assert found == pytest.approx(expected, abs=1e-6)


@given(_CORPORA, _QUESTIONS)
def test_adjacency_is_the_share_of_pairs_that_stand_side_by_side(
    corpus: list[PassageTerms], query: list[str]
) -> None:
    index = _index(corpus)
    question = index.question(query)
    held = {term for passage in corpus for term in _flat(passage)}
    pairs = {(a, b) for a, b in pairwise(query) if a != b and a in held and b in held}
    weights = {pair: min(question.weights[term] for term in pair) for pair in pairs}
    expected = []
    for passage in corpus:
        met = sum(weights[pair] for pair in set(pairwise(_text(passage))) & pairs)
        expected.append(met / sum(weights.values()) if pairs else 0)
    firsts, lasts = _bounds(corpus)
    for order in (slice(None), slice(None, None, -1)):
        found = index.matches(question, firsts[order], lasts[order]).adjacency()
        assert found == pytest.approx(expected[order], abs=1e-6)


@given(_CORPORA, _QUESTIONS, st.data())
def test_what_some_passages_hold_is_part_of_what_all_do(
    corpus: list[PassageTerms], query: list[str], data: st.DataObject
) -> None:
    index, (firsts, lasts) = _index(corpus), _bounds(corpus)
    question = index.question(query)
    places = np.array(data.draw(st.lists(st.sampled_from(range(len(corpus))))), np.int64)
    some = index.matches(question, firsts, lasts).of(places)
    expected = index.matches(question, firsts[places], lasts[places])
    for name in ("held", "met", "bounds"):
        np.testing.assert_array_equal(getattr(some, name), getattr(expected, name))


@given(_CORPORA, st.sampled_from([0.5, 0.9, 1.0]))
def test_alike_are_those_whose_shingles_are(corpus: list[PassageTerms], least: float) -> None:
    index, rows, bounds = _index(corpus), np.arange(len(corpus)), _bounds(corpus)
    numbers = {term: number for number, term in enumerate("abcdef")}
    terms = [[numbers[term] for term in _text(passage)] for passage in corpus]
    expected = shingles.alike(
        np.array(list(chain.from_iterable(terms)), np.int32), offsets(np.array([*map(len, terms)])), 6, least
    )
    np.testing.assert_array_equal(index.alike(rows, *bounds, least), expected)
    backwards = slice(None, None, -1)
    found = index.alike(rows[backwards], bounds[0][backwards], bounds[1][backwards], least)
    np.testing.assert_array_equal(found, expected[backwards, backwards])


def test_what_stands_nowhere_else_is_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = [_of(" ".join(f"{a}{b}" for b in range(20))) for a in "abc"]
    index, bounds = _write(tmp_path / "lexical", [*corpus, corpus[0]]), (np.arange(4), np.arange(1, 5))
    compared = []
    monkeypatch.setattr(shingles, "alike", lambda *found: compared.append(found) or np.ones((1, 1), np.bool_))
    some = slice(1, 3)
    alike = index.alike(np.arange(4)[some], bounds[0][some], bounds[1][some], 0.9)
    assert alike.tolist() == [[True, False], [False, True]]
    assert not compared
    index.alike(np.arange(4), *bounds, 0.9)
    assert compared


def test_an_index_that_does_not_know_what_stands_elsewhere_compares_all(tmp_path: Path) -> None:
    _write(tmp_path / "lexical", [_of("rice port"), _of("fish"), _of("rice port")])
    (tmp_path / "lexical" / "elsewhere.npy").unlink()
    found = LexicalIndex(tmp_path / "lexical").alike(np.arange(3), np.arange(3), np.arange(1, 4), 0.9)
    assert found.tolist() == [[True, False, True], [False, True, False], [True, False, True]]


@given(_CORPORA, _QUESTIONS)
def test_a_repeated_term_counts_once(corpus: list[PassageTerms], query: list[str]) -> None:
    index = _index(corpus)
    once, thrice = index.question(query), index.question(query * 3)
    assert once.weights == thrice.weights
    assert once.known.tolist() == thrice.known.tolist()


def test_a_term_that_no_passage_holds_lowers_every_score() -> None:
    index = _index([_of("rice port"), _of("fish")])
    alone, beside = (index.question(query).scores.best(5)[1] for query in (["rice"], ["rice", "zeppelin"]))
    assert beside[0] < alone[0]


def test_the_context_is_searched_but_belongs_to_no_sentence() -> None:
    index = _index([_of("port", context="rice fish"), _of("rice fish")])
    question = index.question(["rice", "fish"])
    assert sorted(question.scores.best(5)[0].tolist()) == [0, 1]
    matches = index.matches(question, np.arange(2), np.arange(1, 3))
    assert matches.coverage().tolist() == [0, 1]
    assert matches.adjacency().tolist() == [0, 1]


def test_any_script_is_found_again() -> None:
    index = _index([_of("рис port", "3.5", context="fish"), _of(""), _of("柬埔 埔寨", "", "é")])
    for term, row in (("рис", 0), ("3.5", 0), ("埔寨", 2), ("é", 2)):
        assert index.question([term]).scores.best(5)[0].tolist() == [row]
    assert index.question(["e"]).scores.best(5)[0].tolist() == []
    assert index.question([]).scores.best(5)[0].tolist() == []


@given(_CORPORA, st.integers(1, 12))
def test_what_comes_in_parts_is_written_as_if_it_came_at_once(corpus: list[PassageTerms], block: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        _write(Path(folder) / "whole", corpus, ["en"])
        patch.setattr(inverted_index, "_BLOCK", block)
        _write(Path(folder) / "parts", corpus, ["en"])
        whole, parts = (
            {path.name: path.read_bytes() for path in (Path(folder) / name).iterdir()}
            for name in ("whole", "parts")
        )
        assert parts == whole


@pytest.mark.parametrize("corpus", [[], [_of("")], [_of(""), _of("", "")]])
def test_an_empty_index_matches_nothing(tmp_path: Path, corpus: list[PassageTerms]) -> None:
    index = _write(tmp_path / "lexical", corpus)
    assert index.passages == len(corpus)
    question = index.question(["rice", "port"])
    assert question.total > 0
    rows, shares = question.scores.best(5)
    assert len(rows) == len(shares) == 0
    assert question.scores.best(5, np.arange(len(corpus)))[0].tolist() == []
    assert question.scores.of(np.arange(len(corpus))).tolist() == [0] * len(corpus)
    bounds = _bounds(corpus)
    assert index.matches(question, *bounds).coverage().tolist() == [0] * index.sentences
    assert index.matches(question, *bounds).adjacency().tolist() == [0] * len(corpus)
    assert index.alike(np.arange(len(corpus)), *bounds, 0.9).tolist() == [[True] * len(corpus)] * len(corpus)


def test_an_index_of_one_passage_finds_it() -> None:
    index = _index([_of("rice port")])
    question = index.question(["port", "zeppelin"])
    rows, shares = question.scores.best(5)
    assert rows.tolist() == [0]
    assert shares.tolist() == pytest.approx(_by_formula([_of("rice port")], ["port", "zeppelin"]))
    assert index.alike(np.array([0]), np.array([0]), np.array([1]), 0.9).tolist() == [[True]]


def test_two_terms_of_one_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverted_index, "_hashes", lambda terms: np.zeros(len(list(terms)), np.uint64))
    with pytest.raises(BuildError, match="same hash"):
        _write(tmp_path / "lexical", [_of("rice port")])


@pytest.mark.parametrize(
    "name",
    [
        *("hashes.npy", "numbers.npy", "terms.npy", "sentence_starts.npy", "common.npy", "elsewhere.npy"),
        *("posting_starts.npy", "posting_rows.npy", "posting_gains.npy", "posting_most.npy"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, name: str) -> None:
    _write(tmp_path / "lexical", [_of("rice port"), _of("fish")], ["en"])
    path = tmp_path / "lexical" / name
    values = np.load(path)
    for other in (values.astype(np.float64), values[None], values[:-1], values[:0]):
        np.save(path, other)
        if name != "common.npy" or other.dtype != values.dtype or other.ndim > 1:
            with pytest.raises((ValueError, IndexError), match=r"lexical|index"):
                LexicalIndex(tmp_path / "lexical")
    path.write_bytes(b"")
    with pytest.raises((ValueError, EOFError)):
        LexicalIndex(tmp_path / "lexical")


def test_the_facts_say_how_many_passages_there_are(tmp_path: Path) -> None:
    _write(tmp_path / "lexical", [_of("rice"), _of("")])
    assert json.loads((tmp_path / "lexical" / "facts.json").read_text()) == {"passages": 2}


def test_threads_find_alike() -> None:
    corpus = [_of(f"rice word{i % 7} word{i % 11}", f"port word{i % 13}") for i in range(300)]
    index, bounds = _index(corpus), _bounds(corpus)
    found: dict[int, list[list[float]]] = {}

    def ask(number: int) -> None:
        found[number] = []
        for i in range(40):
            question = index.question(["rice", f"word{i % 13}", "port", f"word{i % 5}"])
            matches = index.matches(question, *bounds)
            results = [
                *question.scores.best(20),
                matches.coverage(),
                matches.adjacency(),
                index.alike(np.arange(len(corpus)), *bounds, 0.9),
            ]
            found[number] += [values.tolist() for values in results]

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(4)] == [found[0]] * 4
