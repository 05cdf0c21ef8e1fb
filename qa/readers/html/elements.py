"""Questions that every step asks of an element of a page."""

from __future__ import annotations

from typing import Any


def local_name(element: Any) -> str:
    """Return an element's name in lower case and without its namespace; comments and such have none."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


INLINE = frozenset(
    {
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
    }
    | {"ins", "kbd", "label", "mark", "nobr", "q", "rb", "rewritten", "ruby", "s", "samp", "small", "span"}
    | {"strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)
"""Elements that begin no new paragraph."""


def become_text(element: Any, text: str) -> None:
    """Replace an element by text."""
    for child in list(element):
        element.remove(child)
    element.text = text
    element.tag = "rewritten"
