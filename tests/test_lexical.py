"""Stemming and BM25, against the published formula."""

from __future__ import annotations

import math
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.lexical import ALGORITHMS, K1, B, LexicalIndex, coverage, terms

_CORPORA = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), min_size=1, max_size=8)


def _by_formula(corpus: list[list[str]], query: list[str]) -> list[float]:
    """Score each passage as Lucene does, as a share of what the query could give at most.

    Robertson and Zaragoza (2009), equation 3.15, with Lucene's idf, which is never negative.
    """
    average = sum(map(len, corpus)) / len(corpus)
    wanted = set(query)
    idf = {}
    for term in wanted:
        frequency = sum(term in passage for passage in corpus)
        idf[term] = math.log(1 + (len(corpus) - frequency + 0.5) / (frequency + 0.5))
    scores = []
    for passage in corpus:
        counts = Counter(passage)
        length = K1 * (1 - B + B * len(passage) / average)
        gains = (idf[term] * counts[term] / (counts[term] + length) for term in wanted if counts[term])
        scores.append(sum(gains) / sum(idf.values()))
    return scores


def _scores(index: LexicalIndex, query: list[str], size: int) -> list[float]:
    rows, scores = index.match(index.weights(query))
    assert list(rows) == sorted(set(rows.tolist()))
    found = np.zeros(size)
    found[rows] = scores
    return found.tolist()


@given(_CORPORA, st.lists(st.sampled_from("abcdefxyz"), min_size=1, max_size=5))
def test_scores_are_the_formulas(corpus: list[list[str]], query: list[str]) -> None:
    if not any(corpus):
        return
    scores = _scores(LexicalIndex.build(corpus), query, len(corpus))
    assert scores == pytest.approx(_by_formula(corpus, query), rel=1e-5, abs=1e-7)
    assert all(0 <= score <= 1 for score in scores)


@given(_CORPORA, st.lists(st.sampled_from("abcxyz"), min_size=1, max_size=5))
def test_only_passages_with_a_term_match(corpus: list[list[str]], query: list[str]) -> None:
    index = LexicalIndex.build(corpus)
    rows, scores = index.match(index.weights(query))
    assert rows.tolist() == [i for i, passage in enumerate(corpus) if set(passage) & set(query)]
    assert (scores > 0).all()


@given(_CORPORA, st.lists(st.sampled_from("abcxyz"), min_size=1, max_size=5))
def test_a_repeated_term_counts_once(corpus: list[list[str]], query: list[str]) -> None:
    index = LexicalIndex.build(corpus)
    assert index.weights(query) == index.weights(query * 3)


def test_a_term_that_no_passage_holds_lowers_every_score() -> None:
    index = LexicalIndex.build([["rice", "port"], ["fish"]])
    _, alone = index.match(index.weights(["rice"]))
    _, beside = index.match(index.weights(["rice", "zeppelin"]))
    assert beside[0] < alone[0]


def test_a_saved_index_gives_the_same(tmp_path: Path) -> None:
    corpus = [["рис", "port", "3.5"], [], ["fish", "рис", "рис"], ["柬埔", "埔寨"], []]
    built = LexicalIndex.build(corpus)
    built.save(tmp_path / "lexical")
    loaded = LexicalIndex.load(tmp_path / "lexical")
    for query in (["рис"], ["рис", "fish", "nothing"], ["柬埔", "3.5"], ["nothing"], []):
        assert loaded.weights(query) == built.weights(query)
        for one, other in zip(
            loaded.match(loaded.weights(query)), built.match(built.weights(query)), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("corpus", [[], [[], []]])
def test_an_empty_index_matches_nothing(tmp_path: Path, corpus: list[list[str]]) -> None:
    LexicalIndex.build(corpus).save(tmp_path / "lexical")
    index = LexicalIndex.load(tmp_path / "lexical")
    rows, scores = index.match(index.weights(["rice"]))
    assert len(rows) == len(scores) == 0


def _same(one: str, other: str, *languages: str) -> bool:
    return list(terms(one, languages)) == list(terms(other, languages))


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "Agreements", "agreement"),
        ("en", "The studies", "the study"),
        ("ru", "договорённостями", "договорённость"),
        ("fr", "continuellement", "continuelle"),
        ("de", "Häuser", "haus"),
        ("es", "canciones", "canción"),
        ("tr", "evler", "ev"),
        ("el", "άνθρωποι", "άνθρωπος"),
    ],
)
def test_words_are_stemmed_by_language(language: str, one: str, other: str) -> None:
    assert _same(one, other, language)
    assert not _same(one, "zebra", language)


