import time

import pytest

from qa.errors import ReadError
from readers.samples import make_pdf, one

PARAGRAPHS = """
The two countries have long been partners, and trade between them has grown in each of the last ten years,
according to the ministry, which published its figures on the first day of the month.

Students travel between them. Some twenty-five universities take part, and the number of places that they
offer to foreign students has been growing since the agreement was signed by both in the capital.

A short one.

The last of the paragraphs speaks of culture: of films, of books and of the dance that visitors admire when
they come to see the temples, the river and the old town with its markets and its quiet streets.
"""
PARAGRAPHS = [" ".join(paragraph.split()) for paragraph in PARAGRAPHS.split("\n\n")]


def build(*, columns=1, repeat=1, encrypt=None, **style):
    import io

    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

    buffer = io.BytesIO()
    width = 480 / columns
    frames = [Frame(50 + index * (width + 20), 50, width, 700) for index in range(columns)]
    document = BaseDocTemplate(buffer, encrypt=encrypt)
    document.addPageTemplates(PageTemplate(frames=frames))
    body = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=12, **style)
    title = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=18, leading=22)
    document.build(
        [Paragraph("The title", title), *(Paragraph(text, body) for text in PARAGRAPHS * repeat)],
    )
    return buffer.getvalue()


@pytest.mark.parametrize(
    "style",
    [
        {"spaceAfter": 8},
        {"firstLineIndent": 18},
        {"firstLineIndent": 18, "alignment": 4},
        {"spaceAfter": 6, "alignment": 4},
        {"columns": 2, "firstLineIndent": 12, "alignment": 4, "repeat": 4},
    ],
)
def test_paragraphs_are_rebuilt(style):
    repeat = style.get("repeat", 1)
    reading = one("a.pdf", build(**style))
    assert reading.text.split("\n\n") == ["The title", *PARAGRAPHS * repeat]


def test_pages_have_spans_and_empty_ones_a_note():
    reading = one("a.pdf", make_pdf([(72, 700, "First page.")], [], [(72, 700, "Third page.")]))
    assert [page.slice(reading.text) for page in reading.pages] == ["First page.", "", "Third page."]
    assert reading.text == "First page.\n\nThird page."
    assert reading.notes == ("page 2 has no text",)
    assert reading.headings is None


def test_many_empty_pages_make_few_notes():
    reading = one("a.pdf", make_pdf([(72, 700, "First page.")], *[[]] * 30))
    assert len(reading.notes) == 11
    assert reading.notes[-1] == "20 more pages have no text"


def test_pages_cover_the_text_in_order():
    reading = one("a.pdf", build(repeat=40, spaceAfter=8))
    ends = 0
    for page in reading.pages:
        assert reading.text[ends : page.start] in {"", "\n\n"}
        ends = page.end
    assert ends == len(reading.text)
    assert len(reading.pages) > 3


def test_divided_words():
    lines = [
        "This is an inter-",
        "national affair, well-",
        "known to the Russia-",
        "ASEAN partners in 2019-",
        "2020, a well-known one.",
    ]
    reading = one("a.pdf", make_pdf([(72, 700 - 14 * row, line) for row, line in enumerate(lines)]))
    assert reading.text == (
        "This is an international affair, well-known to the Russia-ASEAN partners in 2019-2020, "
        "a well-known one."
    )


def test_lines_ended_on_purpose_stay_apart():
    lines = [
        (72, 700, "Heading"),
        (72, 686, "A sentence that goes on for quite some way to the margin"),
        (72, 672, "and ends."),
    ]
    assert one("a.pdf", make_pdf(lines)).text == f"Heading\n\n{lines[1][2]} and ends."


def test_cells_of_a_row_are_one_line():
    rows = [("Year", "Trade"), ("2018", "54"), ("2019", "60")]
    page = [
        (x, 700 - 20 * row, text)
        for row, cells in enumerate(rows)
        for x, text in zip((72, 400), cells, strict=True)
    ]
    assert one("a.pdf", make_pdf(page)).text == "Year | Trade\n2018 | 54\n2019 | 60"


def test_metadata_but_neither_dates_nor_what_programs_fill_in():
    page = [(72, 700, "Text.")]
    found = one("a_b.pdf", make_pdf(page, title="A title", author="Ann", lang="en-GB")).metadata
    assert (found.title, found.author, found.published) == ("A title", "Ann", None)
    for title in ("Microsoft Word - report.doc", "untitled", "report.docx", "Untitled Document", "Document1"):
        found = one("a_b.pdf", make_pdf(page, title=title)).metadata
        assert (found.title, found.found) == ("a b", {"title": "filename"})


def test_a_scan_is_an_error_that_says_so():
    with pytest.raises(ReadError, match="likely a scan"):
        one("a.pdf", make_pdf([], []))


def test_a_password_is_an_error_that_says_so():
    from reportlab.lib.pdfencrypt import StandardEncryption

    with pytest.raises(ReadError, match="needs a password"):
        one("a.pdf", build(encrypt=StandardEncryption("secret")))


def test_long_documents_are_read_fast():
    data = build(repeat=300, spaceAfter=4)
    started = time.process_time()
    pages = one("a.pdf", data).pages
    assert (time.process_time() - started) / len(pages) < 0.1
