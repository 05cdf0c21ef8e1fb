"""Words as people compare them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.word_comparison import _words_with_spans, compared_words, phrase_spans, phrase_words

SAME = [
    ("Straße", "STRASSE"),
    ("Café naïve", "cafe\u0301 NAIVE"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ("Ёлка", "елка"),
    ("за\u0301мок", "замок"),
    ("Łódź Ærø", "lodz aero"),
    ("ﬁne ＡＢＣ １２", "fine abc 12"),
    ("well-known", "well – known"),
    ("don’t", "don't"),
    ("п'ять", "пʼять"),
    ("soft\u00adly", "softly"),
    ("soft\u00ad\n  ly", "softly"),
    ("zero\u200bwidth", "zerowidth"),
    ("مُحَمَّد", "محمـد"),
    ("שָׁלוֹם", "שלום"),
    ("one\n> two", "one two"),
    ("Acme™ “quoted”", "acme 'quoted'"),
    ("ｺｰﾋｰ", "コーヒー"),
    ("| a | b |", "a b"),
]
DIFFERENT = [
    ("й", "и"),
    ("C++", "C#"),
    ("$211.9", "£211.9"),
    ("211.9", "2119"),
    ("5%", "5"),
    ("AT&T", "AT T"),
    ("कि", "क"),
    ("น้ำ", "นำ"),
    ("its", "it's"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_the_same(one: str, other: str) -> None:
    assert compared_words(one) == compared_words(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_differs(one: str, other: str) -> None:
    assert compared_words(one) != compared_words(other)


@given(st.text())
def test_words_and_their_places_agree(text: str) -> None:
    words = list(_words_with_spans(unicodedata.normalize("NFC", text)))
    for _, span in words:
        assert 0 <= span.start < span.end <= len(unicodedata.normalize("NFC", text))


@given(st.lists(st.sampled_from(["Été", "и", "柬埔", "$5", "don’t", "น้ำ", "A-B"]), min_size=1))
def test_every_run_of_words_stands_in_the_text(parts: list[str]) -> None:
    text = " ".join(parts)
    words = phrase_words(text)
    spans = phrase_spans(text, [words])
    assert spans[0].start == 0
    assert spans[0].slice(text) == text


def test_characters_of_scripts_without_spaces_are_words() -> None:
    assert compared_words("柬埔寨") == ["柬", "埔", "寨"]
    assert [span.slice("在柬埔寨") for span in phrase_spans("在柬埔寨", [phrase_words("埔寨")])] == ["埔寨"]


def test_a_broken_word_is_marked() -> None:
    assert compared_words("know-\n  ledge is") == ["know-", "-ledge", "is"]
    text = "deep know-\nledge"
    assert [span.slice(text) for span in phrase_spans(text, [("knowledge",)])] == ["know-\nledge"]
    assert phrase_spans("well-\nknown", [("well", "known")])
    assert phrase_words("know-\nledge") == ("know", "ledge")


def test_marks_of_markdown_are_no_words() -> None:
    assert compared_words("# Head\n> 5 > 3\n+ C#") == ["head", "5", ">", "3", "c", "#"]
