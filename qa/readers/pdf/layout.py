"""Lines on a page → paragraphs, by the positions of the lines. Pure geometry, no PDF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import quantiles
from typing import NamedTuple

from qa.readers.pdf.pdfium import Box
from qa.text.patterns import SENTENCE_MARKS, begins_with_bullet, ends_with_mark

_WORD = re.compile(r"[^\W_]++(?:-[^\W_]++)*+")
_DIVIDED = re.compile(r"\w-")
_LAST_WORD = re.compile(r"[^\W\d_]*+")
_FIRST_WORD = re.compile(r"[^\W\d_]+")

# Chosen so that the pages of the tests come out right: one and two columns, indented or not, tables.
_SAME_SIZE = 0.15  # the share by which the sizes of lines of one paragraph may differ
_WIDER_GAP = 1.25  # times the usual distance of lines: more begins a paragraph
_EVEN = 0.04  # the share by which even distances of lines may differ
_EVEN_GAPS = 3  # even distances that show how a paragraph is spaced
_WIDEST = 3.2  # line heights: no paragraph's lines are further apart
_RAGGED = 0.35  # the share of a column that a line which goes on may leave empty
_SPACE = 0.8  # line heights: pieces of a line that are nearer are words of one cell
_NO_SPACE = 0.12  # line heights: pieces that are nearer are parts of one word
_FEW_LINES = 3  # too few to show a column's margin or a usual distance
_TABLE_GAP = 2.5  # line heights: rows of a table that are further apart are two tables

_NEARBY_ROWS = 100
"""Rows before and after a short run that show where its column ends: more than a printed page has."""

_MAX_WORD_LENGTH = 100
"""Characters that are kept of a word which goes on over many lines."""


class Cell(NamedTuple):
    """A part of a line that a wide gap sets apart: its text and its ends in points."""

    text: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page, in points from the page's lower left corner.

    Attributes:
        text: with "-" for a hyphen at its end, and tabs between the cells of a table.
        left: where it begins. Across, the places of a line that runs from right to left count negatively, so
            that each line goes from its left to its right.
        right: where it ends.
        baseline: the height of its baseline.
        size: the median height of its letters' boxes.
        first_word: the width of its first word.
        bold: whether its letters are.
        cells: its parts between tabs.
        letters: for each of the page's characters in it, in reading order, its index and how many letters and
            digits of the text it stands for; empty if nobody asked for them.
        box: its place, if it is an annotation's text and not the page's own.
        is_value: whether it is the value of a form's field, or has one in it.
    """

    text: str
    left: float
    right: float
    baseline: float
    size: float
    first_word: float
    bold: bool = False
    cells: tuple[Cell, ...] = ()
    letters: tuple[tuple[int, int], ...] = ()
    box: Box | None = None
    is_value: bool = False

    @property
    def is_alone(self) -> bool:
        """Whether it is a paragraph of its own: text that was put onto the page later."""
        return self.box is not None and not self.is_value

    @property
    def is_tabular(self) -> bool:
        """Whether it is a row of a table."""
        return "\t" in self.text

    @property
    def ends_a_sentence(self) -> bool:
        """Whether a sentence ends with it."""
        return ends_with_mark(self.text, SENTENCE_MARKS)

    def has_size_of(self, other: Line) -> bool:
        """Whether its letters are about as high as those of another line."""
        return abs(self.size - other.size) <= _SAME_SIZE * max(self.size, other.size)


