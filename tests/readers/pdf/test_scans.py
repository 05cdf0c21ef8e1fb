"""Pages that are pictures of text. Tests that need Tesseract's English are skipped where it is missing."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import chain, repeat
from typing import Any

import pytest
from PIL import Image

from qa.errors import ReadError
from qa.readers import recognition
from qa.readers.pdf import scans
from qa.readers.recognised_words import Paragraph, RecognisedText
from qa.readers.recognition_options import FORCE, OFF, RecognitionOptions, using
from readers.samples import draw_picture, make_pdf, one

FIRST = "The harbour of Leith has twelve berths for fishing boats."
SECOND = "A berth costs 40 euros a night, and 90 in summer."
WIDTH, HEIGHT = 595, 240  # points of a page as wide as A4, of the shape of a drawn picture

Paint = Callable[[Any], None]

needs_english = pytest.mark.skipif(
    "eng" not in recognition.installed_languages(), reason="Tesseract has no English here"
)


def scan(text: str, turn: int = 0) -> Paint:
    """Paint a page that is one picture of text."""
    from reportlab.lib.utils import ImageReader

    picture = ImageReader(draw_picture(text, turn))
    return lambda canvas: canvas.drawImage(picture, 0, 0, WIDTH, HEIGHT)


def typed(text: str, *, hidden: bool = False) -> Paint:
    def paint(canvas: Any) -> None:
        line = canvas.beginText(60, 150)
        line.setTextRenderMode(3 if hidden else 0)
        line.textLine(text)
        canvas.drawText(line)

    return paint


def pdf(*pages: list[Paint]) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(WIDTH, HEIGHT))
    for page in pages:
        for paint in page:
            paint(canvas)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@needs_english
def test_the_pages_of_a_scan_are_recognised():
    reading = one("a.pdf", pdf([scan(FIRST)], [], [scan(SECOND)]))
    assert reading.text == f"{FIRST}\n\n{SECOND}"
    assert [page.page for page in reading.recognised] == [1, 3]
    assert [page.span for page in reading.recognised] == [reading.pages[0], reading.pages[2]]
    words = [reading.text[word.start : word.end] for page in reading.recognised for word in page.words]
    assert words == f"{FIRST} {SECOND}".split()
    word = reading.recognised[1].words[0]
    assert (word.left, word.top) == pytest.approx((90 / 1240, 95 / 500), abs=0.02)
    assert reading.notes == ("page 2 has no text",)


@needs_english
def test_a_scan_takes_its_place_among_pages_with_text():
    one_more = "Its lighthouse was built in 1907 and is open to visitors."
    reading = one("a.pdf", pdf([typed(FIRST)], [scan(SECOND)], [typed(one_more)]))
    assert reading.text == f"{FIRST}\n\n{SECOND}\n\n{one_more}"
    (page,) = reading.recognised
    assert (page.page, page.span.slice(reading.text)) == (2, SECOND)


@needs_english
def test_a_stamp_on_a_scan_does_not_hide_it():
    text = f"{FIRST}\n{SECOND}\n{FIRST}"
    reading = one("a.pdf", pdf([scan(text), lambda canvas: canvas.drawString(450, 20, "ABC 00012")]))
    assert reading.text.startswith(f"{FIRST} {SECOND} {FIRST}")
    assert "ABC 00012" in reading.text


@needs_english
def test_text_on_a_picture_without_text_stays():
    from reportlab.lib.utils import ImageReader

    noise = ImageReader(Image.effect_noise((400, 160), 60))
    photo = pdf([lambda canvas: canvas.drawImage(noise, 0, 0, WIDTH, HEIGHT), typed(FIRST)])
    reading = one("a.pdf", photo)
    assert (reading.text, reading.recognised, reading.notes) == (FIRST, (), ())


@needs_english
def test_the_text_layer_of_a_scan_is_read_unless_recognition_is_forced():
    layer = (
        "Tbe harb0ur oi Leitb has tvvelve berths for fishing boats, and eacb berth costs forty euros a day."
    )
    data = pdf([scan(FIRST), typed(layer, hidden=True)])
    assert one("a.pdf", data).text == layer
    with using(RecognitionOptions(FORCE)):
        reading = one("a.pdf", data)
    assert reading.text == FIRST
    assert len(reading.recognised) == 1


@needs_english
def test_a_value_in_a_scanned_form_is_read_once():
    def field(canvas: Any) -> None:
        canvas.acroForm.textfield(name="berth", x=60, y=60, width=200, height=20, value="Number seven")

    reading = one("a.pdf", pdf([scan(FIRST), field]))
    assert reading.text == f"{FIRST}\n\nNumber seven"
    assert reading.recognised[0].span.slice(reading.text) == FIRST


@needs_english
def test_words_of_a_turned_page_are_where_a_viewer_shows_them():
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf([scan(FIRST)]))
    plain = one("a.pdf", saved(document)).recognised[0].words
    document[0].set_rotation(180)
    document[0].set_cropbox(0, 0, WIDTH, HEIGHT)
    turned = one("a.pdf", saved(document)).recognised[0].words
    assert turned[0].left == pytest.approx(1 - plain[0].right, abs=0.02)
    assert turned[0].top == pytest.approx(1 - plain[0].bottom, abs=0.02)


def saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_without_languages_a_scan_says_what_to_install(monkeypatch):
    monkeypatch.setattr(recognition, "_folder", lambda: None)
    with pytest.raises(ReadError, match=r"no text on any page: it is likely a scan, .*apt-get install"):
        one("a.pdf", pdf([scan(FIRST)]))
    reading = one("a.pdf", pdf([typed(FIRST)], [scan(SECOND)], [], [scan(SECOND)]))
    assert reading.text == FIRST
    assert reading.notes[0] == "page 3 has no text"
    assert reading.notes[1].startswith("pages 2 and 4 are treated as scans, and not recognised: Tesseract's")
    assert "apt-get install" in reading.notes[1]


def test_nothing_is_recognised_if_recognition_is_off():
    with using(RecognitionOptions(OFF)):
        with pytest.raises(ReadError, match=r"likely a scan, .* recognition of text is off \(ocr\)"):
            one("a.pdf", pdf([scan(FIRST)]))
        assert one("a.pdf", pdf([scan(SECOND), typed(FIRST)])).text == FIRST


@needs_english
def test_when_the_time_is_up_the_other_pages_are_kept(monkeypatch):
    left = chain([60.0], repeat(14.0))  # enough to end a page, not to begin one
    monkeypatch.setattr(recognition, "wall_seconds_left", lambda: next(left))
    reading = one("a.pdf", pdf([scan(FIRST)], [scan(SECOND)], [typed(SECOND)], [scan(FIRST)]))
    assert reading.text == f"{FIRST}\n\n{SECOND}"
    expected = (
        "pages 2 and 4 are treated as scans, and not recognised: the time for reading a document was up"
    )
    assert reading.notes[0].startswith(expected)


def test_one_page_that_cannot_be_recognised_does_not_stop_the_others(monkeypatch):
    answers = iter([ReadError("it takes too long"), RecognisedText((Paragraph(SECOND, ()),), 0.9)])

    def recognise(*_: Any) -> RecognisedText:
        answer = next(answers)
        if isinstance(answer, ReadError):
            raise answer
        return answer

    monkeypatch.setattr(recognition, "recognise", recognise)
    monkeypatch.setattr(recognition, "installed_languages", lambda: ["eng"])
    reading = one("a.pdf", pdf([scan(FIRST)], [scan(SECOND)]))
    assert reading.text == SECOND
    assert reading.notes[0] == "page 1 is treated as a scan, and not recognised: it takes too long"


def test_pages_with_enough_text_or_nothing_on_them_are_not_looked_at(monkeypatch):
    monkeypatch.setattr(recognition, "recognise", lambda *_: pytest.fail("a page was recognised"))
    one("a.pdf", make_pdf([(72, 700, FIRST), (72, 680, SECOND)], [], [(72, 700, "Short.")]))


def test_the_picture_of_a_large_page_is_bounded(monkeypatch):
    sizes = []
    monkeypatch.setattr(recognition, "installed_languages", lambda: ["eng"])
    monkeypatch.setattr(
        recognition,
        "recognise",
        lambda image, dpi: sizes.append((image.size, dpi)) or RecognisedText((), 0.0),
    )
    drawing = make_pdf([(72, 700, "Text.")], pagesize=(14_000, 10_000))
    with using(RecognitionOptions(FORCE)):
        one("a.pdf", drawing)
    ((size, resolution),) = sizes
    assert 0.9 * scans._MOST_PIXELS < size[0] * size[1] <= 1.01 * scans._MOST_PIXELS
    assert resolution == round(size[0] / 14_000 * 72)


def test_a_page_that_cannot_be_drawn_is_noted(monkeypatch):
    def draw(_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(scans, "_draw", draw)
    monkeypatch.setattr(recognition, "installed_languages", lambda: ["eng"])
    reading = one("a.pdf", pdf([typed(FIRST)], [scan(SECOND)]))
    assert reading.notes == ("page 2 is treated as a scan, and not recognised: it cannot be drawn",)


@needs_english
def test_a_damaged_language_does_not_lose_the_other_pages(tmp_path, monkeypatch):
    (tmp_path / "eng.traineddata").write_bytes(b"damaged")
    monkeypatch.setattr(recognition, "_folder", lambda: tmp_path)
    reading = one("a.pdf", pdf([typed(FIRST)], [scan(SECOND)]))
    assert reading.text == FIRST
    assert "not recognised: Tesseract failed" in reading.notes[0]


@pytest.mark.parametrize(
    ("indexes", "expected"),
    [
        ([4], "page 5 is treated as a scan"),
        ([0, 1], "pages 1–2 are treated as scans"),
        ([0, 2, 3, 4, 9], "pages 1, 3–5 and 10 are treated as scans"),
        (
            list(range(0, 30, 2)),
            "pages 1, 3, 5, 7, 9, 11, 13, 15, 17, 19 and 5 more are treated as scans",
        ),
    ],
)
def test_pages_are_named_briefly(indexes, expected):
    assert scans.name_pages(indexes) == expected
