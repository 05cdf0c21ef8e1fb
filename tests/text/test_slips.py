"""Which words a mistyped one may have meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.slips import meant_words, slip_cost, twice_meant_words


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("saeson", "season"), ("headquartters", "headquarters"), ("Brücke".casefold()[:-1], "brücke"),
     ("сезно", "сезон"), ("протокл", "протокол"), ("γλωσα", "γλωσσα"), ("سيارو", "سيارة")],
)  # fmt: skip
def test_a_slip_in_any_script_is_undone(typed: str, meant: str) -> None:
    assert meant in set(meant_words(typed))


@given(st.text("abcdefghij", min_size=4, max_size=9), st.data())
def test_one_slip_away_is_one_slip_away(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))
    slips = {
        word[:place] + word[place + 1 :],
        word[: place + 1] + word[place:],
        word[:place] + "x" + word[place + 1 :],
        word[:place] + word[place : place + 2][::-1] + word[place + 2 :],
    }
    for typed in slips - {word}:
        assert word in set(meant_words(typed))
        assert 0.6 <= slip_cost(typed, word) <= 1.7


def test_likelier_slips_cost_less() -> None:
    costs = [slip_cost(typed, "tesla") for typed in ("tsela", "tsla", "tedla", "teqsla", "tepla", "pesla")]
    assert costs == sorted(costs)


def test_nothing_is_meant_by_figures_or_chinese() -> None:
    assert not list(meant_words("2019"))
    assert not list(meant_words("柬埔寨"))


@given(st.text("abcdefghij", min_size=7, max_size=9), st.integers(1, 2), st.integers(4, 5))
def test_two_slips_away_is_found_and_costs_two(word: str, first: int, second: int) -> None:
    once = word[:first] + word[first + 1 :]
    typed = once[:second] + once[second : second + 2][::-1] + once[second + 2 :]
    if typed in {word, once}:
        return
    assert word in set(twice_meant_words(typed)) | set(meant_words(typed))
    assert 0.6 <= slip_cost(typed, word) <= slip_cost(once, word) + slip_cost(typed, once)


@given(st.text("abc", max_size=6))
def test_no_slip_costs_nothing(word: str) -> None:
    assert slip_cost(word, word) == 0
