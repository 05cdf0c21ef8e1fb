"""What the reader of a format returns, and the canonical text made of blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from qa.readers.grid import Grid
from qa.readers.metadata import Facts
from qa.types import Heading, RecognisedPage, Span, Table

MAX_HEADING_LENGTH = 300
"""The longest heading in characters. It is kept with each passage below it; a longer one is body text."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside another, such as an attachment. The reader of its own kind reads it.

    Attributes:
        path: relative to the file that holds it, in POSIX form.
        data: its bytes.
    """

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class BadMember:
    """A file inside another that cannot be read, and why: the reason continues a sentence."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Extract:
    """A file's text and its own metadata. Fields as in ``Reading``.

    Attributes:
        members: the files attached to this document. A note on it names those of no kind that is read.
    """

    text: str
    facts: Facts = field(default_factory=Facts)
    headings: tuple[Heading, ...] | None = None
    pages: tuple[Span, ...] = ()
    tables: tuple[Table, ...] = ()
    key: str | None = None
    notes: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    recognised: tuple[RecognisedPage, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading or list item of extracted text.

    Attributes:
        text: its text.
        level: a heading's level, from 1.
        tight: whether it is on the line after the block before, as list items are.
    """

    text: str
    level: int | None = None
    tight: bool = False


def printable(text: str) -> str:
    """Replace control characters, except tabs and line ends, by spaces and lone surrogates by U+FFFD."""
    return _SURROGATE.sub("\ufffd", _UNPRINTABLE.sub(" ", text))


def one_line(text: str) -> str:
    """Join the lines of a paragraph by spaces, and drop soft hyphens, which are invisible."""
    return " ".join(printable(text.replace("\u00ad", "")).split())


def mark_first(blocks: Iterable[Block | Grid], mark: str, *, tight: bool = False) -> Iterator[Block | Grid]:
    """Put a mark before the first paragraph of an item or a note."""
    for block in blocks:
        if mark and isinstance(block, Block) and block.text:
            yield Block(f"{mark} {block.text}", tight=tight)
            mark = ""
        else:
            yield block


def join_in_cell(blocks: Iterable[Block | Grid]) -> str:
    """Return the blocks of a table's cell on one line; semicolons divide the rows of a table in it."""
    return " ".join(_cell_text(block) for block in blocks)


def _cell_text(block: Block | Grid) -> str:
    if isinstance(block, Block):
        return block.text
    return "; ".join(" ".join(filter(None, row)) for row in block.rows)


class AssembledText(NamedTuple):
    """A canonical text, and where its headings and tables are."""

    text: str
    headings: tuple[Heading, ...]
    tables: tuple[Table, ...]


def assemble(blocks: Iterable[Block | Grid]) -> AssembledText:
    """Return the text of blocks and tables, separated by blank lines."""
    parts: list[str] = []
    headings: list[Heading] = []
    tables: list[Table] = []
    length = 0
    for block in blocks:
        text = block.text
        if not text:
            continue
        if parts:
            gap = "\n" if isinstance(block, Block) and block.tight else "\n\n"
            parts.append(gap)
            length += len(gap)
        if isinstance(block, Grid):
            tables.append(block.table(length))
        elif block.level is not None:
            headings.append(Heading(Span(length, length + len(text)), block.level))
        parts.append(text)
        length += len(text)
    return AssembledText("".join(parts), tuple(headings), tuple(tables))
