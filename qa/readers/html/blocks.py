"""HTML, XHTML and trafilatura's XML → blocks of text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from qa.readers.extract import MAX_HEADING_LENGTH, Block, one_line, printable
from qa.readers.grid import Cell, Grid, lay_out
from qa.readers.html.collapsed import is_hidden
from qa.readers.html.elements import local_name

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SKIPPED = frozenset(
    """
    script style template noscript svg math object iframe button select textarea input nav video audio canvas
    """.split()  # noqa: SIM905
)
_BLOCKS = frozenset(
    """
    html body p div section article main header footer aside address blockquote quote figure figcaption
    caption ul ol dl list li item dt dd table tbody thead tfoot tr row td th cell form fieldset legend
    details summary hr pre center doc
    """.split()  # noqa: SIM905
) | frozenset(_HEADINGS)
_LISTS = frozenset({"ul", "ol", "list"})
_ITEMS = frozenset({"li", "item"})
_ROWS = frozenset({"tr", "row"})
_CELLS = frozenset({"td", "th", "cell"})
_BREAKS = frozenset({"br", "lb"})

Blocks = Sequence[Block | Grid]

_MAX_CELL_LENGTH = 300  # characters: a cell with a longer text lays out a page
_MOST_COVERED = 200
"""Rows or columns that a cell covers at most: hostile pages state millions."""

_NUMBERED = re.compile(r"(?:-?\d+|[A-Za-z]|[ivxlcdm]+|[IVXLCDM]+)\. ")
_TWO_BREAKS = re.compile(r"\x0b[^\S\x0b]*+(?:\x0b[^\S\x0b]*+)++")


def blocks(root: Any, *, skipped: frozenset[str] = frozenset()) -> Iterator[Block | Grid]:
    """Yield the blocks and tables of an element and its descendants, in order.

    A list item begins with "- ", unless it has a number.

    Args:
        root: an element of HTML, or of the XML that trafilatura returns.
        skipped: names of elements to leave out, besides scripts, styles, navigation and form fields.
    """
    inline: list[str] = []
    items = _Items()
    for event in _walk(root, _SKIPPED | skipped, _whole):
        if isinstance(event, str):
            inline.append(event)
        elif isinstance(event, _Tag):
            if event.name in _BREAKS:
                inline.append("\x0b" if event.opens else "")
            elif event.name in _BLOCKS:
                yield from items.mark(_paragraphs(inline))
                inline.clear()
                items.note_tag(event)
        else:
            yield from items.mark(_paragraphs(inline))
            inline.clear()
            yield from event
            items.note_other_blocks()
    yield from items.mark(_paragraphs(inline))


def text_of(element: Any, skipped: frozenset[str] = frozenset()) -> str:
    """Return the text of an element and its descendants on one line."""
    parts = []
    for event in _walk(element, _SKIPPED | skipped, lambda _: ()):
        if isinstance(event, str):
            parts.append(event)
        elif isinstance(event, _Tag) and event.name in _BLOCKS | _BREAKS:
            parts.append(" ")
    return one_line("".join(parts))


class _Tag(NamedTuple):
    name: str
    opens: bool


def _walk(
    root: Any, skipped: frozenset[str], whole: Callable[[Any], Blocks]
) -> Iterator[str | _Tag | Blocks]:
    """Yield texts and tags in order, and the blocks of an element in its place if ``whole`` returns any.

    It does not recurse: hostile pages nest a hundred thousand elements.
    """
    stack = [(root, iter(root))]
    yield _Tag(local_name(root), opens=True)
    yield root.text or ""
    while stack:
        parent, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            yield _Tag(local_name(parent), opens=False)
        elif (name := local_name(child)) in skipped or not name or is_hidden(child):
            pass
        elif whole_blocks := whole(child):
            yield whole_blocks
        else:
            stack.append((child, iter(child)))
            yield _Tag(name, opens=True)
            yield child.text or ""
            continue
        ended = parent if child is None else child
        if ended is not root:
            yield ended.tail or ""


def is_left_out(element: Any) -> bool:
    """Whether an element is not text: a script, navigation, or hidden by the browser."""
    return local_name(element) in _SKIPPED or is_hidden(element)


def _paragraphs(inline: list[str]) -> Iterator[Block]:
    """Split running text at double line breaks."""
    for paragraph in _TWO_BREAKS.split("".join(inline)):
        if text := one_line(paragraph):
            yield Block(text)


class _Items:
    """Marks list items, and puts those of one list on consecutive lines."""

    def __init__(self) -> None:
        self._depth = 0
        self._begins = False
        self._follows = False

    def note_tag(self, tag: _Tag) -> None:
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
        return _table(element)
    level = _level(element, name)
    text = text_of(element) if level else ""
    return [Block(text, level)] if 0 < len(text) <= MAX_HEADING_LENGTH else []


def _level(element: Any, name: str) -> int | None:
    """Return a heading's level; trafilatura's ``head`` has HTML's name for it in ``rend``."""
    return _HEADINGS.get(element.get("rend", "h2") if name == "head" else name)


def _table(table: Any) -> Blocks:
    """Return a table and its caption; nothing if it only lays out a page: its cells are then paragraphs."""
    names = Counter(local_name(element) for element in table.iter())
    is_layout = table.get("role") in {"presentation", "none"}
    if is_layout or names["pre"] or names["table"] > 1 or any(names[heading] for heading in _HEADINGS):
        return []
    captions = [Block(text_of(element)) for element in table.iter() if local_name(element) == "caption"]
    rows = [row for row in table.iter() if local_name(row) in _ROWS]
    cells = [[_cell(cell) for cell in row if local_name(cell) in _CELLS] for row in rows]
    if any(len(cell.text) > _MAX_CELL_LENGTH for row in cells for cell in row):
        return []
    grid = lay_out(cells, header_rows=_count_header_rows(rows))
    return [*captions, grid] if grid.rows else captions


def _cell(cell: Any) -> Cell:
    return Cell(text_of(cell), _covered(cell.get("rowspan")), _covered(cell.get("colspan")))


def _covered(value: str | None) -> int:
    """Return how many rows or columns a cell covers, within reason."""
    return min(max(int(value), 1), _MOST_COVERED) if value and value.strip().isdecimal() else 1


def _count_header_rows(rows: Sequence[Any]) -> int:
    """Count the first rows that only name columns: those of ``thead``, or of nothing but ``th``."""
    count = 0
    for row in rows:
        cells = [cell for cell in row if local_name(cell) in _CELLS]
        marked = local_name(row.getparent()) == "thead" or row.get("role") == "head"
        if not marked and not all(_names_column(cell) for cell in cells):
            break
        count += 1
    return count if count < len(rows) else 0


def _names_column(cell: Any) -> bool:
    is_header = local_name(cell) == "th" and cell.get("scope") != "row"
    return bool(is_header or cell.get("role") == "head")
