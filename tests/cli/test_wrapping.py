"""Lines that fit a terminal, and what is marked in them."""

from __future__ import annotations

import click
from hypothesis import given
from hypothesis import strategies as st

from qa.cli.wrapping import columns_of, wrap, wrap_marked

_TEXTS = st.text(st.sampled_from("ab é北\u0301\n\t*"), max_size=60)


@given(_TEXTS, _TEXTS, _TEXTS, st.integers(8, 40), st.sampled_from(["", "   "]))
def test_lines_fit_and_nothing_is_lost(before: str, marked: str, after: str, width: int, indent: str) -> None:
    lines = wrap_marked(before, marked, after, indent=indent, width=width, bold=True)
    plain = [click.unstyle(line) for line in lines]
    assert all(columns_of(line) <= width and line.startswith(indent) for line in plain)
    expected = before + marked.strip() + after
    assert "".join("".join(plain).split()) == "".join(expected.split())


def test_what_is_marked_is_bold_on_every_line() -> None:
    assert wrap_marked("One ", "two three.", " Four", width=7, bold=True) == [
        "One \x1b[1mtwo\x1b[0m",
        "\x1b[1mthree.\x1b[0m",
        "Four",
    ]


def test_asterisks_stand_where_there_is_no_bold() -> None:
    assert wrap_marked("One ", "two three.", " Four", width=13, bold=False) == ["One **two", "three.** Four"]
    assert wrap_marked("One ", "", "Four", width=12, bold=False) == ["One Four"]


def test_a_long_word_is_broken() -> None:
    assert wrap("北京上海", indent=" ", width=5) == [" 北京", " 上海"]
