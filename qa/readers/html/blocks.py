"""HTML, XHTML and trafilatura's XML → blocks of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from qa.readers.extract import MAX_HEADING_LENGTH, Block, one_line, printable
from qa.readers.grid import Grid
from qa.readers.html.data_tables import table_blocks
from qa.readers.html.elements import local_name
from qa.readers.html.walking import BLOCKS, BREAKS, HEADINGS, SKIPPED, Blocks, Tag, text_of, walk

_LISTS = frozenset({"ul", "ol", "list"})
_ITEMS = frozenset({"li", "item"})

_NUMBERED = re.compile(r"(?:-?\d+|[A-Za-z]|[ivxlcdm]+|[IVXLCDM]+)\. ")
_TWOBREAKS = re.compile(r"\x0b[^\S\x0b]*+(?:\x0b[^\S\x0b]*+)++")


def blocks(root: Any, *, skipped: frozenset[str] = frozenset()) -> Iterator[Block | Grid]:
    """Yield the blocks and tables of an element and its descendants, in order.

    A list item begins with "- ", unless it has a number.

    Args:
        root: an element of HTML, or of the XML that trafilatura returns.
        skipped: names of elements to leave out, besides scripts, styles, navigation and form fields.
    """
    inline: list[str] = []
    items = _Items()
    for event in walk(root, SKIPPED | skipped, _whole):
        if isinstance(event, str):
            inline.append(event)
        elif isinstance(event, Tag):
            if event.name in BREAKS:
                inline.append("\x0b" if event.opens else "")
            elif event.name in BLOCKS:
                yield from items.mark(_paragraphs(inline))
                inline.clear()
                items.note_tag(event)
        else:
            yield from items.mark(_paragraphs(inline))
            inline.clear()
            yield from event
            items.note_other_blocks()
    yield from items.mark(_paragraphs(inline))


def _paragraphs(inline: list[str]) -> Iterator[Block]:
    """Split running text at double line breaks."""
    for paragraph in _TWOBREAKS.split("".join(inline)):
        if text := one_line(paragraph):
            yield Block(text)


class _Items:
    """Marks list items, and puts those of one list on consecutive lines."""

    def __init__(self) -> None:
        self._depth = 0
        self._begins = False
        self._follows = False

    def note_tag(self, tag: Tag) -> None:
        """Note where lists and items begin and end."""
        if tag.name in _LISTS:
            self._depth += 1 if tag.opens else -1
            self._follows = self._follows and self._depth > 0
        elif tag.name in _ITEMS and tag.opens:
            self._begins = True

    def note_other_blocks(self) -> None:
        """Note that blocks which are not items interrupt the list."""
        self._begins = self._follows = False

    def mark(self, paragraphs: Iterable[Block]) -> Iterator[Block]:
        """Mark the first block of an item."""
        for block in paragraphs:
            yield Block(_marked(block.text), tight=self._follows) if self._begins else block
            self._follows = self._begins
            self._begins = False


def _marked(text: str) -> str:
    return text if _NUMBERED.match(text) else f"- {text}"


def _whole(element: Any) -> Blocks:
    """Return the blocks of a heading, preformatted text or data table; none for anything else."""
    name = local_name(element)
    if name == "pre":
        text = printable("".join(element.itertext())).strip("\n")
        return [Block(text)] if text.strip() else []
    if name == "table":
        return table_blocks(element)
    level = _level(element, name)
    text = text_of(element) if level else ""
    return [Block(text, level)] if 0 < len(text) <= MAX_HEADING_LENGTH else []


def _level(element: Any, name: str) -> int | None:
    """Return a heading's level; trafilatura's ``head`` has HTML's name for it in ``rend``."""
    return HEADINGS.get(element.get("rend", "h2") if name == "head" else name)
