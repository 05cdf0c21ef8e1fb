"""Pages of picture files, drawn within the same limits as those of PDFs."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageDraw
from PIL.ExifTags import Base

from qa.errors import NotFoundError, RenderingError
from qa.readers.pdf.rendering import picture, sheet
from qa.readers.pdf.rendering.renderer import Renderer, places_of_words
from qa.types import RecognisedPage, Span, WordBox

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")


def page(mode: str = "L", size: tuple[int, int] = (1240, 1754), ground: object = 255, ink: object = 0):
    """Draw a white page whose upper left quarter is dark."""
    image = Image.new(mode, size, ground)
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2, size[1] // 2), ink)
    return image


def file_of(*images: Image.Image, form: str = "PNG") -> BytesIO:
    file = BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if len(images) > 1 else {}
    images[0].save(file, form, **more)
    return BytesIO(file.getvalue())


def drawn(file: BytesIO, number: int = 1) -> Image.Image:
    return Image.open(BytesIO(picture.draw(file, number))).convert("L")


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_of_each_format_is_drawn_as_a_page(form: str) -> None:
    file = file_of(page("RGB", ground="white", ink="black"), form=form)
    image = drawn(file)
    assert image.width == sheet.WIDTH
    assert image.height == round(sheet.WIDTH * 1754 / 1240)
    assert image.getpixel((50, 50)) < 30
    assert image.getpixel((850, 1200)) > 225
    assert picture.locate(file, 1).ratio == pytest.approx(1754 / 1240)


@pytest.mark.parametrize(
    ("mode", "ground", "ink"),
    [
        ("1", 1, 0),
        ("P", 255, 0),
        ("LA", (0, 0), (0, 255)),  # black print on nothing
        ("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)),
        ("I;16", 65_535, 20),
        ("CMYK", (0, 0, 0, 0), (0, 0, 0, 255)),
    ],
)
def test_print_is_dark_on_white_in_every_mode(mode: str, ground: object, ink: object) -> None:
    image = Image.new(mode, (1000, 1000), ground)
    image.paste(ink, (0, 0, 500, 500))
    if mode == "P":
        image.putpalette([grey for shade in range(256) for grey in (shade,) * 3])
    shown = drawn(file_of(image, form="TIFF" if mode in ("CMYK", "LA", "I;16") else "PNG"))
    assert shown.getpixel((50, 50)) < 30
    assert shown.getpixel((850, 850)) > 225


def test_a_small_picture_is_not_enlarged() -> None:
    assert drawn(file_of(page(size=(300, 200)))).size == (300, 200)
    assert drawn(file_of(page(size=(1, 20_000)))).height <= 16_000


@pytest.mark.parametrize("form", FORMATS)
def test_a_photo_is_drawn_upright(form: str) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6  # the upper left quarter belongs to the upper right
    file = BytesIO()
    page("RGB", (1000, 500), "white", "black").save(file, form, exif=exif)
    shown = drawn(file)
    assert shown.size == (500, 1000)
    assert shown.getpixel((450, 50)) < 30
    assert shown.getpixel((50, 50)) > 225
    assert picture.locate(file, 1).ratio == 2


def test_the_frames_of_a_file_are_its_pages() -> None:
    file = file_of(page(), page(size=(800, 400), ink=255), form="TIFF")
    assert drawn(file, 1).getpixel((50, 50)) < 30
    assert drawn(file, 2).getpixel((50, 50)) > 225
    assert picture.locate(file, 2).ratio == 0.5
    for number in (0, 3, -1, 10**9):
        with pytest.raises(NotFoundError):
            picture.draw(file, number)


def test_too_large_a_picture_is_refused_before_it_is_decoded(monkeypatch) -> None:
    monkeypatch.setattr(picture, "MAX_PIXELS", 10_000)
    for do in (picture.draw, picture.locate):
        with pytest.raises(RenderingError, match="1240 × 1754 pixels"):
            do(file_of(page()), 1)


def test_a_process_draws_pictures_and_says_why_it_cannot(tmp_path) -> None:
    renderer = Renderer(2)
    path = tmp_path / "scan.png"
    path.write_bytes(file_of(page()).getvalue())
    shown = renderer.draw("1", 1, lambda: path.open("rb"), is_picture=True)
    assert Image.open(BytesIO(shown)).width == sheet.WIDTH
    found = renderer.locate("1", 1, Span(0, 9), lambda: path.open("rb"), is_picture=True)
    assert found == sheet.Sheet(1754 / 1240, ())
    with pytest.raises(NotFoundError):
        renderer.draw("1", 2, lambda: path.open("rb"), is_picture=True)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(RenderingError, match="cannot be drawn"):
        renderer.draw("2", 1, lambda: path.open("rb"), is_picture=True)
    with pytest.raises(RenderingError):
        renderer.check("2", 1, is_picture=True)


def test_words_on_a_line_are_marked_together() -> None:
    words = (
        WordBox(0, 3, 0.1, 0.100, 0.2, 0.120),
        WordBox(4, 7, 0.25, 0.101, 0.4, 0.121),
        WordBox(8, 13, 0.1, 0.130, 0.3, 0.150),
        WordBox(14, 17, 0.35, 0.130, 0.5, 0.150),
    )
    scan = RecognisedPage(1, Span(0, 17), 0.9, words)
    assert places_of_words(scan, Span(0, 17)) == ((0.1, 0.1, 0.4, 0.121), (0.1, 0.13, 0.5, 0.15))
    assert places_of_words(scan, Span(5, 10)) == ((0.25, 0.101, 0.4, 0.121), (0.1, 0.13, 0.3, 0.15))
    assert places_of_words(scan, Span(3, 4)) == ()
