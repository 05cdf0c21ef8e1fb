"""Recognised words → the paragraphs of a page, in which every word knows its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import NamedTuple

from qa.readers.extract import one_line
from qa.types import RecognisedPage, Span, WordBox

_LEAST_CERTAINTY = 0.35
"""Paragraphs with a lower mean certainty are specks and shapes in pictures. Chosen."""

_MARKS_OF_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HYPHENS = "-\u2010\u00ad"
_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_PARAGRAPH_GAP = "\n\n"


class Box(NamedTuple):
    """A part of a page, in fractions of its width and height from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    def turned_back(self, degrees: int) -> Box:
        """Return its place before the page was turned counter-clockwise by so many quarters of a circle."""
        box = self
        for _ in range(degrees % 360 // 90):
            box = Box(1 - box.bottom, box.left, 1 - box.top, box.right)
        return box


class Word(NamedTuple):
    """A word as the engine reads it.

    Attributes:
        text: what it reads.
        box: where it is.
        certainty: in [0, 1].
        ends_line: whether it is the last of its line.
    """

    text: str
    box: Box
    certainty: float
    ends_line: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """The text of a paragraph, and its words, placed in this text."""

    text: str
    words: tuple[WordBox, ...]


@dataclass(frozen=True, slots=True)
class RecognisedText:
    """What was recognised of a page: its paragraphs, and the mean certainty of its words in [0, 1]."""

    paragraphs: tuple[Paragraph, ...]
    certainty: float

    @property
    def text(self) -> str:
        """Its paragraphs, separated by blank lines."""
        return _PARAGRAPH_GAP.join(paragraph.text for paragraph in self.paragraphs)

    def page(self, number: int, start: int) -> RecognisedPage:
        """Return it as a page of a document.

        Args:
            number: the page's number, from 1.
            start: where its text begins in the document's.
        """
        words: list[WordBox] = []
        end = start
        for paragraph in self.paragraphs:
            words += [word._replace(start=word.start + end, end=word.end + end) for word in paragraph.words]
            end += len(paragraph.text) + len(_PARAGRAPH_GAP)
        return RecognisedPage(number, Span(start, start + len(self.text)), self.certainty, tuple(words))


def make_text(paragraphs: Iterable[Sequence[Word]]) -> RecognisedText:
    """Return the text of paragraphs of words, without those that are hardly text."""
    kept = [paragraph for paragraph in paragraphs if _certainty(paragraph) >= _LEAST_CERTAINTY]
    joined = [join(paragraph) for paragraph in kept]
    return RecognisedText(
        tuple(paragraph for paragraph in joined if paragraph.text),
        _certainty([word for paragraph in kept for word in paragraph]),
    )


def join(words: Iterable[Word]) -> Paragraph:
    """Join the words of a paragraph, mend divided words, and leave no spaces between Han characters."""
    text = ""
    boxes: list[WordBox] = []
    before: Word | None = None
    for word in map(_cleaned, words):
        if not word.text:
            continue
        if before and _is_divided(before, word):
            text = text[:-1]
            boxes[-1] = boxes[-1]._replace(end=len(text))
        elif before and not (_HAN.match(before.text[-1]) and _HAN.match(word.text[0])):
            text += " "
        boxes.append(WordBox(len(text), len(text) + len(word.text), *word.box))
        text += word.text
        before = word
    return Paragraph(text, tuple(boxes))


def _cleaned(word: Word) -> Word:
    text = _MARKS_OF_DIRECTION.sub("", word.text)
    if word.ends_line and text.endswith("\u00ad"):  # soft hyphens elsewhere are invisible
        text = f"{text[:-1]}-"
    return word._replace(text=one_line(text))


def _is_divided(before: Word, word: Word) -> bool:
    """Whether a hyphen at the end of a line divides a word."""
    if not before.ends_line or len(before.text) < 2 or before.text[-1] not in _HYPHENS:  # noqa: PLR2004
        return False
    return before.text[-2].isalpha() and word.text[0].isalpha() and not word.text[0].isupper()


def _certainty(words: Sequence[Word]) -> float:
    return fsum(word.certainty for word in words) / len(words) if words else 0.0
