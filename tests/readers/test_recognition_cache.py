"""Recognised pages that are kept."""

from __future__ import annotations

import os

import pytest
from PIL import Image

from qa.readers import recognition, recognition_cache, recognition_options
from qa.readers.recognised_words import Paragraph, RecognisedText
from qa.readers.recognition_options import RecognitionOptions
from qa.types import WordBox

TEXT = RecognisedText((Paragraph("A ship", (WordBox(0, 1, 0.1, 0.2, 0.3, 0.4),)),), 0.9)
NAME = "ab" + 62 * "0"


def test_what_is_kept_is_found_again(tmp_path):
    assert recognition_cache.load(tmp_path, NAME) is None
    recognition_cache.keep(tmp_path, NAME, TEXT)
    assert recognition_cache.load(tmp_path, NAME) == TEXT
    (path,) = (tmp_path / "recognised").glob("*/*")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", [b"", b"x" * 100, None])
def test_a_damaged_entry_is_ignored(tmp_path, damage):
    recognition_cache.keep(tmp_path, NAME, TEXT)
    (path,) = (tmp_path / "recognised").glob("*/*")
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] if damage is None else damage)
    assert recognition_cache.load(tmp_path, NAME) is None


@pytest.mark.parametrize(
    "text",
    [
        RecognisedText((Paragraph("A", (WordBox(0, 9, 0, 0, 0, 0),)),), 0.9),
        RecognisedText((), 2.0),
        RecognisedText((Paragraph(7, ()),), 0.9),
    ],
)
def test_an_entry_that_says_the_impossible_is_ignored(tmp_path, text):
    recognition_cache.keep(tmp_path, NAME, text)
    assert recognition_cache.load(tmp_path, NAME) is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").touch()
    recognition_cache.keep(tmp_path / "file", NAME, TEXT)
    assert recognition_cache.load(tmp_path / "file", NAME) is None


def test_the_oldest_go_first(tmp_path):
    names = [f"{number}{NAME}" for number in range(4)]
    for age, name in enumerate(names):
        recognition_cache.keep(tmp_path, name, TEXT)
        (path,) = (tmp_path / "recognised").glob(f"*/{name}")
        os.utime(path, (1000 - age, 1000 - age))
    recognition_cache.trim(tmp_path, 2 * path.stat().st_size)
    assert [name for name in names if recognition_cache.load(tmp_path, name)] == names[:2]
    recognition_cache.remove(tmp_path)
    assert not (tmp_path / "recognised").exists()


def test_the_picture_and_what_shapes_its_text_make_the_name():
    image = Image.new("L", (20, 10))
    others = [
        recognition_cache.key(Image.new("L", (10, 20)), 150, "a"),
        recognition_cache.key(Image.new("L", (20, 10), 1), 150, "a"),
        recognition_cache.key(image, 300, "a"),
        recognition_cache.key(image, 150, "b"),
    ]
    assert recognition_cache.key(image, 150, "a") == recognition_cache.key(image.copy(), 150, "a")
    assert recognition_cache.key(image, 150, "a") not in others


def test_a_page_is_recognised_once(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(recognition, "_folder", lambda: tmp_path)
    monkeypatch.setattr(recognition, "_recognise", lambda *_: calls.append(1) or TEXT)
    with recognition_options.using(RecognitionOptions(cache=tmp_path)):
        for _ in range(2):
            assert recognition.recognise(Image.new("L", (20, 10)), 150) == TEXT
        assert len(calls) == 1
        (tmp_path / "gle.traineddata").touch()
        recognition.recognise(Image.new("L", (20, 10)), 150)
        assert len(calls) == 2
