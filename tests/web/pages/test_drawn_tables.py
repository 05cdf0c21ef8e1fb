"""Tables of PDFs, Word, HTML and spreadsheets, as their readers leave them and the page draws them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import pytest
from readers.samples import make_docx, make_xlsx, one

from qa.types import Reading, Span
from qa.web.pages.text_layout import lay_out
from web.pages.test_text_layout import cells

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")

Grid = Sequence[Sequence[str]]

GRIDS: dict[str, Grid] = {
    "trade": [
        ["Year", "Turnover", "Growth"],
        ["2016", "133.1", "12.4%"],
        ["2017", "148.6", "11.6%"],
        ["2018", "180.5", "21.5%"],
        ["2019", "213.4", "18.2%"],
    ],
    "ports": [
        ["Port", "Berths", "Opened", "Owner"],
        ["Leith", "12", "1806", "Forth Ports"],
        ["Oban", "3", "1814", "The council"],
        ["Wick", "5", "1810", "A trust"],
    ],
    "empty": [
        ["Crop", "First harvest", "Second harvest"],
        ["Rice", "5,120", "4,870"],
        ["Maize", "1,300", ""],
        ["Cassava", "", "9,450"],
        ["Rubber", "770", "815"],
    ],
    "words": [
        ["Field", "What was agreed"],
        ["Economy", "Trade and investment"],
        ["Knowledge", "Science and technology"],
        ["Society", "Education and culture"],
        ["Security", "Defence and security"],
    ],
    "russian": [
        ["Год", "Оборот", "Рост"],
        ["2016", "133,1", "12,4 %"],
        ["2017", "148,6", "11,6 %"],
        ["2018", "180,5", "21,5 %"],
    ],
}
BEFORE = "The table below was made for this report by the people who wrote it, and shows what they counted."
AFTER = "After the table the report goes on, in a paragraph of its own, with what follows from the numbers."


def pdf(grid: Grid) -> bytes:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

    if not DEJAVU.exists():
        pytest.skip(f"no {DEJAVU} here")
    pdfmetrics.registerFont(TTFont("Letters", DEJAVU))
    style = ParagraphStyle("body", fontName="Letters", fontSize=10, leading=13)
    buffer = io.BytesIO()
    table = Table(
        [list(row) for row in grid],
        colWidths=[120] * len(grid[0]),
        style=[("FONTNAME", (0, 0), (-1, -1), "Letters")],
    )
    parts = [Paragraph(BEFORE, style), Spacer(0, 20), table, Spacer(0, 20), Paragraph(AFTER, style)]
    SimpleDocTemplate(buffer).build(parts)
    return buffer.getvalue()


def docx(grid: Grid) -> bytes:
    def build(document: object) -> None:
        document.add_paragraph(BEFORE)
        table = document.add_table(rows=len(grid), cols=len(grid[0]))
        for row, texts in zip(table.rows, grid, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
        document.add_paragraph(AFTER)

    return make_docx(build)


def html(grid: Grid) -> bytes:
    rows = [
        "".join(f"<{tag}>{escape(text)}</{tag}>" for text in row)
        for tag, row in [("th", grid[0]), *(("td", row) for row in grid[1:])]
    ]
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<meta charset=utf-8><p>{BEFORE}</p><table>{table}</table><p>{AFTER}</p>".encode()


def xlsx(grid: Grid) -> bytes:
    return make_xlsx(Sheet=[list(row) for row in grid])


WRITERS: dict[str, Callable[[Grid], bytes]] = {"pdf": pdf, "docx": docx, "html": html, "xlsx": xlsx}


def header_of(reading: Reading) -> Callable[[int], str | None]:
    """Return what the index has of a table's header: by the offset of one of its rows."""

    def header_at(offset: int) -> str | None:
        for table in reading.tables:
            if table.header and any(row.start <= offset < max(row.end, row.start + 1) for row in table.rows):
                return table.header.slice(reading.text)
        return None

    return header_at


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("kind", WRITERS)
def test_a_table_is_drawn_with_its_rows_and_columns(kind: str, name: str) -> None:
    grid = GRIDS[name]
    reading = one(f"table.{kind}", WRITERS[kind](grid))
    text = reading.text
    whole = Span(0, len(text))
    blocks = list(lay_out(text, whole, reading.headings or (), reading.media_type, header_of(reading)))
    [table] = [block for block in blocks if block.kind == "table"]
    assert cells(table) == [list(row) for row in grid]
    assert table.header_rows == (reading.tables[0].header is not None)
    assert table.header_rows or name == "words"  # nothing in those cells tells the first row from the others
