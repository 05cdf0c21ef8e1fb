"""A page's characters → its lines in reading order, each with the places of its letters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Any

from qa.readers.pdf import pdfium
from qa.readers.pdf.annotations import with_annotations
from qa.readers.pdf.bidi import RIGHT_TO_LEFT, is_right_to_left, logical_order, mirror
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
_WORD_GAP = 1.6  # times the gap of letters: more is a gap between words of such a heading
_MARKS = re.compile(r"[0-9*†‡§¶a-z]")
_SIGN_MARKS = frozenset("*†‡§¶")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNIT = re.compile(r"(?:^|[\s\d/·])(?:10|[kcdmµ]?m|s|ft|in|yd)$")
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
    """Characters without a space between them: their indexes in reading order, and the ends of the word."""

    indexes: Sequence[int]
    first: Box
    last: Box

    @property
    def left(self) -> float:
        return min(self.first.left, self.last.left)

    @property
    def right(self) -> float:
        return max(self.first.right, self.last.right)


def read_page(document: Any, index: int) -> PageLines:
    """Return the lines of a page, by its index from 0, with the values of its forms and its notes."""
    with pdfium.open_page(document, index) as (page, text_page):
        _, height = page.get_size()
        characters = pdfium.characters(text_page)
        undecodable = _drop_undecodable(text_page, characters)
        compose(characters, lambda character: pdfium.character_box(text_page, character))
        lines = list(_Reader(text_page, characters).lines())
        return PageLines(with_annotations(document, page, lines), height, undecodable)


def letter_boxes(text_page: Any, lines: Sequence[Line]) -> Iterator[Box]:
    """Yield the box of each letter and digit of some lines of a page, in the order of the text."""
    for line in lines:
        if line.box:
            yield from [line.box] * count_letters(line.text)
            continue
        for index, letters in line.letters:
            box = pdfium.character_box(text_page, index)
            for _ in range(letters):
                yield box


def count_letters(text: str) -> int:
    """Count the letters and digits of a text."""
    return sum(map(str.isalnum, text))


def _drop_undecodable(text_page: Any, characters: list[str]) -> bool:
    """Empty the characters that say nothing, in place, and return whether most of the page's do."""
    drawn = [index for index, character in enumerate(characters) if character not in " \r\n\xa0"]
    chosen = drawn[:: len(drawn) // _SAMPLES + 1]
    unmapped = sum(pdfium.is_unmapped(text_page, index) for index in chosen)
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

    def __init__(self, text_page: Any, characters: list[str]) -> None:
        self._text_page = text_page
        self._characters = characters

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
        if RIGHT_TO_LEFT.search("".join(self._characters[start:end])):
            return self._right_to_left(words)
        self._part_marks(words)
        gaps = [after.left - before.right for before, after in pairwise(words)]
        words, gaps = self._without_letter_spacing(words, gaps, size)
        return self._make(words, gaps, size)

    def _words(self, start: int, end: int) -> Iterator[_Word]:
        first = last = None
        for index in range(start, end + 1):
            character = self._characters[index] if index < end else " "
            if not character:
                continue
            if not character.isspace() and (character > " " or character in HYPHENS) and character != "\x7f":
                first, last = index if first is None else first, index
            elif first is not None and last is not None:
                yield self._word(range(first, last + 1))
                first = None

    def _word(self, indexes: range) -> _Word:
        first = self._box(indexes[0])
        return _Word(indexes, first, self._box(indexes[-1]) if len(indexes) > 1 else first)

    def _box(self, index: int) -> Box:
        return pdfium.character_box(self._text_page, index)

    def _text(self, indexes: Sequence[int]) -> str:
        return clean("".join([self._characters[index] for index in indexes]))

    def _make(self, words: Sequence[_Word], gaps: Sequence[float], size: float) -> Line:
        """Return the line of words in reading order, with its cells where gaps are wide."""
        cells: list[list[_Word]] = [[words[0]]]
        texts = [self._text(words[0].indexes)]
        for word, gap in zip(words[1:], gaps, strict=True):
            if gap > _WIDE_GAP * size:
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
            letters=tuple(self._letters(words)),
        )

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
            text = "".join(self._characters[word.indexes[0] : word.indexes[-1] + 1])
            if len(text) > 1 and not text.isalpha() and _MARKS.search(text, 1):
                self._part_word(word)

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
        single = [len(self._text(word.indexes)) == 1 for word in words]
        letters = sum(self._text(word.indexes).isalpha() for word in words)
        if len(words) < _SPACED_LETTERS or not all(single) or letters < len(words) * 0.8:
            return words, gaps
        joined, kept = [words[0]], []
        narrow = min(gaps)
        for word, gap in zip(words[1:], gaps, strict=True):
            if gap <= max(_WORD_GAP * narrow, narrow + 0.1 * size):
                before = joined[-1]
                joined[-1] = _Word([*before.indexes, *word.indexes], before.first, word.last)
            else:
                joined.append(word)
                kept.append(0.0)
        return joined, kept

    def _right_to_left(self, words: Sequence[_Word]) -> Line:
        """Return a line with right-to-left letters. PDFium reverses some of its words and not others.

        Its spaces tell where words are, and the letters' places how they are drawn.
        """
        # Fonts whose boxes are those of their shapes, as Chrome's, have low ones too.
        size = max(max(word.first.height, word.last.height) for word in words) or 1.0
        drawn: list[tuple[float, list[int]]] = []
        for word in words:
            boxes = {index: self._box(index) for index in word.indexes if self._characters[index]}
            order = sorted(boxes, key=lambda index: boxes[index].left + boxes[index].right)
            middle = sum(box.left + box.right for box in boxes.values()) / len(boxes)
            drawn.append((middle, order))
        drawn.sort(key=lambda item: item[0])
        flat = [index for _, order in drawn for index in (*order, -1)][:-1]
        characters = [*self._characters, " "]
        rtl = is_right_to_left("".join(characters[index] for index in flat))
        ordered = logical_order(flat, lambda index: characters[index], right_to_left=rtl)
        runs: list[list[int]] = [[]]
        for index, mirrored in ordered:
            if index < 0:
                runs.append([])
                continue
            runs[-1].append(index)
            if mirrored:
                self._characters[index] = mirror(self._characters[index])
        placed = [
            _Word(run, self._box(min(run, key=self._left)), self._box(max(run, key=self._left)))
            for run in runs
            if run
        ]
        gaps = [
            max(after.left - before.right, before.left - after.right) for before, after in pairwise(placed)
        ]
        line = self._make(placed, gaps, size)
        if not rtl:
            return line
        cells = tuple(Cell(cell.text, -cell.right, -cell.left) for cell in line.cells)
        return replace(line, left=-line.right, right=-line.left, cells=cells)

    def _left(self, index: int) -> float:
        return self._box(index).left
