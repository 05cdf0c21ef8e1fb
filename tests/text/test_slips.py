"""Which words a mistyped one may have meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.slips import meant_words, slip_cost


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
