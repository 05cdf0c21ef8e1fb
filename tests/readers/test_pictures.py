"""Pictures of text. Tests that need Tesseract's English are skipped where it is not installed."""

from __future__ import annotations

import io
from itertools import chain, repeat

import pytest
from PIL import Image

from qa.errors import ReadError
from qa.readers import pictures, recognition
from qa.readers.recognition_options import OFF, RecognitionOptions, using
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
    assert reading.notes == ()


@needs_english
def test_each_frame_is_a_page():
    reading = one("fax.tiff", picture_file("TIFF", *map(draw_picture, SENTENCES)))
    assert [page.slice(reading.text) for page in reading.pages] == list(SENTENCES)


@needs_english
def test_the_words_of_each_page_are_placed_on_it():
    reading = one("fax.tiff", picture_file("TIFF", *map(draw_picture, SENTENCES)))
    first, second = reading.recognised
    assert (first.page, first.span) == (1, reading.pages[0])
    assert (second.page, second.span) == (2, reading.pages[1])
    assert [reading.text[word.start : word.end] for word in second.words] == SENTENCES[1].split()
    assert all(0.8 < page.certainty <= 1 for page in reading.recognised)
    left, *_, right = first.words
    assert left.left == pytest.approx(90 / 1240, abs=0.005)
    assert left.left < left.right < right.left < right.right < 0.6
    assert all(word.top == pytest.approx(95 / 500, abs=0.02) for word in first.words)


LONG = "\n".join(
    ["The harbour of Leith has twelve berths for ships", "and each of them costs forty euros."] * 4
)


@needs_english
@pytest.mark.skipif(not recognition.can_turn(), reason="Tesseract has no orientations here")
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_the_words_of_a_page_on_its_side_are_placed_where_they_are_drawn(turn):
    upright, turned = (
        one("scan.png", picture_file("PNG", draw_picture(LONG, degrees))).recognised[0].words
        for degrees in (0, turn)
    )
    assert len(upright) == len(turned) == len(LONG.split())
    for before, after in zip(upright, turned, strict=True):
        expected = before[2:]
        for _ in range(turn // 90):
            left, top, right, bottom = expected
            expected = top, 1 - right, bottom, 1 - left
        assert after[2:] == pytest.approx(expected, abs=0.01)


@needs_english
def test_a_picture_is_read_as_a_viewer_shows_it():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise to show it
    file = io.BytesIO()
    draw_picture(SENTENCES[0], 90).save(file, "JPEG", dpi=(150, 150), exif=exif)
    reading = one("photo.jpg", file.getvalue())
    assert reading.text == SENTENCES[0]
    assert reading.recognised[0].words[0].top == pytest.approx(95 / 500, abs=0.02)


def test_no_picture_is_read_if_recognition_is_off():
    with (
        using(RecognitionOptions(OFF)),
        pytest.raises(ReadError, match=r"recognition of text is off \(ocr\)"),
    ):
        one("scan.png", picture_file("PNG", draw_picture("Leith")))


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
    left = chain([60.0], repeat(14.0))  # enough to end a page, not to begin one
    monkeypatch.setattr(recognition, "wall_seconds_left", lambda: next(left))
    reading = one("fax.tiff", picture_file("TIFF", *map(draw_picture, SENTENCES)))
    assert reading.text == SENTENCES[0]
    assert reading.notes[0].startswith("the pages from 2 on were not recognised: the time for reading")


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
