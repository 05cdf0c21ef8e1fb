"""A walk through the elements of a page in order, without those that are no text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from qa.readers.extract import Block, one_line
from qa.readers.grid import Grid
from qa.readers.html.collapsed import is_hidden
from qa.readers.html.elements import local_name

HEADINGS = {f"h{level}": level for level in range(1, 7)}
"""The level of each heading."""

SKIPPED = frozenset(
    """
    script style template noscript svg math object iframe button select textarea input nav video audio canvas
    """.split()  # noqa: SIM905
)
BLOCKS = frozenset(
    """
    html body p div section article main header footer aside address blockquote quote figure figcaption
    caption ul ol dl list li item dt dd table tbody thead tfoot tr row td th cell form fieldset legend
    details summary hr pre center doc
    """.split()  # noqa: SIM905
) | frozenset(HEADINGS)
BREAKS = frozenset({"br", "lb"})

Blocks = Sequence[Block | Grid]


class Tag(NamedTuple):
    """Where an element begins or ends."""

    name: str
    opens: bool


def walk(root: Any, skipped: frozenset[str], whole: Callable[[Any], Blocks]) -> Iterator[str | Tag | Blocks]:
    """Yield texts and tags in order, and the blocks of an element in its place if ``whole`` returns any.

    It does not recurse: hostile pages nest a hundred thousand elements.
    """
    stack = [(root, iter(root))]
    yield Tag(local_name(root), opens=True)
    yield root.text or ""
    while stack:
        parent, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            yield Tag(local_name(parent), opens=False)
        elif (name := local_name(child)) in skipped or not name or is_hidden(child):
            pass
        elif whole_blocks := whole(child):
            yield whole_blocks
        else:
            stack.append((child, iter(child)))
            yield Tag(name, opens=True)
            yield child.text or ""
            continue
        ended = parent if child is None else child
        if ended is not root:
            yield ended.tail or ""


def text_of(element: Any, skipped: frozenset[str] = frozenset()) -> str:
    """Return the text of an element and its descendants on one line."""
    parts = []
    for event in walk(element, SKIPPED | skipped, lambda _: ()):
        if isinstance(event, str):
            parts.append(event)
        elif isinstance(event, Tag) and event.name in BLOCKS | BREAKS:
            parts.append(" ")
    return one_line("".join(parts))


def is_left_out(element: Any) -> bool:
    """Whether an element is not text: a script, navigation, or hidden by the browser."""
    return local_name(element) in SKIPPED or is_hidden(element)
