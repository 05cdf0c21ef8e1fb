"""Kinds of PDFs that people have: accents, notes, forms, right-to-left lines, running lines, tables."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qa.readers.pdf import bidi, extraction, pdfium
from qa.readers.pdf.credits import author_by_hand, title_by_hand
from qa.readers.pdf.page_lines import count_letters
from qa.readers.recognition_options import OFF, RecognitionOptions, using
from readers.samples import headings, make_pdf, one

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def draw(paint: Callable[[Any], None]) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    paint(canvas)
    canvas.save()
    return buffer.getvalue()


def in_row(canvas: Any, y: float, *pieces: tuple[str, float, float]) -> None:
    """Draw pieces of text after each other, each with its size and rise."""
    x = 72.0
    for text, size, rise in pieces:
        canvas.setFont("Helvetica", size)
        canvas.drawString(x, y + rise, text)
        x += canvas.stringWidth(text, "Helvetica", size)


def accented(canvas: Any, x: float, base: str, accent: str, *, first: bool, rise: float = 0) -> float:
    """Draw an accent over a letter as TeX does, and return where the letter ends."""
    width, over = (canvas.stringWidth(sign, "Times-Roman", 12) for sign in (base, accent))
    signs = [(x + (width - over) / 2, 700 + rise, accent), (x, 700, base)]
    for left, y, sign in signs if first else reversed(signs):
        canvas.drawString(left, y, sign)
    return x + width


def same_letters(data: bytes) -> None:
    """Check that every letter of the text has a place on its page."""
    reading = one("a.pdf", data)
    with pdfium.open_document(data) as document:
        for index, page in enumerate(reading.pages):
            places = list(extraction.letter_places(document, index))
            assert len(places) == count_letters(page.slice(reading.text))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("rise", [0, 3])
@pytest.mark.parametrize(
    ("base", "accent", "composed"),
    [("o", "¨", "ö"), ("E", "´", "É"), ("c", "¸", "ç"), ("n", "˜", "ñ"), ("u", "ˆ", "û"), ("e", "`", "è")],
)
def test_an_accent_joins_its_letter(base: str, accent: str, composed: str, rise: int, *, first: bool) -> None:
    def paint(canvas: Any) -> None:
        canvas.setFont("Times-Roman", 12)
        canvas.drawString(72, 700, "Mar")
        x = 72 + canvas.stringWidth("Mar", "Times-Roman", 12)
        x = accented(canvas, x, base, accent, first=first, rise=rise)
        canvas.drawString(x, 700, "ta said so.")

    data = draw(paint)
    assert one("a.pdf", data).text == f"Mar{composed}ta said so."
    same_letters(data)


def test_marks_of_notes_stay_apart_and_powers_are_powers() -> None:
    def paint(canvas: Any) -> None:
        in_row(
            canvas, 760, ("It opened in 1907", 12, 0), ("3", 7, 5), (" and cost 64,000", 12, 0), ("12", 7, 5)
        )
        in_row(canvas, 740, ("or 10", 12, 0), ("6", 7, 5), (" per m", 12, 0), ("2", 7, 5), (" here.", 12, 0))
        in_row(canvas, 720, ("The 4", 12, 0), ("th", 7, 5), (" pier", 12, 0), ("*", 7, 5), (" held.", 12, 0))

    data = draw(paint)
    text = " ".join(one("a.pdf", data).text.split())
    assert text == "It opened in 1907 ³ and cost 64,000 ¹² or 10⁶ per m² here. The 4th pier * held."
    same_letters(data)


def test_spaced_letters_of_a_heading_are_words() -> None:
    data = make_pdf([(72, 700, "C H A P T E R   T W O"), (72, 660, "The lock was rebuilt.")])
    assert one("a.pdf", data).text.startswith("CHAPTER TWO")


PROSE = [
    "The canal was dug through clay and gravel by four hun-",
    "dred men in the spring of the year, and the well-known",
    "engineer lived beside it in a light-",
    "keeper's cottage until the last of the gates was hung.",
    "Nobody paid a toll in the first year, and the well-known",
    "boats of the company were towed by horses.",
]


@pytest.mark.parametrize("step", [12, 15, 20, 24, 30])
def test_lines_make_one_paragraph_however_they_are_spaced(step: int) -> None:
    notes = ["1 A note in lines that are close to", "each other and below all else."]
    lines = [(72, 760 - step * row, line, 11) for row, line in enumerate(PROSE)]
    foot = 760 - step * len(PROSE) - 40
    lines += [(72, foot - 10 * row, line, 8) for row, line in enumerate(notes)]
    reading = one("a.pdf", make_pdf(lines))
    assert reading.text.split("\n\n") == [
        " ".join(PROSE).replace("hun- dred", "hundred").replace("light- keeper", "lightkeeper"),
        " ".join(notes),
    ]


def test_what_is_typed_into_a_form_is_read_beside_its_label() -> None:
    def paint(canvas: Any) -> None:
        form = canvas.acroForm
        canvas.drawString(72, 700, "Owner:")
        form.textfield(name="o", value="Gannet Line", x=200, y=694, width=200, height=20)
        canvas.drawString(100, 670, "Insured")
        form.checkbox(name="i", checked=True, x=72, y=666, size=16)
        canvas.drawString(100, 640, "Leased")
        form.checkbox(name="l", checked=False, x=72, y=636, size=16)
        canvas.drawString(72, 610, "Berth:")
        form.choice(name="b", value="South", options=["North", "South"], x=200, y=604, width=90, height=20)
        canvas.drawString(72, 580, "Signed and sealed.")

    data = draw(paint)
    assert one("a.pdf", data).text.split("\n\n") == [
        "Owner: Gannet Line",
        "☒ Insured",
        "☐ Leased",
        "Berth: South",
        "Signed and sealed.",
    ]
    same_letters(data)


def test_notes_are_read_after_the_page() -> None:
    def paint(canvas: Any) -> None:
        canvas.drawString(72, 700, "The keel is sound.")
        canvas.textAnnotation("Ask the surveyor", (400, 700, 420, 720))

    assert one("a.pdf", draw(paint)).text == "The keel is sound.\n\nAsk the surveyor"


def test_running_lines_and_page_numbers_leave_the_text() -> None:
    pages = [
        [
            (72, 800, f"Yearly report {'of the port' if number % 2 else 'for 1931'}"),
            (72, 700, f"{word} was counted on the quay, and {number + 60} of it was sold."),
            (300, 40, str(number)),
        ]
        for number, word in enumerate(["Rye", "Salt", "Coal", "Tar", "Hemp", "Oak", "Tin", "Wool"], start=7)
    ]
    data = make_pdf(*pages)
    reading = one("a.pdf", data)
    assert "Yearly report" not in reading.text
    assert [page.slice(reading.text) for page in reading.pages] == [page[1][2] for page in pages]
    same_letters(data)


def test_rows_that_only_look_alike_stay() -> None:
    pages = [
        [(72, 800 - 14 * row, f"{page * 53 + row * 7} crates") for row in range(50)] for page in range(6)
    ]
    reading = one("a.pdf", make_pdf(*pages))
    assert reading.text.count("crates") == 300


def test_empty_cells_keep_their_places_and_the_header_is_known() -> None:
    rows = [("Port", "Ships", "Tons"), ("Leith", "12", ""), ("Oban", "", "7"), ("Wick", "3", "44")]
    page = [
        (x, 700 - 14 * row, text)
        for row, cells in enumerate(rows)
        for x, text in zip((72, 250, 400), cells, strict=True)
        if text
    ]
    data = make_pdf(page)
    reading = one("a.pdf", data)
    assert reading.text == "Port | Ships | Tons\nLeith | 12 | \nOban |  | 7\nWick | 3 | 44"
    [table] = reading.tables
    assert table.header is not None
    assert table.header.slice(reading.text) == "Port | Ships | Tons"
    assert [row.slice(reading.text) for row in table.rows] == reading.text.split("\n")[1:]
    same_letters(data)


def test_the_title_of_a_form_is_not_the_office_s() -> None:
    page = [(72, 780, "UNITED STATES", 18), (72, 755, "SECURITIES AND EXCHANGE COMMISSION", 18)]
    page += [(72, 730, "FORM 10-K", 18), (72, 700, "_________", 18), (72, 670, "____ GANNET LINE, INC.", 16)]
    page += [
        (72, 640 - 14 * row, "The company owns ships and lets them to others for a fee.", 10)
        for row in range(9)
    ]
    reading = one("a.pdf", make_pdf(page, title="0001018724-18-000005"))
    assert (reading.metadata.title, reading.metadata.found["title"]) == ("GANNET LINE, INC.", "text")
    assert not any(re.search("SECURITIES|FORM", name) for _, name in headings(reading))


def test_signs_of_currency_stay_with_their_numbers() -> None:
    page = [(72, 700, "Income"), (300, 700, "$"), (340, 700, "12"), (440, 700, "$"), (480, 700, "15")]
    page += [(72, 686, "Tolls"), (335, 686, "7,500"), (475, 686, "8,100")]
    assert one("a.pdf", make_pdf(page)).text == "Income | $12 | $15\nTolls | 7,500 | 8,100"


def test_headings_are_larger_or_bold() -> None:
    def paint(canvas: Any) -> None:
        for y, font, size, text in [
            (780, "Helvetica-Bold", 20, "The ropewalk"),
            (740, "Helvetica-Bold", 11, "Hemp"),
            (720, "Helvetica", 11, "Hemp came by sea and was spun on the long walk behind the church."),
            (680, "Helvetica-Bold", 11, "Tar"),
            (660, "Helvetica", 11, "Tar came from the north in barrels and was boiled in the yard."),
        ]:
            canvas.setFont(font, size)
            canvas.drawString(72, y, text)

    reading = one("a.pdf", draw(paint))
    assert headings(reading) == [(1, "The ropewalk"), (2, "Hemp"), (2, "Tar")]
    assert (reading.metadata.title, reading.metadata.found["title"]) == ("The ropewalk", "text")


@pytest.mark.parametrize(
    "title", ["0001018724-18-000005", "untitled", "report.indd", "12345", "C:\\x\\y.doc", "Slide 1"]
)
def test_a_machine_s_title_is_none(title: str) -> None:
    assert title_by_hand(title) is None


def test_titles_and_authors_of_people_are_kept() -> None:
    assert title_by_hand("Form 8-K for a port") == "Form 8-K for a port"
    assert author_by_hand("Maria Rootes") == "Maria Rootes"
    assert author_by_hand("EDGAR Online, a division of Donnelley") is None
    assert author_by_hand("Workiva") is None


@pytest.mark.parametrize(
    ("logical", "drawn"),
    [
        ("שנת 1907 טובה", "הבוט 1907 תנש"),
        ("שעה 9:30 בערב", "ברעב 9:30 העש"),
        ("נמל (קטן) Leith Ltd. כאן", "ןאכ .Leith Ltd (ןטק) למנ"),
        ("12.5% מהסך", "ךסהמ 12.5%"),
    ],
)
def test_lines_from_right_to_left_are_put_in_order(logical: str, drawn: str) -> None:
    ordered = bidi.logical_order(drawn, str, right_to_left=True)
    assert "".join(bidi.mirror(sign) if turned else sign for sign, turned in ordered) == logical


def test_a_word_from_right_to_left_within_a_line_from_left_to_right() -> None:
    ordered = bidi.logical_order("The word םולש is old.", str, right_to_left=False)
    assert "".join(sign for sign, _ in ordered) == "The word שלום is old."


@pytest.mark.skipif(not DEJAVU.exists(), reason="takes a font with Hebrew and Arabic")
def test_a_page_from_right_to_left_and_its_places() -> None:
    def paint(canvas: Any) -> None:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont

        pdfmetrics.registerFont(TTFont("DejaVuSans", str(DEJAVU)))
        canvas.setFont("DejaVuSans", 12)
        canvas.drawRightString(500, 700, ".1,250 ןופצב 1907 תנשב הנבנ למנה")
        canvas.drawRightString(500, 684, "בלח ﻢﻟﺎﻋ")

    data = draw(paint)
    assert one("a.pdf", data).text.split() == [
        "הנמל",
        "נבנה",
        "בשנת",
        "1907",
        "בצפון",
        "1,250.",
        "عالم",
        "חלב",
    ]
    same_letters(data)
    with pdfium.open_document(data) as document:
        places = list(extraction.letter_places(document, 0))
    assert places[0].left > places[1].left > places[4].left


def undecodable_page() -> bytes:
    stream = b"BT /F1 12 Tf 72 760 Td <0708090A0B0C0D0E0F101112131415161718> Tj ET "
    stream += b"BT /F2 12 Tf 72 40 Td (Sheet 4) Tj ET"
    fonts = b"/F1 5 0 R/F2 6 0 R"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<<%s>>>>>>" % fonts,
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[.1 0 0 .1 0 0]/FirstChar 0/LastChar 31"
        b"/CharProcs<</a 7 0 R>>/Encoding<</Type/Encoding/Differences[0" + b"/a" * 32 + b"]>>"
        b"/Widths[" + b"6 " * 32 + b"]>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Length 18>>stream\n6 0 d0 0 0 5 5 re f\nendstream",
    ]
    body = b"%PDF-1.4\n"
    for number, content in enumerate(objects, start=1):
        body += b"%d 0 obj%sendobj\n" % (number, content)
    return body + b"trailer<</Root 1 0 R/Size 8>>\n%%EOF"


def test_a_page_that_cannot_be_decoded_is_noted() -> None:
    with using(RecognitionOptions(OFF)):
        reading = one("a.pdf", undecodable_page())
    assert reading.text == "Sheet 4"
    assert reading.notes == (
        "page 1 cannot be decoded: the file does not say which letters it draws",
        "page 1 is treated as a scan, and not recognised: the recognition of text is off (ocr)",
    )
