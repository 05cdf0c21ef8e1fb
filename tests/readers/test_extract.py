"""Blocks and the text that they make."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa.readers.extract import Block, assemble, join_in_cell, mark_first, one_line, printable
from qa.readers.grid import Grid

BLOCKS = st.lists(
    st.builds(Block, st.text("ab ", min_size=1, max_size=9), st.none() | st.integers(1, 6), st.booleans())
)


@given(BLOCKS)
def test_headings_are_where_their_text_is(blocks: list[Block]) -> None:
    text, headings, _ = assemble(iter(blocks))
    marked = [(block.text, block.level) for block in blocks if block.level is not None]
    assert [(heading.span.slice(text), heading.level) for heading in headings] == marked


@given(BLOCKS)
def test_blocks_are_separated_by_blank_lines_unless_tight(blocks: list[Block]) -> None:
    text, _, _ = assemble(blocks)
    expected = "".join(("\n" if block.tight else "\n\n") + block.text for block in blocks)
    assert text == expected.removeprefix("\n").removeprefix("\n")


@given(st.text(st.characters(codec=None)))
def test_printable_text_has_as_many_characters_and_can_be_encoded(text: str) -> None:
    clean = printable(text)
    clean.encode()
    assert len(clean) == len(text)
    for before, after in zip(text, clean, strict=True):
        control = (before < " " and before not in "\t\n\r") or "\x7f" <= before <= "\x9f"
        assert after == (" " if control else "\ufffd" if "\ud800" <= before <= "\udfff" else before)


def test_one_line_drops_soft_hyphens_and_line_ends() -> None:
    assert one_line(" ex\u00adam\n\tple \x00 \u00a0 two ") == "exam ple two"


def test_only_the_first_paragraph_is_marked() -> None:
    table = Grid((("a", "b"),))
    marked = mark_first([Block(""), table, Block("One", tight=True), Block("Two")], "1.", tight=True)
    assert list(marked) == [Block(""), table, Block("1. One", tight=True), Block("Two")]


def test_a_cell_is_one_line_whatever_it_holds() -> None:
    assert join_in_cell([Block("Fees"), Grid((("a", ""), ("b", "c")))]) == "Fees a; b c"
