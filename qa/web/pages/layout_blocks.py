"""What a laid-out text is made of: blocks of runs, each of whose characters has its place in the document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from qa.types import Span

Style = Literal["", "em", "strong", "code"]
Kind = Literal["paragraph", "heading", "matter", "sign", "quote", "code", "item", "table"]

_LINE_END = re.compile(r"\r\n?|\n")
_DIVIDER = re.compile(r"(?<!\\)\|")


class Run(NamedTuple):
    r"""Text as it is shown: the character at place ``n`` is that of the document at ``start + n``.

    A line end is shown as a space if its lines are joined, else as ``\n``; a NUL, which browsers drop, as
    U+FFFD.
    """

    start: int
    text: str
    style: Style = ""

    @property
    def end(self) -> int:
        """Where it ends in the document."""
        return self.start + len(self.text)


Row = tuple[tuple[Run, ...], ...]
"""The cells of a row, each of which is runs."""


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A block of the text.

    Attributes:
        kind: what it is. ``matter`` is front matter, ``sign`` a line of signs without words.
        span: its place in the document, with what is not shown, such as the signs of Markdown.
        runs: its text; none for a table.
        level: 1 to 6 for a heading; for an item how deep it lies, from 0.
        numbered: whether an item begins with its own number or letter, which is among the runs.
        rows: the rows of a table.
        header_rows: how many of them name the columns.
    """

    kind: Kind
    span: Span
    runs: tuple[Run, ...] = ()
    level: int = 0
    numbered: bool = False
    rows: tuple[Row, ...] = ()
    header_rows: int = 0


class Runs:
    """Collects runs. What adjoins, in one style, becomes one run."""

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def add(self, start: int, text: str, style: Style = "") -> None:
        """Add text that stands at ``start`` of the document."""
        text = text.replace("\0", "\ufffd")
        last = self._runs[-1] if self._runs else None
        if last and last.end == start and last.style == style:
            self._runs[-1] = last._replace(text=last.text + text)
        elif text:
            self._runs.append(Run(start, text, style))

    def take(self) -> tuple[Run, ...]:
        """Return the runs."""
        return tuple(self._runs)


def lines_of(text: str, span: Span) -> list[Span]:
    """Return the lines of a part of the text, without their ends."""
    lines, position = [], span.start
    for end in _LINE_END.finditer(text, *span):
        lines.append(Span(position, end.start()))
        position = end.end()
    return [*lines, Span(position, span.end)] if position < span.end else lines


def stripped(text: str, span: Span) -> Span:
    """Return a span without the whitespace at its edges; empty, at its start, if it has nothing else."""
    own = span.slice(text)
    start = span.start + len(own) - len(own.lstrip())
    return Span(start, max(start, span.start + len(own.rstrip()))) if own.strip() else Span(start, start)


def columns_of(text: str, line: Span) -> int:
    """Return into how many cells bars divide a line."""
    return sum(1 for _ in _DIVIDER.finditer(text, *line)) + 1


def cells_of(text: str, line: Span) -> Iterator[Span]:
    """Yield where the cells of a line are, without the spaces around them."""
    start = line.start
    for end in [*(divider.start() for divider in _DIVIDER.finditer(text, *line)), line.end]:
        yield stripped(text, Span(start, end))
        start = end + 1


def cell_runs(text: str, cell: Span) -> tuple[Run, ...]:
    r"""Return a cell's text; its own bars, which stand as ``\|``, lose the backslash."""
    runs, position = Runs(), cell.start
    while (bar := text.find("\\|", position, cell.end)) >= 0:
        runs.add(position, text[position:bar])
        runs.add(bar + 1, "|")
        position = bar + 2
    runs.add(position, text[position : cell.end])
    return runs.take()


def padded(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return rows with empty cells at the end, so that all are of one length."""
    width = max(map(len, rows), default=0)
    return tuple(row + ((),) * (width - len(row)) for row in rows)
