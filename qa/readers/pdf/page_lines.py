"""A page's characters → its lines in reading order, each with the places of its letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Any

from qa.readers.pdf import pdfium
from qa.readers.pdf.annotations import with_annotations
from qa.readers.pdf.bidi import RIGHT_TO_LEFT, is_right_to_left, logical_order, mirror, spaced_brackets
from qa.readers.pdf.layout import Cell, Line
from qa.readers.pdf.pdfium import Box
from qa.readers.pdf.signs import HYPHENS, clean, compose, is_dubious

_LINE_ENDS = frozenset("\r\n")
_WIDE_GAP = 2.5  # line heights between the cells of a table; spaces of justified lines hardly reach that
_SMALL = 0.85  # the share of its line's letters that a raised note mark has at most
_RAISED = 0.08  # line heights that a note mark's foot is above that of its line's letters at least
_SAMPLES = 60  # characters of a page that show whether its text can be decoded
_MOSTLY = 0.5  # the share of them that cannot be decoded on a page that is treated as a scan
_SPACED_LETTERS = 4  # single letters in a row that make a letter-spaced heading
_NO_SPACE = 0.04  # line heights: words of right-to-left scripts that are nearer are one word
_NO_SPACE_AT_MARKS = 0.17  # the same where vowel signs make PDFium see spaces within words
_SPACED_SHARE = 0.8  # of the signs in such a row that are letters
_WORD_GAP = 1.6  # times the gap of letters: more is a gap between words of such a heading
_SIGN_MARKS = frozenset("*†‡§¶")
_LAST_MARK = re.compile(r"[0-9*†‡§¶](?=[^0-9*†‡§¶]*+$)")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNIT = re.compile(r"(?:^|[\s\d/·])(?:10|[kcdmµ]?m|s|ft|in|yd)$")
_CURRENCY = frozenset("$€£¥₽₪₹")
_ENDS_OF_NUMBERS = frozenset("0123456789)—–%")
_STARTS_OF_NUMBERS = frozenset("0123456789(—–")
_GONE = "\ufdd0"  # stands for a character that has gone into another; no text has it
_WORD = re.compile(rf"[^\s\x00\x01\x03-\x20\x7f-\xa0{_GONE}][^\s\x00\x01\x03-\x20\x7f-\xa0]*+")
_BOLD = re.compile(r"bold|black|heavy|demi", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageLines:
    """What a page says.

    Attributes:
        lines: its lines in reading order.
        height: its height in points.
        is_undecodable: whether the file does not say which letters most of its text draws.
    """

    lines: list[Line]
    height: float
    is_undecodable: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    """Characters without a space between them: their indexes in reading order, and its ends."""

    indexes: Sequence[int]
    first: Box
    last: Box
    left: float
    right: float


def read_page(document: Any, index: int, *, with_letters: bool = False) -> PageLines:
    """Return the lines of a page, by its index from 0, with the values of its forms and its notes.

    Args:
        document: as ``pdfium.open_document`` opens it.
        index: the page's, from 0.
        with_letters: whether to tell where the letters of each line are.
    """
    with pdfium.open_page(document, index) as (page, text_page):
        _, height = page.get_size()
        characters = pdfium.characters(text_page)
        undecodable = _drop_undecodable(text_page, characters)
        box = pdfium.Boxes(text_page)
        compose(characters, box)
        lines = list(_Reader(text_page, characters, box, with_letters=with_letters).lines())
        return PageLines(with_annotations(document, page, lines), height, undecodable)


def letter_boxes(text_page: Any, lines: Sequence[Line]) -> Iterator[Box]:
    """Yield the box of each letter and digit of some lines of a page, in the order of the text."""
    box_of = pdfium.Boxes(text_page)
    for line in lines:
        if line.box:
            yield from [line.box] * count_letters(line.text)
            continue
        for index, letters in line.letters:
            yield from [box_of(index)] * letters


def count_letters(text: str) -> int:
    """Count the letters and digits of a text."""
    return sum(map(str.isalnum, text))


def _drop_undecodable(text_page: Any, characters: list[str]) -> bool:
    """Empty the characters that say nothing, in place, and return whether most of the page's do."""
    drawn = [index for index, character in enumerate(characters) if character not in " \r\n\xa0"]
    chosen = drawn[:: len(drawn) // _SAMPLES + 1]
    unmapped = sum(pdfium.is_unmapped(text_page, index) for index in chosen)
    dubious = []
    if is_dubious("".join(characters)):
        dubious = [index for index in drawn if is_dubious(characters[index])]
    undecodable = unmapped > _MOSTLY * len(chosen) or len(dubious) > _MOSTLY * len(drawn)
    if undecodable:
        dubious = [
            index
            for index in range(len(characters))
            if is_dubious(characters[index]) or pdfium.is_unmapped(text_page, index)
        ]
    for index in dubious:
        characters[index] = ""
    return undecodable and bool(drawn)


def _is_raised(box: Box, base: Box) -> bool:
    """Whether a character is smaller than another and stands higher, as the mark of a note does."""
    return 0 < box.height < _SMALL * base.height and box.bottom - base.bottom > _RAISED * base.height


class _Reader:
    """Makes lines of the characters of a page. Only the boxes that are needed are looked up."""

    def __init__(
        self, text_page: Any, characters: list[str], box: Callable[[int], Box], *, with_letters: bool
    ) -> None:
        self._text_page = text_page
        self._box = box
        self._with_letters = with_letters
        self._characters = characters
        text = "".join(characters)
        self._right_to_left = not text.isascii() and RIGHT_TO_LEFT.search(text) is not None
        self._mostly_right_to_left = self._right_to_left and is_right_to_left(text)

    def lines(self) -> Iterator[Line]:
        """Yield the page's lines in PDFium's order, which is that of reading."""
        start = 0
        for index, character in enumerate([*self._characters, "\n"]):
            if character in _LINE_ENDS or character in HYPHENS:
                line = self._line(start, index + 1 if character in HYPHENS else index)
                start = index + 1
                if line:
                    yield line

    def _line(self, start: int, end: int) -> Line | None:
        """Return the line of characters ``start`` to ``end``, or None if it is blank."""
        words = list(self._words(start, end))
        if not words:
            return None
        size = median(word.first.height for word in words) or 1.0
        line = "".join(self._characters[start:end])
        if self._right_to_left and (RIGHT_TO_LEFT.search(line) or not any(map(str.isalpha, line))):
            return self._reordered(words)
        self._part_marks(words)
        gaps = [after.left - before.right for before, after in pairwise(words)]
        words, gaps = self._without_letter_spacing(words, gaps, size)
        return self._make(words, gaps, size)

    def _words(self, start: int, end: int) -> Iterator[_Word]:
        signs = "".join([character[:1] or _GONE for character in self._characters[start:end]])
        for match in _WORD.finditer(signs):
            length = len(match[0].rstrip(_GONE))
            yield self._word(range(start + match.start(), start + match.start() + length))

    def _word(self, indexes: range) -> _Word:
        before = self._box(indexes[0])
        after = self._box(indexes[-1])
        return _Word(indexes, before, after, before.left, after.right)

    def _spanning(self, indexes: Sequence[int], first: int, last: int) -> _Word:
        before = self._box(first)
        after = self._box(last) if last != first else before
        return _Word(indexes, before, after, min(before.left, after.left), max(before.right, after.right))

    def _text(self, indexes: Sequence[int]) -> str:
        if isinstance(indexes, range):
            return clean("".join(self._characters[indexes.start : indexes.stop]))
        return clean("".join([self._characters[index] for index in indexes]))

    def _make(self, words: Sequence[_Word], gaps: Sequence[float], size: float) -> Line:
        """Return the line of words in reading order, with its cells where gaps are wide."""
        cells: list[list[_Word]] = [[words[0]]]
        texts = [self._text(words[0].indexes)]
        for place, (word, gap) in enumerate(zip(words[1:], gaps, strict=True), start=1):
            if gap > _WIDE_GAP * size or self._begins_sum(words, place):
                cells.append([])
                texts.append("")
            cells[-1].append(word)
            texts[-1] += (" " if texts[-1] else "") + self._text(word.indexes)
        first = words[0].indexes[0]
        return Line(
            text="\t".join(texts),
            left=min(word.left for word in words),
            right=max(word.right for word in words),
            baseline=pdfium.baseline(self._text_page, first),
            size=size,
            first_word=words[0].right - words[0].left,
            bold=self._is_bold(words),
            cells=tuple(
                Cell(text, min(word.left for word in cell), max(word.right for word in cell))
                for text, cell in zip(texts, cells, strict=True)
            ),
            letters=tuple(self._letters(words)) if self._with_letters else (),
        )

    def _begins_sum(self, words: Sequence[_Word], place: int) -> bool:
        """Whether a lone sign of currency stands between two numbers: those of two columns that are close."""
        if len(words[place].indexes) > 1 or self._characters[words[place].indexes[0]] not in _CURRENCY:
            return False
        before = self._characters[words[place - 1].indexes[-1]]
        after = self._characters[words[place + 1].indexes[0]] if place + 1 < len(words) else ""
        return before in _ENDS_OF_NUMBERS and after in _STARTS_OF_NUMBERS

    def _letters(self, words: Sequence[_Word]) -> Iterator[tuple[int, int]]:
        for word in words:
            for index in word.indexes:
                if letters := count_letters(clean(self._characters[index])):
                    yield index, letters

    def _is_bold(self, words: Sequence[_Word]) -> bool:
        ends = (words[0].indexes[0], words[-1].indexes[-1])
        return all(_BOLD.search(pdfium.font_name(self._text_page, index)) for index in ends)

    def _part_marks(self, words: Sequence[_Word]) -> None:
        """Set raised marks of notes apart from the word or number before them, in place."""
        for word in words:
            if len(word.indexes) > 1 and self._may_have_mark(word):
                self._part_word(word)

    def _may_have_mark(self, word: _Word) -> bool:
        """Whether the end of a word, or the last digit or sign in it, is raised above its beginning."""
        if _is_raised(word.last, word.first):
            return True
        text = "".join(self._characters[word.indexes[1] : word.indexes[-1] + 1])
        last = None if text.isalpha() else _LAST_MARK.search(text)
        return last is not None and _is_raised(self._box(word.indexes[1] + last.start()), word.first)

    def _part_word(self, word: _Word) -> None:
        base = word.first
        before = ""
        raised = power = False
        for index in word.indexes:
            character, box = self._characters[index], self._box(index)
            was_raised, raised = raised, _is_raised(box, base)
            if raised and character.isdigit():
                power = power if was_raised else bool(_UNIT.search(before))
                mark = character.translate(_SUPERSCRIPTS)
                self._characters[index] = mark if was_raised or power else f" {mark}"
            else:
                begins = raised and not was_raised and self._is_mark(word.indexes, index, base)
                ends = was_raised and not raised and not power and character.isalnum()
                self._characters[index] = f" {character}" if begins or ends else character
            if not raised and box.height:
                base = box
            before += character

    def _is_mark(self, indexes: Sequence[int], index: int, base: Box) -> bool:
        """Whether a raised sign is a note's mark: a sign, or one letter, unlike the end of "4th"."""
        if self._characters[index] in _SIGN_MARKS:
            return True
        place = indexes.index(index) + 1
        lone = place == len(indexes) or not _is_raised(self._box(indexes[place]), base)
        return lone and self._characters[index].isalpha()

    def _without_letter_spacing(
        self, words: list[_Word], gaps: list[float], size: float
    ) -> tuple[list[_Word], list[float]]:
        """Join the letters of a heading whose letters are set apart."""
        if len(words) < _SPACED_LETTERS or any(len(word.indexes) > 1 for word in words):
            return words, gaps
        letters = sum(self._text(word.indexes).isalpha() for word in words)
        if letters < _SPACED_SHARE * len(words):
            return words, gaps
        joined, kept = [words[0]], []
        narrow = min(gaps)
        for word, gap in zip(words[1:], gaps, strict=True):
            if gap <= max(_WORD_GAP * narrow, narrow + 0.1 * size):
                before = joined[-1]
                joined[-1] = self._spanning(
                    [*before.indexes, *word.indexes], before.indexes[0], word.indexes[-1]
                )
            else:
                joined.append(word)
                kept.append(0.0)
        return joined, kept

    def _reordered(self, words: Sequence[_Word]) -> Line:
        """Return a line of a page with right-to-left letters. PDFium reverses some of its words.

        Its spaces tell where words are, and the letters' places how they are drawn.
        """
        # Fonts whose boxes are those of their shapes, as Chrome's, have low ones too.
        size = max(max(word.first.height, word.last.height) for word in words) or 1.0
        flat = self._as_drawn(words, size)
        signs = [*self._characters, " "]
        text = "".join(signs[index] for index in flat)
        has_letters = any(map(str.isalpha, text))
        rtl = is_right_to_left(text) if has_letters else self._mostly_right_to_left
        runs: list[list[int]] = [[]]
        for index, mirrored in logical_order(flat, signs.__getitem__, right_to_left=rtl):
            if index < 0:
                runs.append([])
                continue
            runs[-1].append(index)
            if mirrored:
                self._characters[index] = mirror(self._characters[index])
        placed = [
            self._spanning(run, min(run, key=self._left), max(run, key=self._left)) for run in runs if run
        ]
        gaps = [
            max(after.left - before.right, before.left - after.right) for before, after in pairwise(placed)
        ]
        line = self._make(placed, gaps, size)
        cells = [Cell(spaced_brackets(cell.text), cell.left, cell.right) for cell in line.cells]
        line = replace(line, text=spaced_brackets(line.text), cells=tuple(cells))
        return _turned(line) if rtl else line

    def _as_drawn(self, words: Sequence[_Word], size: float) -> list[int]:
        """Return the indexes of a line's characters from left to right, with -1 for each space."""
        drawn: list[tuple[float, float, list[int]]] = []
        for word in words:
            order = self._from_left([index for index in word.indexes if self._characters[index]])
            boxes = [self._box(index) for index in order]
            left, right = min(box.left for box in boxes), max(box.right for box in boxes)
            drawn.append((left, right, order))
        drawn.sort(key=lambda word: word[0] + word[1])
        has_marks = any(unicodedata.combining(self._characters[i][0]) for _, _, order in drawn for i in order)
        no_space = _NO_SPACE_AT_MARKS if has_marks else _NO_SPACE
        flat: list[int] = []
        end: float | None = None
        for left, right, order in drawn:
            if end is not None and left - end > no_space * size:
                flat.append(-1)
            flat += order
            end = max(right, end or right)
        return flat

    def _from_left(self, indexes: Sequence[int]) -> list[int]:
        """Sort characters by place, each vowel sign left of its letter, as it is read after it."""
        marks = [index for index in indexes if unicodedata.combining(self._characters[index][0])]
        letters = [index for index in indexes if index not in marks]
        places = {index: (self._middle(index), 0) for index in indexes}
        for mark in marks:
            over = [letter for letter in letters if _is_inside(self._middle(mark), self._box(letter))]
            if over:
                places[mark] = self._middle(over[0]), -1
        return sorted(indexes, key=places.__getitem__)

    def _middle(self, index: int) -> float:
        box = self._box(index)
        return (box.left + box.right) / 2

    def _left(self, index: int) -> float:
        return self._box(index).left


def _is_inside(place: float, box: Box) -> bool:
    return box.left < place < box.right


def _turned(line: Line) -> Line:
    """Return a line that runs from right to left, with its places across negative (see ``Line``)."""
    cells = tuple(Cell(cell.text, -cell.right, -cell.left) for cell in line.cells)
    return replace(line, left=-line.right, right=-line.left, cells=cells)