def test_a_word_is_stemmed_by_its_script_where_the_language_is_another() -> None:
    assert _same("министрами", "министры", "en")
    assert _same("министрами", "министры")
    assert _same("agreements", "agreement", "ru")
    assert _same("agreements", "agreement")


def test_a_question_in_several_languages_has_a_word_stemmed_in_each() -> None:
    english, french = list(terms("nations", ["en"])), list(terms("nationaux", ["fr"]))
    assert set(english) <= set(terms("nations", ["en", "fr"]))
    assert set(french) <= set(terms("nationaux", ["en", "fr"]))
    assert list(terms("nations", ["en", "ru"])) == english


def test_accents_case_width_and_apostrophes_do_not_matter_in_latin_script() -> None:
    assert _same("Café naïve façade", "CAFE NAIVE FACADE", "en")
    assert _same("Canción Perú", "cancion peru", "es")
    assert _same("ＡＳＥＡＮ ﬁsh", "asean fish", "en")
    assert _same("minister’s", "minister's", "en")
    assert _same("Straße", "STRASSE", "de")


def test_russian_yo_may_be_written_as_ye() -> None:
    assert _same("королём ёлка", "королем елка", "ru")


def test_other_scripts_keep_what_tells_letters_apart() -> None:
    assert not _same("йод", "иод", "ru")
    assert not _same("काल", "कल", "hi")


def test_numbers_stay_whole() -> None:
    assert list(terms("1,234.5 tons in 2018, 3.5%", ["en"])) == ["1,234.5", "ton", "in", "2018", "3.5"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("柬埔寨", ["柬埔", "埔寨"]),
        ("王", ["王"]),
        ("ASEAN東盟 2018年", ["asean", "東盟", "2018", "年"]),
        ("ไทย", ["ไท", "ทย"]),
    ],
)
def test_unspaced_scripts_give_pairs_of_characters(text: str, found: list[str]) -> None:
    assert list(terms(text, [])) == found


@pytest.mark.parametrize("text", ["", " \n\0", "!?… —", "\u0301", "🛰️"])
def test_what_is_no_word_gives_no_term(text: str) -> None:
    assert list(terms(text, ["en"])) == []


@given(st.text(max_size=40), st.lists(st.sampled_from([*ALGORITHMS, "zh", "xx"]), max_size=3))
def test_any_text_gives_terms_that_hold_something(text: str, languages: list[str]) -> None:
    assert all(terms(text, languages))


@given(st.text(max_size=30), st.sampled_from(list(ALGORITHMS)))
def test_every_word_of_the_text_is_found_again(text: str, language: str) -> None:
    passage, question = set(terms(text, [language])), set(terms(text, [language, "en", "ru"]))
    assert passage <= question


def test_threads_stem_alike() -> None:
    words = [f"agreement{i} министрами{i} nations{i}" for i in range(300)]
    expected = [list(terms(word, ["en", "ru"])) for word in words]
    found: dict[int, list[list[str]]] = {}

    def stem(number: int) -> None:
        found[number] = [list(terms(word, ["en", "ru"])) for word in words]

    threads = [threading.Thread(target=stem, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [expected] * 4


def test_coverage_is_the_share_of_weight_held() -> None:
    weights = {"rice": 3.0, "port": 1.0}
    assert coverage(weights, ["rice", "rice", "fish"]) == pytest.approx(0.75)
    assert coverage(weights, ["rice", "port"]) == 1
    assert coverage(weights, []) == coverage({}, ["rice"]) == 0
