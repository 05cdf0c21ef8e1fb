"""What the styles of an OpenDocument file say of its text: what is hidden or raised, and how lists count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from qa.readers.numerals import BULLET, write_number

_NAMESPACES = "urn:oasis:names:tc:opendocument:xmlns:"
OFFICE = f"{{{_NAMESPACES}office:1.0}}"
TEXT = f"{{{_NAMESPACES}text:1.0}}"
TABLE = f"{{{_NAMESPACES}table:1.0}}"
DRAW = f"{{{_NAMESPACES}drawing:1.0}}"
STYLE = f"{{{_NAMESPACES}style:1.0}}"
PRESENTATION = f"{{{_NAMESPACES}presentation:1.0}}"
SVG = f"{{{_NAMESPACES}svg-compatible:1.0}}"

_FORMS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_MAX_DIGITS = 6
_LEVELS = 10
_MAX_BASE_STYLES = 20  # how far a style's parents are followed: they may form a circle


def number_of(element: Any, name: str, default: int) -> int:
    """Return a whole number of at most six digits in an attribute, or the default."""
    text = element.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else default


@dataclass(frozen=True, slots=True)
class Level:
    """How a level of a list counts. ``form`` is None if it has a bullet, empty if it has no mark."""

    form: str | None
    before: str = ""
    after: str = ""
    start: int = 1
    shown: int = 1


class Styles:
    """The styles of a document, by name."""

    def __init__(self, roots: Iterable[Any]) -> None:
        """Read them from the roots of the file's parts, those of the content last."""
        self._parents: dict[str, str] = {}
        self._hidden: set[str] = set()
        self._raised: set[str] = set()
        self.lists: dict[str, dict[int, Level]] = {}
        self.outline: dict[int, Level] = {}
        for root in roots:
            for style in root.iter(f"{STYLE}style"):
                self._add(style.get(f"{STYLE}name", ""), style)
            for style in root.iter(f"{TEXT}list-style"):
                self.lists[style.get(f"{STYLE}name", "")] = _levels(style)
            for style in root.iter(f"{TEXT}outline-style"):
                self.outline = _levels(style)

    def _add(self, name: str, style: Any) -> None:
        self._parents[name] = style.get(f"{STYLE}parent-style-name", "")
        for properties in style:
            if properties.get(f"{TEXT}display") == "none":
                self._hidden.add(name)
            if properties.get(f"{PRESENTATION}visibility") == "hidden":
                self._hidden.add(name)
            if properties.get(f"{STYLE}text-position", "").startswith("super"):
                self._raised.add(name)

    def is_hidden(self, element: Any) -> bool:
        """Whether an element's style hides it."""
        return self._has(element, self._hidden)

    def is_raised(self, element: Any) -> bool:
        """Whether an element's style raises its text."""
        return self._has(element, self._raised)

    def _has(self, element: Any, names: set[str]) -> bool:
        name = element.get(f"{TEXT}style-name") or element.get(f"{DRAW}style-name") or ""
        for _ in range(_MAX_BASE_STYLES):
            if name in names:
                return True
            name = self._parents.get(name, "")
        return False


class Lists:
    """Counts the items of lists and the numbered headings, in the order of the text."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._counts: dict[str, list[int | None]] = {}
        self._headings: list[int | None] = [None] * (_LEVELS + 1)

    def label(self, style: str, level: int, start: int | None, *, begins: bool) -> str:
        """Count an item and return its label.

        Args:
            style: the name of the list's style.
            level: the item's, from 1.
            start: the number that the item sets, or None.
            begins: whether it is the first of its list, which does not continue another.
        """
        levels = self._styles.lists.get(style, {})
        if level not in levels or level > _LEVELS:
            return BULLET
        counts = self._counts.setdefault(style, [None] * (_LEVELS + 1))
        if begins:
            counts[level] = None
        if start is not None:
            counts[level] = start - 1
        return _count(levels, level, counts)

    def heading(self, level: int) -> str:
        """Count a heading and return its label; empty if headings of its level have no numbers."""
        if level not in self._styles.outline or level > _LEVELS:
            return ""
        return _count(self._styles.outline, level, self._headings)


def _count(levels: dict[int, Level], level: int, counts: list[int | None]) -> str:
    known, count = levels[level], counts[level]
    counts[level] = known.start if count is None else count + 1
    counts[level + 1 :] = [None] * (len(counts) - level - 1)
    if known.form is None:
        return BULLET
    if not known.form:
        return ""
    numbers = []
    for place in range(max(1, level - known.shown + 1), level + 1):
        other = levels.get(place)
        if other is not None and other.form:
            number = counts[place]
            numbers.append(write_number(other.start if number is None else number, other.form))
    return f"{known.before}{'.'.join(numbers)}{known.after}".strip()


def _levels(style: Any) -> dict[int, Level]:
    levels = {}
    for item in style:
        if not isinstance(item.tag, str):
            continue
        is_bullet = item.tag.endswith(("-bullet", "-image"))
        form = item.get(f"{STYLE}num-format", "")
        levels[number_of(item, f"{TEXT}level", 1)] = Level(
            None if is_bullet else _FORMS.get(form, "decimal" if form else ""),
            item.get(f"{STYLE}num-prefix", ""),
            item.get(f"{STYLE}num-suffix", ""),
            number_of(item, f"{TEXT}start-value", 1),
            number_of(item, f"{TEXT}display-levels", 1),
        )
    return levels
