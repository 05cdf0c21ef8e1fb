"""Tables of pages."""

from __future__ import annotations

import pytest

from readers.samples import one

TIDE = "<table><tr><td>Low</td><td>3</td></tr><tr><td>High</td><td>5</td></tr></table>"

TWO_ROWS = "<tr><th rowspan=2>Port<th colspan=2>Boats<tr><th>1900<th>1950"


def _read(table: str):
    return one("a.html", f"<html><body><p>A first paragraph of the page.</p>{table}</body></html>")


def _table(table: str) -> str:
    reading = _read(table)
    assert len(reading.tables) == 1
    return reading.text.partition("\n\n")[2]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("<tr><th>Port<th>Now<th>Then<tr><td>Wick<td><td>7", "Port | Now | Then\nWick |  | 7"),
        (
            f"<thead>{TWO_ROWS}<tbody><tr><td>Wick<td><td>7<tr><td colspan=2>Nairn<td>3",
            "Port | Boats | \n | 1900 | 1950\nWick |  | 7\nNairn |  | 3",
        ),
        ("<tr><th>Port<th>N<tr><td rowspan=0>Wick<td>1<tr><td>2", "Port | N\nWick | 1\n | 2"),
        ("<tr><th>Port<th>N<tr><td colspan=0>Wick<td rowspan=9999999999>1", "Port | N\nWick | 1"),
        ("<tr><th>Port<th>N<tfoot><tr><td>Sum<td>7<tbody><tr><td>Wick<td>7", "Port | N\nWick | 7\nSum | 7"),
        ("<tr><th>Port<th>Free<tr><td>Wick<td><img src=x alt=Yes>", "Port | Free\nWick | Yes"),
        ("<tr><th>Port<th>Goods<tr><td>Wick<td><ul><li>Coal<li>Fish</ul>", "Port | Goods\nWick | Coal Fish"),
        ("<tr><th>Port<th>N<tr><td><h3>Wick</h3><td>7", "Port | N\nWick | 7"),
        (f"<tr><th>Port<th>Note<tr><td>Wick<td>{'word ' * 90}", f"Port | Note\nWick | {'word ' * 89}word"),
    ],
)
def test_cells_keep_their_places(rows, text):
    assert _table(f"<table>{rows}</table>") == text


@pytest.mark.parametrize("cells", [("th", "th"), ("td", "td")])
def test_a_table_in_a_cell_stands_once_in_it(cells):
    header = "".join(f"<{name}>{text}</{name}>" for name, text in zip(cells, ("Port", "Tide"), strict=True))
    text = _table(f"<table><tr>{header}</tr><tr><td>Wick</td><td>Now: {TIDE}</td></tr></table>")
    assert text == "Port | Tide\nWick | Now: Low 3; High 5"


def test_tables_inside_a_layout_are_tables():
    for layout in (f"<tr><td>{TIDE}</td></tr>", f"<tr><td><p>Menu</p></td><td>{TIDE}</td></tr>"):
        reading = _read(f"<table>{layout}</table>")
        assert reading.text.endswith("\n\nLow | 3\nHigh | 5")
        assert len(reading.tables) == 1
    assert not _read(f"<table role=presentation>{TIDE.removeprefix('<table>')}").tables


def test_tables_made_of_other_elements():
    cells = "<div role=row><span role={0}>{1}</span><span role={0}>{2}</span></div>"
    rows = cells.format("columnheader", "Port", "Boats") + cells.format("cell", "Wick", "7")
    assert _table(f"<div role=table><div role=rowgroup>{rows}</div></div>") == "Port | Boats\nWick | 7"


def test_which_rows_name_columns():
    reading = _read(
        "<table><tr><td></td><th scope=col>1900</th></tr><tr><th scope=row>Wick</th><td>7</td></tr></table>"
        "<table><tr><th scope=row>Length</th><td>12</td></tr></table>"
    )
    headers = [table.header.slice(reading.text) if table.header else None for table in reading.tables]
    assert headers == [" | 1900", None]
