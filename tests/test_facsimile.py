from __future__ import annotations

import hashlib
import random
from io import BytesIO

import pytest
from PIL import Image
from readers.samples import make_pdf

from qa import facsimile
from qa.contracts import NotFoundError, ReadError, Span
from qa.readers import pdf, read

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


def text_of(data: bytes) -> str:
    (reading,) = read("a.pdf", data)
    return reading.text


def view(data: bytes, text: str, span: Span, page: int | None = None) -> facsimile.View:
    return facsimile.view(data, hashlib.sha256(data).hexdigest(), text, span, page)


def test_the_letters_of_the_pages_are_those_of_the_text() -> None:
    chance = random.Random(5)
    for _ in range(20):
        pages = [
            [
                (72, 760 - 15 * line, " ".join(chance.choices(WORDS, k=9)) + chance.choice(["", "-", "."]))
                for line in range(20)
            ]
            for _ in range(3)
        ]
        data = make_pdf(*pages, [])
        with pdf.opened(data) as document:
            found = 0
            for index in range(len(document)):
                with pdf.opened_page(document, index) as (_, text_page):
                    found += sum(1 for _ in pdf.letters(text_page))
        assert found == pdf.count_letters(text_of(data))


def test_a_span_is_marked_where_it_was_drawn() -> None:
    data = make_pdf(
        [(72, 700, "Nothing here.")],
        [(72, 700, "A line of words that is drawn"), (72, 500, "and the second line.")],
    )
    text = text_of(data)
    start = text.index("second")
    found = view(data, text, Span(start, start + len("second")))
    assert (found.page, found.pages) == (2, 2)
    assert found.ratio == pytest.approx(HEIGHT / WIDTH, abs=0.01)
    [line] = found.lines
    assert line.top < 1 - 500 / HEIGHT < line.bottom + 0.01
    assert line.bottom - line.top < 0.03
    assert 72 / WIDTH < line.left < line.right < 0.35


def test_a_span_over_several_lines_and_pages_is_cut_where_it_must_be() -> None:
    data = make_pdf([(72, 700, "One two"), (72, 685, "three four")], [(72, 700, "five six")])
    text = text_of(data)
    whole = Span(0, len(text))
    assert [len(view(data, text, whole, page).lines) for page in (1, 2)] == [2, 1]
    assert view(data, text, whole).page == 1
    assert view(data, text, Span(text.index("five"), len(text))).page == 2
    assert view(data, text, Span(0, 3), page=2).lines == ()


def test_a_picture_has_the_page_in_it() -> None:
    data = make_pdf([(72, 700, "Some text.", 40)])
    image = Image.open(BytesIO(facsimile.picture(data, 1)))
    assert image.format == "WEBP"
    assert image.width == facsimile.WIDTH
    assert image.convert("L").getextrema()[0] < 100


def test_a_page_of_any_size_gives_a_picture_of_a_bounded_one() -> None:
    for size in ((20, 14_000), (14_000, 20)):
        data = make_pdf([(2, 2, "Text.")], pagesize=size)
        image = Image.open(BytesIO(facsimile.picture(data, 1)))
        assert image.width * image.height < 5_000_000


@pytest.mark.parametrize("page", [0, 2, -1, 10**9])
def test_a_page_that_is_not_there(page: int) -> None:
    data = make_pdf([(72, 700, "Text.")])
    with pytest.raises(NotFoundError):
        facsimile.picture(data, page)
    with pytest.raises(ReadError):
        facsimile.picture(b"no PDF", 1)
