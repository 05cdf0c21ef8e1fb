"""What the reader of one format hands over, and the building of canonical text from blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from qa.readers.metadata import Facts
from qa.types import Heading, Span

LONGEST_HEADING = 300
"""The longest heading in characters. It is kept with each passage below it; a longer one is body text."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Extract:
    """A file's text and what the file says of it. Fields as in ``Reading``."""

    text: str
    facts: Facts = field(default_factory=Facts)
    headings: tuple[Heading, ...] | None = None
    pages: tuple[Span, ...] = ()
    key: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading (``level`` from 1), list item or table row of extracted text.

    ``tight`` puts it on the line after the block before, as the items of a list and the rows of a table.
    """

    text: str
    level: int | None = None
    tight: bool = False


def printable(text: str) -> str:
    """Put a space for every control character but tab and line ends, U+FFFD for half of a surrogate pair."""
    return _SURROGATE.sub("\ufffd", _UNPRINTABLE.sub(" ", text))


def one_line(text: str) -> str:
    """Join the lines of a paragraph by spaces; soft hyphens, which are not seen, go."""
    return " ".join(printable(text.replace("\u00ad", "")).split())


def assemble(blocks: Iterable[Block]) -> tuple[str, tuple[Heading, ...]]:
    """Join blocks into a text, blank lines between them, and tell where the headings are."""
    parts: list[str] = []
    headings = []
    length = 0
    for block in blocks:
        if parts:
            gap = "\n" if block.tight else "\n\n"
            parts.append(gap)
            length += len(gap)
        if block.level is not None:
            headings.append(Heading(Span(length, length + len(block.text)), block.level))
        parts.append(block.text)
        length += len(block.text)
    return "".join(parts), tuple(headings)
