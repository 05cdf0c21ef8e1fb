from __future__ import annotations

import random
from io import BytesIO

import pytest
from PIL import Image

from qa.errors import NotFoundError, ReadError, RenderingError
from qa.readers import read
from qa.readers.pdf import extraction, pdfium
from qa.readers.pdf.page_lines import count_letters
from qa.readers.pdf.rendering import sheet
from qa.readers.pdf.rendering.renderer import letters_on_page
from qa.types import Span
from readers.pdf.rendering.pdf_samples import picture_pdf
from readers.samples import make_pdf

WORDS = [
    "the",
    "office",
    "of",
    "five",
    "first",
    "findings",
    "had",
    "a",
    "well-known",
    "ﬁne",
    "table,",
    "12%",
    "of",
    "it;",
    "naïve",
    "façade",
    "3,5",
]
HEIGHT, WIDTH = 841.89, 595.28


def reading_of(data: bytes):
    (reading,) = read("a.pdf", data)
    return reading


def locate(data: bytes, span: Span, page: int) -> sheet.Sheet:
    reading = reading_of(data)
    letters = letters_on_page(reading.text, reading.pages[page - 1].start, span)
    return sheet.locate(BytesIO(data), page, letters)


def test_the_letters_of_the_pages_are_those_of_the_text() -> None:
    chance = random.Random(5)
    for _ in range(20):
        drawn = [
            [
                (72, 760 - 15 * line, " ".join(chance.choices(WORDS, k=9)) + chance.choice(["", "-", "."]))
                for line in range(20)
            ]
            for _ in range(3)
        ]
        data = make_pdf(*drawn, [])
        reading = reading_of(data)
        with pdfium.open_document(data) as document:
            for index, page in enumerate(reading.pages):
                places = extraction.letter_places(document, index)
                assert sum(1 for _ in places) == count_letters(page.slice(reading.text))


def test_a_span_is_marked_where_it_was_drawn() -> None:
    data = make_pdf(
        [(72, 700, "Nothing here.")],
        [(72, 700, "A line of words that is drawn"), (72, 500, "and the second line.")],
    )
    start = reading_of(data).text.index("second")
    sheet = locate(data, Span(start, start + len("second")), 2)
    assert sheet.ratio == pytest.approx(HEIGHT / WIDTH, abs=0.01)
    [line] = sheet.lines
    assert line.top < 1 - 500 / HEIGHT < line.bottom + 0.01
    assert line.bottom - line.top < 0.03
    assert 72 / WIDTH < line.left < line.right < 0.35


def test_a_span_over_several_lines_and_pages_is_cut_where_it_must_be() -> None:
    data = make_pdf([(72, 700, "One two"), (72, 685, "three four")], [(72, 700, "five six")])
    whole = Span(0, len(reading_of(data).text))
    assert [len(locate(data, whole, page).lines) for page in (1, 2)] == [2, 1]
    assert locate(data, Span(0, 3), 2).lines == ()


def test_letters_are_counted_from_the_page_and_only_so_far() -> None:
    text = "One two.\n\nThree."
    assert letters_on_page(text, 10, Span(0, len(text))) == Span(0, 5)
    assert letters_on_page(text, 10, Span(12, 14)) == Span(2, 4)
    assert letters_on_page(text, 10, Span(0, 10)) == Span(0, 0)
    long = "a" * 5_000_000
    assert letters_on_page(long, 0, Span(4_000_000, 4_000_100)) == Span(0, 0)
    assert letters_on_page(long, 0, Span(0, len(long))).end < 1_000_000


def test_a_picture_has_the_page_in_it() -> None:
    data = make_pdf([(72, 700, "Some text.", 40)])
    image = Image.open(BytesIO(sheet.draw(BytesIO(data), 1)))
    assert image.format == "WEBP"
    assert image.width == sheet.WIDTH
    assert image.convert("L").getextrema()[0] < 100


def test_a_page_of_any_size_gives_a_picture_of_a_bounded_one() -> None:
    for size in ((20, 14_000), (14_000, 20)):
        data = make_pdf([(2, 2, "Text.")], pagesize=size)
        image = Image.open(BytesIO(sheet.draw(BytesIO(data), 1)))
        assert image.width * image.height < 5_000_000


@pytest.mark.parametrize("page", [0, 2, -1, 10**9])
def test_a_page_that_is_not_there(page: int) -> None:
    data = make_pdf([(72, 700, "Text.")])
    with pytest.raises(NotFoundError):
        sheet.draw(BytesIO(data), page)
    with pytest.raises(ReadError):
        sheet.draw(BytesIO(b"no PDF"), 1)


@pytest.mark.parametrize("in_form", [False, True])
def test_a_page_with_too_large_a_picture_is_refused(*, in_form: bool) -> None:
    with pytest.raises(RenderingError, match="50000 × 50000 pixels"):
        sheet.draw(BytesIO(picture_pdf(50_000, 50_000, in_form=in_form)), 1)
    assert sheet.draw(BytesIO(picture_pdf(500, 500, in_form=in_form)), 1)
