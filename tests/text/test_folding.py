from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.folding import fold, same_form

FORMS = ("NFC", "NFD")


@given(st.text())
def test_the_form_makes_no_difference(text: str) -> None:
    assert len({fold(unicodedata.normalize(form, text)) for form in FORMS} | {fold(text)}) == 1
    assert len({same_form(unicodedata.normalize(form, text)) for form in FORMS} | {same_form(text)}) == 1


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_has_no_other_capitals(text: str) -> None:
    assert fold(text) == fold(text.upper()) == fold(text.lower()) == text.casefold()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alpha", "aLPHA"),
        ("ТАСС", "тасс"),
        ("Straße", "STRASSE"),
        ("L\u00e9o", "LE\u0301O"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
    ],
)
def test_spellings_of_one_value(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_what_is_not_the_same_stays_apart() -> None:
    assert len({fold(text) for text in ("Leo", "Léo", "Lео", "Leo ", "L-eo")}) == 5
    assert same_form("A") != same_form("a")
