"""Pictures of text. Tests that need Tesseract's English are skipped where it is not installed."""

from __future__ import annotations

import pytest
from PIL import Image

from qa.errors import ReadError
from qa.readers import pictures, recognition
from readers.samples import draw_picture, one, picture_file

SENTENCES = ("The harbour of Leith has twelve berths.", "A berth costs 40 euros a night.")

needs_english = pytest.mark.skipif(
    "eng" not in recognition.installed_languages(), reason="Tesseract has no English here"
)


@needs_english
@pytest.mark.parametrize(
    ("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif"), ("WEBP", "webp")]
)
def test_the_text_of_a_picture_is_recognised(kind, suffix):
    reading = one(f"scan.{suffix}", picture_file(kind, draw_picture("\n".join(SENTENCES))))
    assert reading.text == " ".join(SENTENCES)
    assert reading.notes[0].startswith("the text of 1 page was recognised from the picture, with a mean")


@needs_english
def test_each_frame_is_a_page():
    reading = one("fax.tiff", picture_file("TIFF", *map(draw_picture, SENTENCES)))
    assert [page.slice(reading.text) for page in reading.pages] == list(SENTENCES)


@needs_english
def test_a_divided_word_is_mended():
    text = "The harbour has a light-\nhouse of white stone that\nshines at night."
    reading = one("scan.png", picture_file("PNG", draw_picture(text)))
    assert "a lighthouse of white" in reading.text


@needs_english
@pytest.mark.parametrize("noise", [0, 40])
def test_a_picture_without_text_is_named(noise):
    image = Image.effect_noise((400, 300), noise)
    with pytest.raises(ReadError, match="is a picture without text that can be recognised"):
        one("photo.png", picture_file("PNG", image))


def test_without_languages_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(recognition, "_folder", lambda: None)
    with pytest.raises(
        ReadError, match=r"was not recognised: Tesseract's languages are not installed .*apt-get"
    ):
        one("scan.png", picture_file("PNG", draw_picture("Leith")))


@needs_english
def test_when_the_time_is_up_the_pages_read_so_far_are_kept(monkeypatch):
    left = iter([60.0, 5.0])
    monkeypatch.setattr(recognition, "seconds_left", lambda: next(left))
    reading = one("fax.tiff", picture_file("TIFF", *map(draw_picture, SENTENCES)))
    assert reading.text == SENTENCES[0]
    assert reading.notes[1].startswith("the pages from 2 on were not recognised: the time for reading")


def test_a_damaged_picture_is_named():
    with pytest.raises(ReadError, match="is not a picture that can be opened"):
        one("scan.png", b"\x89PNG\r\n\x1a\n broken")


def test_a_huge_picture_is_refused(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1000)
    with pytest.raises(ReadError, match="million pixels"):
        one("scan.png", picture_file("PNG", draw_picture("Leith")))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("Cyrillic", ["rus", "bel", "eng"]),
        ("Latin", ["eng", "deu"]),
        ("Fraktur", ["eng", "deu"]),
        ("Japanese", ["jpn", "eng"]),
        ("Greek", ["bel", "deu", "eng"]),
    ],
)
def test_the_script_of_a_page_decides_which_languages_read_it(monkeypatch, script, expected):
    installed = ["bel", "deu", "eng", "jpn", "rus"]
    monkeypatch.setattr(recognition, "installed_languages", lambda: installed)
    assert recognition._languages_for(script) == expected
