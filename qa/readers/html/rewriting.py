"""A page's markup rewritten so that its bare text is what a reader sees.

Exponents, notes, formulas, line breaks, list numbers and annotations of pronunciation mean something by
their markup alone. Here that becomes characters, before anything is extracted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from qa.readers.html.elements import local_name
from qa.readers.html.formulas import linear_text

_HAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3000-\u3003\uff01-\uff0f"
_LINE_END_IN_HAN = re.compile(rf"(?<=[{_HAN}])[ \t]*\r?\n\s*(?=[{_HAN}])")
_SUPERSCRIPTS = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_EXPONENT = re.compile(r"[+\-−]?\d{1,3}")
_WHOLE_NUMBER = re.compile(r"-?\d{1,6}")
_MARK_OF_NOTE = re.compile(r"[\d,–\- ]{1,9}|[a-z*†‡§¶]{1,3}")

_LONGEST_UNIT = 2
"""Letters of the longest unit or variable before an exponent, as in km²; after longer words stand notes."""

_UNMARKED = ("{*}sup", "{*}sub", "{*}ruby", "{*}rb", "{*}wbr", "rewritten")
"""Elements that only divide text."""

_PRONUNCIATION = frozenset({"rt", "rp", "rtc"})
_MOST_LETTERS = 26


def rewrite(root: Any) -> None:
    """Rewrite a parsed page in place."""
    from lxml import etree

    for element in list(root.iter("{*}*")):
        name = local_name(element)
        if name == "sup":
            _rewrite_superscript(element)
        elif name == "math":
            _become_text(element, linear_text(element))
        elif name in _PRONUNCIATION:
            _become_text(element, "")
        elif name == "pre":
            _keep_breaks(element)
        elif name == "ol":
            _number_items(element)
    etree.strip_tags(root, *_UNMARKED)
    for element in root.iter("{*}*"):
        if element.text and _LINE_END_IN_HAN.search(element.text) and local_name(element) != "pre":
            element.text = _LINE_END_IN_HAN.sub("", element.text)
        if element.tail and _LINE_END_IN_HAN.search(element.tail):
            element.tail = _LINE_END_IN_HAN.sub("", element.tail)


def _become_text(element: Any, text: str) -> None:
    for child in list(element):
        element.remove(child)
    element.text = text
    element.tag = "rewritten"


def _rewrite_superscript(element: Any) -> None:
    """Set an exponent or the mark of a note apart from what it follows; ordinals such as 1st stay joined."""
    text = "".join(element.itertext()).strip()
    before = _text_before(element)
    links = any(local_name(child) == "a" for child in element.iter()) or _is_in_link(element)
    letters = next((at for at, sign in enumerate(reversed(before)) if not sign.isalpha()), len(before))
    if text.startswith("[") or not before or before[-1].isspace():
        return
    if links or (letters > _LONGEST_UNIT and _MARK_OF_NOTE.fullmatch(text) and not text.isalpha()):
        _become_text(element, f" [{text}]")
    elif _EXPONENT.fullmatch(text):
        _become_text(element, f"^{text}" if before[-1].isdigit() else text.translate(_SUPERSCRIPTS))
    elif before[-1].isdigit() and text[:1].isdigit():
        _become_text(element, f" [{text}]")


def _is_in_link(element: Any) -> bool:
    parent = element.getparent()
    return parent is not None and local_name(parent) == "a" and not (parent.text or "").strip()


def _text_before(element: Any) -> str:
    """Return the text just before an element, in its parent or, at the beginning of that, before it."""
    while element is not None:
        previous = element.getprevious()
        if previous is not None:
            return (previous.tail or "") or "".join(previous.itertext())
        parent = element.getparent()
        if parent is None or parent.text:
            return "" if parent is None else parent.text
        element = parent
    return ""


def _keep_breaks(pre: Any) -> None:
    for element in pre.iter():
        if local_name(element) == "br":
            element.tail = "\n" + (element.tail or "")


def _number_items(ordered: Any) -> None:
    """Put its number before each item of an ordered list, as a browser shows it."""
    items = [child for child in ordered if local_name(child) == "li"]
    step = -1 if "reversed" in ordered.attrib else 1
    number = _whole(ordered.get("start"), len(items) if step < 0 else 1)
    for item in items:
        number = _whole(item.get("value"), number)
        _put_before(item, f"{_numeral(number, ordered.get('type', '1'))}. ")
        number += step


def _whole(value: str | None, default: int) -> int:
    return int(value) if value and _WHOLE_NUMBER.fullmatch(value.strip()) else default


def _put_before(item: Any, mark: str) -> None:
    """Put a mark before the first text of an item, which may stand in a paragraph of it."""
    for element in item.iter():
        if (element.text or "").strip():
            element.text = mark + element.text.lstrip()
            return
        if any((child.tail or "").strip() for child in element[:1]):
            break
    item.text = mark


def _numeral(number: int, kind: str) -> str:
    if kind in {"a", "A"} and 0 < number <= _MOST_LETTERS:
        return chr(ord(kind) + number - 1)
    if kind in {"i", "I"} and number > 0:
        roman = "".join(_roman(number))
        return roman.upper() if kind == "I" else roman
    return str(number)


def _roman(number: int) -> Iterator[str]:
    values = (
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
    )
    for value, sign in (*values, (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")):
        yield sign * (number // value)
        number %= value
