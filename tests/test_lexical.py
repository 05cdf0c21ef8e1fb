"""Stemming and BM25, against the published formula."""

from __future__ import annotations

import math
import threading
from collections import Counter
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.contracts import Span
from qa.lexical import (
    ALGORITHMS,
    COMMON_SHARE,
    K1,
    B,
    LexicalIndex,
    PassageTerms,
    common_terms,
    count_words,
    terms,
    words,
)

_TERMS = st.lists(st.sampled_from("abcdef"), max_size=5)
_PASSAGES = st.builds(PassageTerms, _TERMS, st.lists(_TERMS, min_size=1, max_size=4))
_CORPORA = st.lists(_PASSAGES, min_size=1, max_size=8)
_QUESTIONS = st.lists(st.sampled_from("abcdefxyz"), min_size=1, max_size=6)


def _of(*sentences: str, context: str = "") -> PassageTerms:
    return PassageTerms(context.split(), [sentence.split() for sentence in sentences])


def _flat(passage: PassageTerms) -> list[str]:
    return [*passage.context, *chain.from_iterable(passage.sentences)]


def _idf(corpus: list[PassageTerms], term: str) -> float:
    frequency = sum(term in _flat(passage) for passage in corpus)
    return math.log(1 + (len(corpus) - frequency + 0.5) / (frequency + 0.5))


def _by_formula(corpus: list[PassageTerms], query: list[str]) -> list[float]:
    """Score each passage as Lucene does, as a share of what the query could give at most.

    Robertson and Zaragoza (2009), equation 3.15, with Lucene's idf, which is never negative.
    """
    texts = [_flat(passage) for passage in corpus]
    average = sum(map(len, texts)) / len(texts)
    idf = {term: _idf(corpus, term) for term in query}
    scores = []
    for text in texts:
        counts = Counter(text)
        length = K1 * (1 - B + B * len(text) / average)
        gains = (idf[term] * counts[term] / (counts[term] + length) for term in idf if counts[term])
        scores.append(sum(gains) / sum(idf.values()))
    return scores


def _scores(index: LexicalIndex, query: list[str], size: int) -> list[float]:
    rows, scores = index.match(index.question(query))
    assert list(rows) == sorted(set(rows.tolist()))
    found = np.zeros(size)
    found[rows] = scores
    return found.tolist()


@given(_CORPORA, _QUESTIONS)
def test_scores_are_the_formulas(corpus: list[PassageTerms], query: list[str]) -> None:
    if not any(map(_flat, corpus)):
        return
    scores = _scores(LexicalIndex.build(corpus), query, len(corpus))
    assert scores == pytest.approx(_by_formula(corpus, query), rel=1e-5, abs=1e-7)
    assert all(0 <= score <= 1 for score in scores)


@given(_CORPORA, _QUESTIONS, st.sets(st.sampled_from("abxy")))
def test_a_common_word_counts_a_share_of_what_it_would(
    corpus: list[PassageTerms], query: list[str], common: set[str]
) -> None:
    if not any(map(_flat, corpus)):
        return
    index = LexicalIndex.build(corpus)
    question = index.question(query, common)
    shares = {term: COMMON_SHARE if term in common else 1 for term in query}
    idf = {term: _idf(corpus, term) for term in query}
    assert question.weights == pytest.approx({term: shares[term] * idf[term] for term in query})
    # A question of one term has that term's gain as a share of its frequency's; both are known from above.
    gains = {term: np.array(_by_formula(corpus, [term])) * idf[term] for term in set(query)}
    expected = sum(shares[term] * gain for term, gain in gains.items()) / question.total
    rows, scores = index.match(question)
    assert rows.tolist() == np.flatnonzero(expected).tolist()
    assert scores.tolist() == pytest.approx(expected[rows].tolist(), rel=1e-5)


def test_common_words_are_known_as_index_terms() -> None:
    assert {"the", "when", "did"} <= common_terms(("en",))
    assert "rice" not in common_terms(("en",))
    assert set(terms("сколько", ["ru"])) <= common_terms(("en", "ru"))
    assert not set(terms("сколько", ["ru"])) & common_terms(("en",))
    assert common_terms(()) == common_terms(("xx",)) == frozenset()


@given(_CORPORA, _QUESTIONS, st.data())
def test_a_sentence_is_credited_with_a_share_of_what_the_one_before_holds(
    corpus: list[PassageTerms], query: list[str], data: st.DataObject
) -> None:
    index = LexicalIndex.build(corpus)
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
    found = index.coverage(question, np.arange(len(sentences)), np.array(carried, np.float32))
    assert found == pytest.approx(expected, abs=1e-6)


