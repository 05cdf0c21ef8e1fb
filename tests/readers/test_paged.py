"""Pages as one text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qa.readers.extract import Block
from qa.readers.grid import Grid
from qa.readers.paged import assemble_pages, join_pages


@given(st.lists(st.text("ab", max_size=3)))
def test_each_page_is_where_its_span_is(pages):
    text, spans = join_pages(pages)
    assert [span.slice(text) for span in spans] == pages
    assert text == "\n\n".join(filter(None, pages))


def test_headings_and_tables_are_where_their_page_is():
    table = Grid((("Port", "Berths"), ("Leith", "12")), header_rows=1)
    (text, headings, tables), pages = assemble_pages([[Block("One", 1)], [], [Block("Two", 1), table]])
    assert [page.slice(text) for page in pages] == ["One", "", f"Two\n\n{table.text}"]
    assert [heading.span.slice(text) for heading in headings] == ["One", "Two"]
    (placed,) = tables
    assert placed.header is not None
    assert placed.header.slice(text) == "Port | Berths"
    assert [row.slice(text) for row in placed.rows] == ["Leith | 12"]
