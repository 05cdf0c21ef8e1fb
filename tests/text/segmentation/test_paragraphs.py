"""Blocks: headings and paragraphs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text.segmentation.paragraphs import FRAGMENT_LENGTH, Block, split_blocks
from qa.types import Heading, Reading, Span


def _blocks(text: str, headings: tuple[Heading, ...] | None = None) -> list[tuple[str, int | None]]:
    blocks = split_blocks(Reading(text, "text/plain", headings=headings), lambda: None)
    return [(block.span.slice(text), block.level) for block in blocks]


def _levels(text: str, headings: tuple[Heading, ...] | None = None) -> list[int | None]:
    return [level for _, level in _blocks(text, headings)]


def test_blank_lines_and_page_breaks_separate_blocks() -> None:
    blocks = _blocks("It rained.\nAll day.\n \nIt stopped.\fThe sun came out.")
    assert [text for text, _ in blocks] == ["It rained.\nAll day.", "It stopped.", "The sun came out."]


def test_every_line_is_a_block_where_lines_are_too_long_to_be_wrapped() -> None:
    long = "word " * 40 + "end."
    assert _blocks(f"Short.\n{long}") == [("Short.", None), (long, None)]
    assert _blocks("Short.\nShort.") == [("Short.\nShort.", None)]


def test_marked_headings_replace_guessed_ones() -> None:
    text = "Trade\n\nIt grew.\n\nCulture\n\nThey danced."
    assert _levels(text) == [1, None, 1, None]
    start = text.index("Culture")
    assert _levels(text, (Heading(Span(start, start + 7), 3),)) == [None, None, 3, None]


def test_a_row_of_headings_is_a_list_and_a_last_heading_a_paragraph() -> None:
    assert _levels("A\n\nB\n\nC\n\nIt is.") == [1, 1, 1, None]
    assert _levels("A\n\nB\n\nC\n\nD\n\nIt is.") == [None] * 5
    assert _levels("A\n\nIt is.\n\nB") == [1, None, None]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5, unique=True).map(sorted))
def test_a_block_is_on_the_page_where_it_begins(starts: list[int]) -> None:
    text = "abcdefghij" * 3
    pages = tuple(Span(start, start) for start in starts)
    for block in split_blocks(Reading(text, "application/pdf", pages=pages), lambda: None):
        assert block.page == max(1, sum(start <= block.span.start for start in starts))
        assert not any(block.span.start < start < block.span.end for start in starts)


def test_a_fragment_is_shorter_than_a_passage() -> None:
    text = "x" * 1_000
    assert Block(Span(7, 6 + FRAGMENT_LENGTH)).is_fragment(text)
    assert not Block(Span(7, 7 + FRAGMENT_LENGTH)).is_fragment(text)


@pytest.mark.parametrize("letter", ["米", "あ", "ア", "쌀"])
def test_a_paragraph_of_wide_characters_is_no_fragment_though_it_has_fewer(letter: str) -> None:
    assert not Block(Span(0, 84)).is_fragment(letter * 84)
    assert Block(Span(0, 83)).is_fragment(letter * 83)


def test_a_table_is_no_fragment() -> None:
    assert not Block(Span(0, 3), rows=(Span(0, 3),)).is_fragment("1 2")


def test_lines_of_wide_characters_are_wrapped_at_fewer() -> None:
    short, long = "米在港口出售。" * 7, "米在港口出售。" * 8
    assert _blocks(f"{short}\n{short}") == [(f"{short}\n{short}", None)]
    assert _blocks(f"{short}\n{long}") == [(short, None), (long, None)]