@given(_CORPORA, _QUESTIONS)
def test_only_passages_with_a_term_match(corpus: list[PassageTerms], query: list[str]) -> None:
    index = LexicalIndex.build(corpus)
    rows, scores = index.match(index.question(query))
    assert rows.tolist() == [i for i, passage in enumerate(corpus) if set(_flat(passage)) & set(query)]
    assert (scores > 0).all()


@given(_CORPORA, _QUESTIONS)
def test_a_questions_terms_weigh_their_inverse_frequency(
    corpus: list[PassageTerms], query: list[str]
) -> None:
    question = LexicalIndex.build(corpus).question(query)
    assert question.weights.keys() == set(query)
    assert question.total == pytest.approx(sum(question.weights.values()))
    held = {term for passage in corpus for term in _flat(passage)}
    assert sorted(question.known.values()) == sorted(question.weights[term] for term in set(query) & held)
    if held:
        assert question.weights == pytest.approx({term: _idf(corpus, term) for term in query})


@given(_CORPORA, _QUESTIONS)
def test_coverage_is_the_share_of_weight_that_a_sentence_holds(
    corpus: list[PassageTerms], query: list[str]
) -> None:
    index = LexicalIndex.build(corpus)
    question = index.question(query)
    sentences = [set(sentence) for passage in corpus for sentence in passage.sentences]
    expected = [
        sum(weight for term, weight in question.weights.items() if term in sentence) / question.total
        for sentence in sentences
    ]
    assert index.sentences == len(sentences)
    chosen = np.arange(len(sentences))[::-2]
    assert index.coverage(question, chosen) == pytest.approx([expected[i] for i in chosen], abs=1e-6)


@given(_CORPORA, _QUESTIONS)
def test_adjacency_is_the_share_of_pairs_that_stand_side_by_side(
    corpus: list[PassageTerms], query: list[str]
) -> None:
    index = LexicalIndex.build(corpus)
    question = index.question(query)
    held = {term for passage in corpus for term in _flat(passage)}
    pairs = {(a, b) for a, b in pairwise(query) if a != b and a in held and b in held}
    weights = {pair: min(question.weights[term] for term in pair) for pair in pairs}
    expected = []
    for passage in corpus:
        text = [term for sentence in passage.sentences for term in sentence]
        met = sum(weights[pair] for pair in set(pairwise(text)) & pairs)
        expected.append(met / sum(weights.values()) if pairs else 0)
    lasts = np.cumsum([len(passage.sentences) for passage in corpus])
    firsts = lasts - [len(passage.sentences) for passage in corpus]
    assert index.adjacency(question, firsts, lasts) == pytest.approx(expected, abs=1e-6)
    assert index.adjacency(question, firsts[::-1], lasts[::-1]) == pytest.approx(expected[::-1], abs=1e-6)


@given(_CORPORA)
def test_shingles_are_every_three_terms_in_a_row(corpus: list[PassageTerms]) -> None:
    index = LexicalIndex.build(corpus)
    first = 0
    found, expected = [], []
    for passage in corpus:
        last = first + len(passage.sentences)
        text = [term for sentence in passage.sentences for term in sentence]
        expected.append({tuple(text[i : i + 3]) for i in range(len(text) - 2)} or {tuple(text)})
        found.append(index.shingles(first, last))
        first = last
    # The index has numbers for terms: the same texts must have the same shingles.
    assert [[one == other for other in found] for one in found] == [
        [one == other for other in expected] for one in expected
    ]
    assert [len(one & other) for one in found for other in found] == [
        len(one & other) for one in expected for other in expected
    ]


@given(_CORPORA, _QUESTIONS)
def test_a_repeated_term_counts_once(corpus: list[PassageTerms], query: list[str]) -> None:
    index = LexicalIndex.build(corpus)
    once, thrice = index.question(query), index.question(query * 3)
    assert (once.weights, once.known) == (thrice.weights, thrice.known)


def test_a_term_that_no_passage_holds_lowers_every_score() -> None:
    index = LexicalIndex.build([_of("rice port"), _of("fish")])
    _, alone = index.match(index.question(["rice"]))
    _, beside = index.match(index.question(["rice", "zeppelin"]))
    assert beside[0] < alone[0]


def test_the_context_is_searched_but_belongs_to_no_sentence() -> None:
    index = LexicalIndex.build([_of("port", context="rice fish"), _of("rice fish")])
    question = index.question(["rice", "fish"])
    assert index.match(question)[0].tolist() == [0, 1]
    assert index.coverage(question, np.arange(2)).tolist() == [0, 1]
    assert index.adjacency(question, np.arange(2), np.arange(1, 3)).tolist() == [0, 1]


