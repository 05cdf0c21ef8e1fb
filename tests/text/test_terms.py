"""From text to index terms, in any language."""

from __future__ import annotations

import doctest
import subprocess
import sys
import threading
from itertools import pairwise
from sys import getsizeof

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text import terms as analysis
from qa.text.terms import ALGORITHMS, common_terms, count_words, terms, words
from qa.types import Span


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


def test_a_word_in_another_script_is_stemmed_by_its_script() -> None:
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


def test_russian_yo_may_be_written_as_ye() -> None:
    assert _same("королём ёлка", "королем елка", "ru")


def test_other_scripts_keep_marks_that_distinguish_letters() -> None:
    assert not _same("йод", "иод", "ru")
    assert not _same("काल", "कल", "hi")


def test_numbers_stay_whole() -> None:
    assert list(terms("1,234.5 tons in 2018, 3.5%", ["en"])) == ["1,234.5", "ton", "in", "2018", "3.5"]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("柬埔寨", ["柬埔", "埔寨"]),
        ("王", ["王"]),
        ("ASEAN東盟 2018年", ["asean", "東盟", "2018", "年"]),
        ("ไทย", ["ไท", "ทย"]),
    ],
)
def test_unspaced_scripts_give_pairs_of_characters(text: str, pairs: list[str]) -> None:
    assert list(terms(text, [])) == pairs


@pytest.mark.parametrize("text", ["", " \n\0", "!?… —", "\u0301", "🛰️"])
def test_text_without_words_has_no_terms(text: str) -> None:
    assert list(terms(text, ["en"])) == []


@given(st.text(max_size=40), st.lists(st.sampled_from([*ALGORITHMS, "zh", "xx"]), max_size=3))
def test_no_term_is_empty(text: str, languages: list[str]) -> None:
    assert all(terms(text, languages))


@given(st.text(max_size=30), st.sampled_from(list(ALGORITHMS)))
def test_further_languages_of_the_question_lose_no_term(text: str, language: str) -> None:
    passage, question = set(terms(text, [language])), set(terms(text, [language, "en", "ru"]))
    assert passage <= question


def test_threads_get_the_same_stems() -> None:
    words = [f"agreement{i} министрами{i} nations{i}" for i in range(300)]
    expected = [list(terms(word, ["en", "ru"])) for word in words]
    stems: dict[int, list[list[str]]] = {}

    def stem(number: int) -> None:
        stems[number] = [list(terms(word, ["en", "ru"])) for word in words]

    threads = [threading.Thread(target=stem, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(stems.values()) == [expected] * 4


@given(st.text(max_size=40), st.lists(st.sampled_from([*ALGORITHMS, "zh", "xx"]), max_size=3))
def test_words_stand_where_they_say(text: str, languages: list[str]) -> None:
    spans = list(words(text, languages))
    assert [term for _, inner in spans for term in inner] == list(terms(text, languages))
    for (span, inner), (following, _) in pairwise([*spans, (Span(len(text), len(text) + 1), ())]):
        assert 0 <= span.start < span.end <= len(text)
        assert span.start < following.start
        # A word alone has the terms that it has in its text.
        assert inner == tuple(terms(span.slice(text), languages))


def test_words_are_slices_of_the_text() -> None:
    text = "São Tomé’s 3.5% 柬埔寨, e\u0301t"
    spans = [(span.slice(text), inner) for span, inner in words(text, ["en"])]
    assert spans == [
        ("São", ("sao",)), ("Tomé’s", ("tome",)), ("3.5", ("3.5",)), ("柬埔", ("柬埔",)), ("埔寨", ("埔寨",)),
        ("e\u0301t", ("et",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("Rice, 3.5% of it!", 4), ("柬埔寨 in 2018", 3), ("ประเทศไทย", 2), ("ไทย", 1), ("?!", 0)],
)
def test_words_are_counted_and_unspaced_characters_by_three_or_five(text: str, count: int) -> None:
    assert count_words(text) == count


def test_common_words_are_known_as_index_terms() -> None:
    assert {"the", "when", "did"} <= common_terms(("en",))
    assert "rice" not in common_terms(("en",))
    assert set(terms("сколько", ["ru"])) <= common_terms(("en", "ru"))
    assert not set(terms("сколько", ["ru"])) & common_terms(("en",))
    assert common_terms(()) == common_terms(("xx",)) == frozenset()


def test_searching_does_not_load_the_lists_of_common_words() -> None:
    script = "import sys, qa.retrieval.searcher; sys.exit('bm25s' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_kept_words_stay_within_their_limit() -> None:
    def kept() -> int:
        return sum(
            getsizeof(word) + sum(map(getsizeof, terms))
            for known in analysis._kept.by_languages.values()
            for word, terms in known.items()
        )

    most = 0
    for start in range(0, 120_000, 2000):
        text = " ".join(f"{number}wörterlang{number}" for number in range(start, start + 2000))
        for languages in (["de"], ["en", "fr"], ["de", "sv"]):
            assert len(list(terms(text, languages))) >= 2000
        most = max(most, kept())
    assert analysis.KEPT / 3 < most <= analysis.KEPT


def test_long_words_are_not_kept() -> None:
    long = "w" + "o" * 998
    assert list(terms(f"{long} short", ["en"])) == [long, "short"]
    assert not any(long in known for known in analysis._kept.by_languages.values())
    assert any("short" in known for known in analysis._kept.by_languages.values())


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(analysis).failed == 0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("ports/LEITH_2017_FeesList.pdf", ["ports", "leith", "2017", "feeslist", "fees", "list"]),
        ("порты/ОтчётЗа2019.docx", ["порты", "отчётза2019", "отчёт", "за", "2019"]),
        ("a/HTMLNotes-v2.1", ["a", "htmlnotes", "html", "notes", "v2", "v", "2", "1"]),
        ("港/a", ["港", "a"]),
    ],
)
def test_words_of_a_path(path: str, expected: list[str]) -> None:
    assert analysis.words_of_path(path) == expected


def test_a_year_after_letters_is_a_term_of_its_own() -> None:
    assert list(analysis.terms("FY2018 results of CY1999", ["en"])) == [
        *("fy2018", "2018", "result", "of"),
        *("cy1999", "1999"),
    ]
    assert list(analysis.terms("FY18 x3018 covid2019 2018", ["en"])) == ["fy18", "x3018", "covid2019", "2018"]
