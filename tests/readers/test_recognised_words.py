"""Paragraphs of recognised words."""

from __future__ import annotations

import pytest

from qa.readers.recognised_words import Box, RecognisedText, Word, join, make_text
from qa.types import Span

BOX = Box(0.1, 0.2, 0.3, 0.4)


def words(*lines, certainty=0.9):
    """Return the words of lines, each line's last one marked."""
    return [
        Word(text, BOX, certainty, number == len(line.split()))
        for line in lines
        for number, text in enumerate(line.split(), start=1)
    ]


@pytest.mark.parametrize(
    ("lines", "text", "placed"),
    [
        (["The harbour", "of Leith"], "The harbour of Leith", ["The", "harbour", "of", "Leith"]),
        (["a light-", "house stands"], "a lighthouse stands", ["a", "light", "house", "stands"]),
        (["a light\u2010", "house"], "a lighthouse", ["a", "light", "house"]),
        (["a light\u00ad", "house"], "a lighthouse", ["a", "light", "house"]),
        (["ein Schiff-", "Fahrt"], "ein Schiff- Fahrt", ["ein", "Schiff-", "Fahrt"]),
        (["маяк-", "Лейт"], "маяк- Лейт", ["маяк-", "Лейт"]),
        (["a light- house"], "a light- house", ["a", "light-", "house"]),
        (["pages 1-", "9"], "pages 1- 9", ["pages", "1-", "9"]),
        (["-", "one"], "- one", ["-", "one"]),
        (["港 口", "有 船"], "港口有船", ["港", "口", "有", "船"]),
        (["港 Leith"], "港 Leith", ["港", "Leith"]),
        (["\u200fשלום\u200e"], "שלום", ["שלום"]),
        (["so\u00adft \u200e one"], "soft one", ["soft", "one"]),
    ],
)
def test_each_word_knows_its_place_in_the_text(lines, text, placed):
    paragraph = join(words(*lines))
    assert paragraph.text == text
    assert [text[word.start : word.end] for word in paragraph.words] == placed
    assert all(word[2:] == BOX for word in paragraph.words)


def test_paragraphs_that_are_hardly_text_are_left_out():
    text = make_text([words("A harbour"), words("~ ;", certainty=0.2), [], words("A ship", certainty=0.7)])
    assert text.text == "A harbour\n\nA ship"
    assert text.certainty == pytest.approx(0.8)
    assert make_text([]) == RecognisedText((), 0.0)


def test_a_page_has_its_words_where_the_document_has_them():
    page = make_text([words("A harbour"), words("A ship")]).page(3, start=10)
    document = "Title.\n\n__A harbour\n\nA ship"
    assert (page.page, page.span) == (3, Span(10, len(document)))
    assert [document[word.start : word.end] for word in page.words] == ["A", "harbour", "A", "ship"]


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (0, (0.1, 0.2, 0.3, 0.4)),
        (90, (0.6, 0.1, 0.8, 0.3)),
        (180, (0.7, 0.6, 0.9, 0.8)),
        (270, (0.2, 0.7, 0.4, 0.9)),
    ],
)
def test_boxes_are_turned_back(degrees, expected):
    assert BOX.turned_back(degrees) == pytest.approx(expected)
