"""Numbers of ordered lists, as a browser shows them."""

from __future__ import annotations

import re
from typing import Any

from qa.readers.html.elements import local_name
from qa.readers.numerals import write_number

_WHOLE_NUMBER = re.compile(r"-?\d{1,6}")
_STYLE = re.compile(
    r"list-style(?:-type)?\s*:[^;]{0,40}?\b(none|(?:lower|upper)-(?:alpha|latin|roman)|decimal)\b"
)
_STYLES = {
    "none": "none",
    **dict.fromkeys(("lower-alpha", "lower-latin"), "a"),
    **dict.fromkeys(("upper-alpha", "upper-latin"), "A"),
    "lower-roman": "i",
    "upper-roman": "I",
}
_UNSTYLED = re.compile(r"(?:^|\s)(?:list-unstyled|unstyled|list-none|list-inline|breadcrumbs?)(?:\s|$)")
_LETTERS = 26


def number_items(ordered: Any) -> None:
    """Put its number before each item of an ordered list, as a browser shows it."""
    kind = _kind(ordered)
    if kind == "none":
        return
    items = [child for child in ordered if local_name(child) == "li"]
    step = -1 if "reversed" in ordered.attrib else 1
    number = _whole(ordered.get("start"), len(items) if step < 0 else 1)
    for item in items:
        number = _whole(item.get("value"), number)
        _put_before(item, f"{_numeral(number, kind)}. ")
        number += step


def _kind(ordered: Any) -> str:
    """Return the kind of a list's numerals as HTML names it: 1, a, A, i or I; "none" if it shows none."""
    styled = _STYLE.search(ordered.get("style", "").lower())
    if styled:
        return _STYLES.get(styled[1], "1")
    return "none" if _UNSTYLED.search(ordered.get("class", "")) else ordered.get("type", "1")


def _whole(value: str | None, default: int) -> int:
    return int(value) if value and _WHOLE_NUMBER.fullmatch(value.strip()) else default


def _put_before(item: Any, mark: str) -> None:
    """Put a mark before the first text of an item, which may stand in a paragraph of it."""
    for element in item.iter("{*}*"):
        if (element.text or "").strip():
            element.text = mark + element.text.lstrip()
            return
        if any((child.tail or "").strip() for child in element[:1]):
            element.text = mark
            return


def _numeral(number: int, kind: str) -> str:
    if kind in {"a", "A"} and number > 0:
        return _in_letters(number, ord(kind))
    if kind in {"i", "I"} and number > 0:
        return write_number(number, "lowerRoman" if kind == "i" else "upperRoman")
    return str(number)


def _in_letters(number: int, first: int) -> str:
    """Write a number as lists count in letters: after z comes aa."""
    letters = ""
    while number > 0:
        number, place = divmod(number - 1, _LETTERS)
        letters = chr(first + place) + letters
    return letters
