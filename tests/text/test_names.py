from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.names import Name, names


def texts(sentence: str) -> list[str]:
    return [name.span.slice(sentence) for name in names(sentence)]


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("The canal was built by Ferdinand de Lesseps in May 1858.", ["Ferdinand de Lesseps"]),
        ("In Paris, Jean-Paul O'Brien met A. S. Pushkin.", ["Paris", "Jean-Paul O'Brien", "A. S. Pushkin"]),
        ("Ada Lovelace's notes survive.", ["Ada Lovelace"]),
        (
            "Traders came to Oslo on Monday, with Danish and French goods.",
            ["Oslo"],
        ),  # a first word may be any
        ("Осло посетил Фритьоф Нансен.", ["Фритьоф Нансен"]),
        ("他在北京。", []),
        ("", []),
    ],
)
def test_names_are_words_with_capitals(sentence: str, found: list[str]) -> None:
    assert texts(sentence) == found


def name(text: str) -> Name:
    (only,) = names(f"with {text}")
    return only


@pytest.mark.parametrize(
    ("one", "other", "compared"),
    [
        ("Ada Lovelace", "Lovelace", "the same"),
        ("Новый Берлин", "Новом Берлине", "the same"),
        ("New York", "New York City", "perhaps"),
        ("Ada Lovelace", "Ada Byron", "perhaps"),
        ("Ada Lovelace", "Charles Babbage", "others"),
    ],
)
def test_names_are_compared_by_words_and_surnames(one: str, other: str, compared: str) -> None:
    assert name(one).equals(name(other)) == name(other).equals(name(one)) == (compared == "the same")
    assert name(one).shares_word(name(other)) == (compared != "others")


@given(st.text(alphabet="AbÉéЖж.’' -,1", max_size=60))
def test_names_are_in_order_and_begin_with_a_capital(sentence: str) -> None:
    end = 0
    for found in names(sentence):
        assert end <= found.span.start < found.span.end <= len(sentence)
        assert found.span.slice(sentence)[0].isupper()
        end = found.span.end