def paragraphs(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield the paragraphs of a page. Its lines come in reading order."""
    rows = _rows(lines)
    paragraph: list[Line] = []
    position = 0
    for run in _runs(rows, _leading(rows)):
        margin = _margin(run, rows, position)
        for line in run:
            is_first = line is run[0]
            begins = (
                _begins_run(line, paragraph, rows, position) if is_first else _begins(line, paragraph, margin)
            )
            if paragraph and begins:
                yield paragraph
                paragraph = []
            paragraph.append(line)
        position += len(run)
    if paragraph:
        yield paragraph


def vocabulary(lines: Iterable[Line]) -> AbstractSet[str]:
    """Return the words of a document in folded case, compounds with their hyphens."""
    return {word.casefold() for line in lines for word in _WORD.findall(line.text)}


def join(paragraph: Sequence[Line], words: AbstractSet[str]) -> str:
    """Join the lines of a paragraph; rows of a table stay lines.

    A hyphen at the end of a line is dropped if a lower-case letter follows, unless the document writes the
    compound with its hyphen elsewhere and never without.
    """
    parts = [paragraph[0].text]
    end = parts[0]
    for line in paragraph[1:]:
        gap = "\n" if line.is_tabular else "" if _DIVIDED.fullmatch(end[-2:]) else " "
        if not gap and _is_divided(end, line.text, words):
            parts[-1] = parts[-1][:-1]
            end = end[:-1]
        parts += gap, line.text
        end = f"{end}{gap}{line.text}"[-_MAX_WORD_LENGTH:]
    return "".join(parts)


def _is_divided(text: str, following: str, words: AbstractSet[str]) -> bool:
    """Whether the hyphen at the end of a text only divides a word that goes on in the following line."""
    before = _LAST_WORD.match(text[-2::-1])
    after = _FIRST_WORD.match(following)
    if not (before and before[0] and after and after[0][0].islower()):
        return False
    compound = f"{before[0][::-1]}-{after[0]}".casefold()
    return compound not in words or compound.replace("-", "") in words


def _rows(lines: Sequence[Line]) -> list[Line]:
    """Join pieces that are side by side, such as the cells of a table, into one line."""
    rows: list[list[Line]] = []
    for line in lines:
        if rows and _is_beside(rows[-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_merged(row) for row in rows]


def _merged(row: Sequence[Line]) -> Line:
    """Join the pieces of a row; the value of a form's field follows its label as a word does."""
    if len(row) == 1:
        return row[0]
    texts, cells = [row[0].text], list(row[0].cells)
    for before, piece in pairwise(row):
        gap = piece.left - before.right
        if before.is_value or piece.is_value or gap < _SPACE * before.size:
            space = "" if gap < _NO_SPACE * before.size and not piece.is_value else " "
            joins, goes_on = cells.pop(), piece.cells[0]
            cells.append(Cell(joins.text + space + goes_on.text, joins.left, goes_on.right))
            cells += piece.cells[1:]
        else:
            space = "\t"
            cells += piece.cells
        texts += space, piece.text
    first = next((piece for piece in row if not piece.is_value), row[0])
    return replace(
        first,
        text="".join(texts),
        left=row[0].left,
        right=row[-1].right,
        cells=tuple(cells),
        box=None,
        is_value=any(piece.is_value for piece in row),
    )


def _is_beside(row: Sequence[Line], line: Line) -> bool:
    first = row[0]
    if line.is_alone or row[-1].is_alone:
        return False
    if first.is_value or line.is_value:
        on_row = abs(first.baseline - line.baseline) < 0.7 * max(first.size, line.size)
        return on_row and line.left >= row[-1].left
    return abs(first.baseline - line.baseline) < first.size / 4 and line.left >= row[-1].right


def _leading(rows: Sequence[Line]) -> float | None:
    """Return the usual distance of a paragraph's lines: the first fifth, as paragraphs are further apart."""
    gaps = [
        above.baseline - below.baseline
        for above, below in pairwise(rows)
        if above.has_size_of(below) and above.size * 0.6 < above.baseline - below.baseline < above.size * 3
    ]
    if len(gaps) < _FEW_LINES:
        return None
    return quantiles(gaps, n=5, method="inclusive")[0]


def _runs(rows: Sequence[Line], leading: float | None) -> Iterator[list[Line]]:
    """Yield runs of lines, split where the distance, the size of letters or the column changes."""
    usual = _usual_distances(rows, leading)
    run: list[Line] = []
    for line, distance in zip(rows, usual, strict=True):
        if run and _is_apart(run[-1], line, distance):
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _usual_distances(rows: Sequence[Line], leading: float | None) -> list[float | None]:
    """Return for each row how far from the one above a line of the same paragraph would be.

    That is the page's usual distance, or a wider one that stays the same over some lines, as it does where
    a page is double-spaced but for its footnotes.
    """
    usual = [leading] * len(rows)
    gaps = [0.0] + [_gap(above, below) for above, below in pairwise(rows)]
    start = 1
    for end in range(2, len(gaps) + 1):
        if end < len(gaps) and gaps[start] and abs(gaps[end] - gaps[start]) <= _EVEN * gaps[start]:
            continue
        if gaps[start] and end - start >= _EVEN_GAPS:
            usual[start:end] = [max(gaps[start], leading or 0.0)] * (end - start)
        start = end
    return usual


def _gap(above: Line, below: Line) -> float:
    """Return the distance of two lines that may be of one paragraph; 0 if they cannot be."""
    gap = above.baseline - below.baseline
    prose = not (above.is_tabular or below.is_tabular or above.is_alone or below.is_alone)
    return gap if prose and above.has_size_of(below) and 0 < gap <= _WIDEST * above.size else 0.0


def _is_apart(above: Line, below: Line, leading: float | None) -> bool:
    gap = above.baseline - below.baseline
    if above.is_alone or below.is_alone or above.bold != below.bold:
        return True
    return not (above.has_size_of(below) and 0 < gap <= _WIDER_GAP * (leading or 1.2 * above.size))


def _column(line: Line, rows: Sequence[Line]) -> list[Line]:
    """Return the lines that begin about where ``line`` does and have its size."""
    return [row for row in rows if abs(row.left - line.left) < 3 * line.size and row.has_size_of(line)]


def _margin(run: Sequence[Line], rows: Sequence[Line], position: int) -> float:
    """Return how far right a run reaches; if it is short, how far its column nearby does."""
    if len(run) < _FEW_LINES:
        run = _column(run[0], rows[max(0, position - _NEARBY_ROWS) : position + _NEARBY_ROWS])
    return max(line.right for line in run)


def _begins_run(line: Line, paragraph: Sequence[Line], rows: Sequence[Line], position: int) -> bool:
    """Whether the first line of a run, the row at ``position``, begins a paragraph.

    It does not if a paragraph goes on in the next column or far below, or a table with its next row.
    """
    if not paragraph:
        return True
    above = paragraph[-1]
    if above.is_alone or line.is_alone or _is_field_of_its_own(above, line):
        return True
    if above.is_tabular and line.is_tabular and line.has_size_of(above):
        return not 0 < above.baseline - line.baseline < _TABLE_GAP * line.size
    continues = line.text[0].islower() and not above.ends_a_sentence and line.has_size_of(above)
    if not continues or above.is_tabular or line.is_tabular or above.bold != line.bold:
        return True
    if line.baseline > above.baseline:
        return False
    far = above.baseline - line.baseline > _WIDEST * line.size or abs(line.left - above.left) > 3 * line.size
    return far or _has_room(above, line, _margin([above], rows, position - 1))


def _is_field_of_its_own(above: Line, line: Line) -> bool:
    """Whether a form's field is in one of two lines, and no sentence goes on from one to the other."""
    return (above.is_value or line.is_value) and (above.ends_a_sentence or not line.text[0].islower())


def _has_room(above: Line, line: Line, margin: float) -> bool:
    """Whether the first word of a line would have fitted on the one above, which was ended on purpose.

    Where a sentence goes on in lower case, the lines of a long one may just be ragged.
    """
    room = margin - above.right
    if line.text[0].islower() and not above.ends_a_sentence and above.bold == line.bold:
        return room > max(line.first_word + 0.8 * line.size, _RAGGED * (margin - above.left))
    return room > line.first_word + 0.8 * line.size


def _begins(line: Line, paragraph: Sequence[Line], margin: float) -> bool:
    """Whether ``line`` begins a new paragraph within a run of lines.

    A line with room for the first word of the next was ended on purpose.
    """
    above = paragraph[-1]
    if above.is_tabular or line.is_tabular:
        return above.is_tabular != line.is_tabular
    if begins_with_bullet(line.text) or _is_field_of_its_own(above, line):
        return True
    if above.text.endswith("-"):
        return False
    if _has_room(above, line, margin):
        return True
    shift = line.left - above.left
    step = 0.8 * line.size
    # The first line of a paragraph may be indented: that the second begins further left says nothing.
    shifted = shift > step or (shift < -step and len(paragraph) > 1)
    return shifted and above.ends_a_sentence
