"""Preformatted text: lines as they look, without the buttons and line numbers of code."""

from __future__ import annotations

import re
from typing import Any

from qa.readers.html.elements import INLINE, become_text, local_name

_CONTROLS = frozenset({"button", "script", "style", "select", "textarea", "input", "svg", "template"})
_NUMBERS = re.compile(r"(?:^|[\s_-])(?:linenos?|line-?num(?:ber)?s?|gutter|ln)(?:$|[\s_-])")


def tidy(pre: Any) -> None:
    """Make the line ends of preformatted text characters, and drop what is no text of it."""
    pre.tag = "pre"
    if _is_numbers(pre) or any(_is_numbers(cell) for cell in pre.iterancestors("{*}td")):
        become_text(pre, "")
        return
    for element in list(pre.iterdescendants("{*}*")):
        name = local_name(element)
        if name in _CONTROLS or _is_numbers(element):
            become_text(element, "")
        elif name == "br":
            element.tail = "\n" + (element.tail or "")
        elif name not in INLINE and name not in {"td", "th"} and not _begins_line(element):
            element.text = "\n" + (element.text or "")


def _is_numbers(element: Any) -> bool:
    if not _NUMBERS.search(element.get("class", "").lower()):
        return False
    return "".join("".join(element.itertext()).split()).isdecimal()


def _begins_line(element: Any) -> bool:
    """Whether an element stands at the beginning of its text, or after a line end."""
    previous, parent = element.getprevious(), element.getparent()
    if previous is None:
        before = parent.text or "" if parent is not None else ""
        return not before or before.endswith("\n")
    return (previous.tail or "").endswith("\n")
