"""The numbers of a DOCX's lists and headings, which the file leaves to be counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from qa.readers.numerals import BULLET, write_number

MAIN = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
"""The namespace of WordprocessingML."""

_PLACE = re.compile(r"%([1-9])")
_LEVELS = 9  # of a list
_MAX_DIGITS = 6


@dataclass(slots=True)
class _Level:
    start: int = 1
    form: str = "decimal"
    text: str = ""
    is_legal: bool = False


@dataclass(slots=True)
class _List:
    abstract: str
    levels: dict[int, _Level]
    starts: dict[int, int] = field(default_factory=dict)


def value(element: Any, path: str, default: str = "") -> str:
    """Return the value of the property that is at a path of names below an element."""
    named = None if element is None else element.find("/".join(MAIN + name for name in path.split("/")))
    return default if named is None else str(named.get(f"{MAIN}val", default))


def whole(text: str, default: int = 0) -> int:
    """Return a whole number of at most six digits, or the default."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else default


class Numbering:
    """Counts the items of a document's lists, in the order of the text."""

    def __init__(self, root: Any | None) -> None:
        """Read the definitions; ``root`` is the numbering part's, None if there is none."""
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._begun: set[str] = set()
        if root is None:
            return
        abstract = {
            item.get(f"{MAIN}abstractNumId"): dict(_levels(item))
            for item in root.findall(f"{MAIN}abstractNum")
        }
        for item in root.findall(f"{MAIN}num"):
            name = value(item, "abstractNumId")
            known = _List(name, dict(abstract.get(name, {})))
            for override in item.findall(f"{MAIN}lvlOverride"):
                level = whole(override.get(f"{MAIN}ilvl", ""))
                known.levels.update(_levels(override))
                if start := value(override, "startOverride"):
                    known.starts[level] = whole(start, 1)
            self._lists[item.get(f"{MAIN}numId")] = known

    def label(self, number_id: str, level: int) -> str:
        """Count an item and return its label; empty if its list has no numbers."""
        known = self._lists.get(number_id)
        if known is None or level not in known.levels or level >= _LEVELS:
            return ""
        counts = self._counts.setdefault(known.abstract, [None] * _LEVELS)
        if number_id not in self._begun:
            self._begun.add(number_id)
            for place in known.starts:
                if place < _LEVELS:
                    counts[place:] = [None] * (_LEVELS - place)
        start = known.starts.get(level, known.levels[level].start)
        count = counts[level]
        counts[level] = start if count is None else count + 1
        counts[level + 1 :] = [None] * (_LEVELS - level - 1)
        return self._write(known, level, counts)

    def _write(self, known: _List, level: int, counts: list[int | None]) -> str:
        form = known.levels[level]
        if form.form == "bullet":
            return BULLET
        if form.form == "none":
            return _PLACE.sub("", form.text).strip()

        def place(match: re.Match[str]) -> str:
            index = int(match[1]) - 1
            other = known.levels.get(index, form)
            count = counts[index]
            number = known.starts.get(index, other.start) if count is None else count
            return write_number(number, "decimal" if form.is_legal else other.form)

        return _PLACE.sub(place, form.text).strip()


def _levels(parent: Any) -> Iterator[tuple[int, _Level]]:
    for item in parent.findall(f"{MAIN}lvl"):
        yield (
            whole(item.get(f"{MAIN}ilvl", "")),
            _Level(
                whole(value(item, "start", "1"), 1),
                value(item, "numFmt", "decimal"),
                value(item, "lvlText"),
                item.find(f"{MAIN}isLgl") is not None,
            ),
        )
