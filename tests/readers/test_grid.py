"""Tables keep their grid."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa.readers.extract import Block, assemble
from qa.readers.grid import Cell, Grid, lay_out

CELLS = st.builds(Cell, st.text("ab|", max_size=3), st.integers(1, 3), st.integers(1, 3))
TABLES = st.lists(st.lists(CELLS, max_size=4), max_size=5)


@given(TABLES, st.integers(0, 2))
def test_all_rows_have_one_length_and_every_text_once(rows, header_rows):
    grid = lay_out(rows, header_rows=header_rows)
    assert len({len(row) for row in grid.rows}) <= 1
    texts = sorted(cell.text for row in rows for cell in row if cell.text)
    assert sorted(text for row in grid.rows for text in row if text) == texts


def test_empty_and_merged_cells_keep_their_places():
    grid = lay_out(
        [
            [Cell("Port"), Cell("1900"), Cell("1950")],
            [Cell("Stromness"), Cell(""), Cell("12")],
            [Cell("Kirkwall", rows=2), Cell("3"), Cell("4")],
            [Cell("5"), Cell("6")],
        ],
        header_rows=1,
    )
    assert grid.text.split("\n") == [
        "Port | 1900 | 1950",
        "Stromness |  | 12",
        "Kirkwall | 3 | 4",
        " | 5 | 6",
    ]
    assert grid.header_rows == 1


def test_empty_rows_and_columns_are_left_out():
    grid = lay_out(
        [[Cell("")], [Cell("a"), Cell(""), Cell("b")], [Cell("c"), Cell(""), Cell("")]], header_rows=2
    )
    assert grid == Grid((("a", "b"), ("c", "")), 1)


@given(TABLES.map(lay_out), st.text("xy", max_size=3))
def test_a_table_is_where_its_rows_are(grid, before):
    text, _, tables = assemble([Block(before), Grid(grid.rows, min(1, len(grid.rows)))])
    if not grid.rows:
        assert tables == ()
        return
    (table,) = tables
    assert table.header is not None
    lines = [table.header.slice(text), *(row.slice(text) for row in table.rows)]
    assert "\n".join(lines) == grid.text


def test_a_cell_that_covers_very_much_costs_little():
    grid = lay_out([[Cell("a", rows=10**9, columns=1000)] * 1000, [Cell("b")]])
    assert grid.rows[1][-1] == "b"
