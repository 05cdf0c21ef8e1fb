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

_LONGEST_CELL = 300
_TWO_BREAKS = re.compile(r"\x0b[^\S\x0b]*+(?:\x0b[^\S\x0b]*+)++")
_HIDDEN = re.compile(r"(?:^|;)\s*display\s*:\s*none", re.IGNORECASE)


def local_name(element: Any) -> str:
    """Give an element's name in lower case and without its namespace; comments and such have none."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def blocks(root: Any, *, skipped: frozenset[str] = frozenset()) -> Iterator[Block]:
    """Turn an element and all it holds into blocks, in order.

    A row of a table is one line, its cells parted by " | "; an item of a list begins with "- ".

    Args:
        root: an element of HTML, or of the XML that trafilatura gives.
        skipped: names of elements to leave out beside scripts, styles, navigation and the fields of forms.
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
                items.pass_by(event)
        else:
            yield from items.mark(_paragraphs(inline))
            inline.clear()
            yield from event
            items.interrupt()
    yield from items.mark(_paragraphs(inline))


def text_of(element: Any, skipped: frozenset[str] = frozenset()) -> str:
    """Give the text of an element and all it holds on one line."""
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
    """Give texts and tags in order, and in place of an element that ``whole`` turns into blocks, these.

    Without recursion, for hostile pages nest a hundred thousand elements.
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
        elif found := whole(child):
            yield found
        else:
            stack.append((child, iter(child)))
            yield _Tag(name, opens=True)
            yield child.text or ""
            continue
        ended = parent if child is None else child
        if ended is not root:
            yield ended.tail or ""


def is_left_out(element: Any) -> bool:
    """Tell whether an element is no text: a script, navigation, or what a browser would not show."""
    return local_name(element) in _SKIPPED or _is_hidden(element)


def _is_hidden(element: Any) -> bool:
    return "hidden" in element.attrib or bool(_HIDDEN.search(element.get("style", "")))


def _paragraphs(inline: list[str]) -> Iterator[Block]:
    """Divide running text at doubled line breaks."""
    for paragraph in _TWO_BREAKS.split("".join(inline)):
        if text := one_line(paragraph):
            yield Block(text)


class _Items:
    """Give the items of lists their marks, and put them on lines that follow each other."""

    def __init__(self) -> None:
        self._depth = 0
        self._begins = False
        self._follows = False

    def pass_by(self, tag: _Tag) -> None:
        """Take note of a tag."""
        if tag.name in _LISTS:
            self._depth += 1 if tag.opens else -1
            self._follows = self._follows and self._depth > 0
        elif tag.name in _ITEMS and tag.opens:
            self._begins = True

    def interrupt(self) -> None:
        """Take note of blocks that are no items."""
        self._begins = self._follows = False

    def mark(self, found: Iterable[Block]) -> Iterator[Block]:
        """Mark the first block of an item."""
        for block in found:
            yield Block(f"- {block.text}", tight=self._follows) if self._begins else block
            self._follows = self._begins
            self._begins = False


def _whole(element: Any) -> list[Block]:
    """Turn a heading, a preformatted text or a table of data into blocks; anything else into none."""
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
    """Give a heading's level; trafilatura's ``head`` has HTML's name for it in ``rend``."""
    return _HEADINGS.get(element.get("rend", "h2") if name == "head" else name)


def _table(table: Any) -> list[Block]:
    """Turn a table into lines, unless it serves to lay out a page: then its cells are read as paragraphs."""
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
    if any(len(cell) > _LONGEST_CELL for row in rows for cell in row):
        return []
    lines = [" | ".join(row) for row in rows if row]
    return captions + [Block(line, tight=position > 0) for position, line in enumerate(lines)]
