"""Rows of a table on the page: the cells of a passage, marked over the same offsets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa.readers.grid import Cell, lay_out
from qa.types import Document, Metadata, Passage, Span
from qa.web.pages.table_view import has_rows, table_rows
from qa.web.pages.viewer import Mark, Piece

DOCUMENT = Document("0" * 16, "a.txt", "text/plain", "f" * 64, Metadata(), 80, 1)
HEADER = "Port |  | Tons"
TEXT = "Leith | 12 | \nOban |  | 7\\|8"


def _passage(text: str, header: str | None) -> Passage:
    span = Span(100, 100 + len(text))
    return Passage("d:1-2", DOCUMENT, span, text, (span,), header=header)


def test_rows_have_a_cell_for_each_column() -> None:
    header, rows = table_rows(_passage(TEXT, HEADER), ())
    assert _texts(header) == [["Port", "", "Tons"]]
    assert _texts(rows) == [["Leith", "12", ""], ["Oban", "", "7|8"]]


def test_the_cells_of_the_best_row_are_marked() -> None:
    start = 100 + TEXT.index("Oban")
    _, (first, second) = table_rows(_passage(TEXT, HEADER), [Mark(Span(start, 100 + len(TEXT)), "sentence")])
    assert first == ((Piece("Leith"),), (Piece("12"),), (Piece(""),))
    assert second == ((Piece("Oban", "sentence"),), (Piece(""),), (Piece("7|8", "sentence"),))


def test_lines_are_kept_where_rows_follow_other_text() -> None:
    assert has_rows("The ports:\nLeith | 12")
    assert not has_rows("The ports\nof Leith")
    assert not has_rows("Leith | 12")


def test_what_is_no_rows_below_a_header_is_no_table() -> None:
    assert table_rows(_passage(TEXT, None), ()) == ((), ())


@given(st.lists(st.lists(st.text("ab|\\ ", max_size=4), min_size=2, max_size=2), min_size=2, max_size=4))
def test_every_letter_of_a_grid_is_shown(cells: list[list[str]]) -> None:
    grid = lay_out([[Cell(text) for text in row] for row in cells], header_rows=1)
    header, _, text = grid.text.partition("\n")
    if text.strip():
        shown = "".join(
            piece.text for row in table_rows(_passage(text, header), ())[1] for cell in row for piece in cell
        )
        assert [letter for letter in shown if letter in "ab"] == [letter for letter in text if letter in "ab"]


def _texts(rows: object) -> list[list[str]]:
    return [["".join(piece.text for piece in cell) for cell in row] for row in rows]
