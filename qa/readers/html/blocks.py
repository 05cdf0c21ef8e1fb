"""HTML, XHTML and trafilatura's XML → blocks of text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from qa.readers.extract import MAX_HEADING_LENGTH, Block, one_line, printable

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SKIPPED = frozenset(
    "script style template noscript svg math object iframe button select textarea input nav".split()  # noqa: SIM905
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

_MAX_CELL_LENGTH = 300  # characters: a cell with a longer text lays out a page
_TWO_BREAKS = re.compile(r"\x0b[^\S\x0b]*+(?:\x0b[^\S\x0b]*+)++")
_HIDDEN = re.compile(r"(?:^|;)\s*display\s*:\s*none", re.IGNORECASE)


def local_name(element: Any) -> str:
    """Return an element's name in lower case and without its namespace; comments and such have none."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def blocks(root: Any, *, skipped: frozenset[str] = frozenset()) -> Iterator[Block]:
    """Yield the blocks of an element and its descendants, in order.

    A table row is one line, its cells separated by " | "; a list item begins with "- ".

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
    for event in _walk(element, _SKIPPED | skipped, lambda _: []):
        if isinstance(event, str):
            parts.append(event)
        elif isinstance(event, _Tag) and event.name in _BLOCKS | _BREAKS:
            parts.append(" ")
    return one_line("".join(parts))


class _Tag(NamedTuple):
    name: str
    opens: bool


def _walk(
    root: Any, skipped: frozenset[str], whole: Callable[[Any], list[Block]]
) -> Iterator[str | _Tag | list[Block]]:
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
        elif (name := local_name(child)) in skipped or not name or _is_hidden(child):
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
    return local_name(element) in _SKIPPED or _is_hidden(element)


def _is_hidden(element: Any) -> bool:
    return "hidden" in element.attrib or bool(_HIDDEN.search(element.get("style", "")))


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
            yield Block(f"- {block.text}", tight=self._follows) if self._begins else block
            self._follows = self._begins
            self._begins = False


def _whole(element: Any) -> list[Block]:
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


def _table(table: Any) -> list[Block]:
    """Return a table's rows as lines; nothing if it only lays out a page: its cells are then paragraphs."""
    names = Counter(local_name(element) for element in table.iter())
    if names["table"] > 1 or any(names[heading] for heading in _HEADINGS):
        return []
    rows = []
    captions = []
    for element in table.iter():
        name = local_name(element)
        if name in _ROWS:
            cells = [text_of(cell) for cell in element if local_name(cell) in _CELLS]
            rows.append([cell for cell in cells if cell])
        elif name == "caption":
            captions.append(Block(text_of(element)))
    if any(len(cell) > _MAX_CELL_LENGTH for row in rows for cell in row):
        return []
    lines = [" | ".join(row) for row in rows if row]
    return captions + [Block(line, tight=position > 0) for position, line in enumerate(lines)]