def test_a_saved_index_gives_the_same(tmp_path: Path) -> None:
    corpus = [
        _of("рис port", "3.5", context="fish"),
        _of(""),
        _of("fish рис рис"),
        _of("柬埔 埔寨", "", "рис port"),
        _of(""),
    ]
    built = LexicalIndex.build(corpus)
    built.save(tmp_path / "lexical")
    loaded = LexicalIndex.load(tmp_path / "lexical")
    lasts = np.cumsum([len(passage.sentences) for passage in corpus])
    firsts = np.append(0, lasts[:-1])
    assert loaded.sentences == built.sentences == lasts[-1]
    for query in (["рис"], ["рис", "port", "nothing"], ["柬埔", "埔寨", "3.5"], ["nothing"], []):
        question = loaded.question(query)
        assert question == built.question(query)
        for one, other in [
            *zip(loaded.match(question), built.match(question), strict=True),
            (loaded.coverage(question, np.arange(lasts[-1])), built.coverage(question, np.arange(lasts[-1]))),
            (loaded.adjacency(question, firsts, lasts), built.adjacency(question, firsts, lasts)),
        ]:
            np.testing.assert_array_equal(one, other)
    assert [loaded.shingles(*pair) for pair in zip(firsts, lasts, strict=True)] == [
        built.shingles(*pair) for pair in zip(firsts, lasts, strict=True)
    ]


@pytest.mark.parametrize("corpus", [[], [_of(""), _of("", "")]])
def test_an_empty_index_matches_nothing(tmp_path: Path, corpus: list[PassageTerms]) -> None:
    LexicalIndex.build(corpus).save(tmp_path / "lexical")
    index = LexicalIndex.load(tmp_path / "lexical")
    question = index.question(["rice", "port"])
    rows, scores = index.match(question)
    assert len(rows) == len(scores) == 0
    every = np.arange(index.sentences)
    assert index.coverage(question, every).tolist() == [0] * index.sentences
    assert index.adjacency(question, every, every + 1).tolist() == [0] * index.sentences


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


@pytest.mark.parametrize(
    ("language", "accented", "plain"),
    [
        ("pt", "São Tomé", "sao tome"),
        ("de", "Größe", "grosse"),
        ("fr", "Où était l’élève", "ou etait l'eleve"),
        ("vi", "Hà Nội", "ha noi"),
        ("tr", "İstanbul çağı", "istanbul cagi"),
        ("es", "e\u0301l", "el"),
        ("pl", "Łódź", "lodz"),
        ("vi", "Đà Nẵng", "da nang"),
        ("da", "Ærø", "aero"),
    ],
)
def test_accents_may_be_left_out_on_either_side(language: str, accented: str, plain: str) -> None:
    for languages in ([language], [language, "en"], []):
        passage, question = list(terms(accented, languages)), list(terms(plain, languages))
        assert passage == question
        index = LexicalIndex.build([PassageTerms([], [passage]), _of("zebra")])
        assert index.match(index.question(question))[0].tolist() == [0]


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


@given(st.text(max_size=40), st.lists(st.sampled_from([*ALGORITHMS, "zh", "xx"]), max_size=3))
def test_words_stand_where_they_say(text: str, languages: list[str]) -> None:
    found = list(words(text, languages))
    assert [term for _, inner in found for term in inner] == list(terms(text, languages))
    for (span, inner), (following, _) in pairwise([*found, (Span(len(text), len(text) + 1), ())]):
        assert 0 <= span.start < span.end <= len(text)
        assert span.start < following.start
        # A word alone has the terms that it has in its text.
        assert inner == tuple(terms(span.of(text), languages))


def test_words_are_slices_of_the_text() -> None:
    text = "São Tomé’s 3.5% 柬埔寨, e\u0301t"
    found = [(span.of(text), inner) for span, inner in words(text, ["en"])]
    assert found == [
        ("São", ("sao",)), ("Tomé’s", ("tome",)), ("3.5", ("3.5",)), ("柬埔", ("柬埔",)), ("埔寨", ("埔寨",)),
        ("e\u0301t", ("et",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("Rice, 3.5% of it!", 4), ("柬埔寨 in 2018", 3), ("ประเทศไทย", 3), ("ไทย", 1), ("?!", 0)],
)
def test_words_are_counted_and_every_third_character_where_there_are_no_spaces(text: str, count: int) -> None:
    assert count_words(text) == count
