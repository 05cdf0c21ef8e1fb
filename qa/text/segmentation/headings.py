"""Headings that a text shows by its look, and the section that they name."""

from __future__ import annotations

import re

from qa.text.extent import letters
from qa.text.patterns import PROSE_MARKS_OF_ALL_SCRIPTS, ends_with_mark, has_line_break, is_list_item

MAX_SECTION_LENGTH = 600
"""Characters of a section's name: it is kept, embedded and shown with each of its passages."""

_MAX_HEADING_LENGTH = 120
"""Letters of a line that its look alone makes a heading: about a line and a half of a printed page."""

SEPARATOR = " › "
"""What stands between the names of headings in a section's name."""

_RULE = re.compile(r"[_=*.·–—-]{3,}")
_WIKI_MARKS = re.compile(r"=(?:\s?=)*+")


def guess_level(line: str, *, alone: bool) -> int | None:
    """Return the level of the heading that a line looks like, or None.

    A heading stands between wiki marks, or is a short line of its own that does not end as prose does.

    Args:
        line: a trimmed block of text.
        alone: whether blank lines set it apart.
    """
    if len(line) > _MAX_HEADING_LENGTH or letters(line) > _MAX_HEADING_LENGTH or has_line_break(line):
        return None
    if level := _wiki_level(line):
        return level
    is_prose = ends_with_mark(line, PROSE_MARKS_OF_ALL_SCRIPTS) or is_list_item(line) or line[0].islower()
    return 1 if alone and not is_prose and any(map(str.isalpha, line)) else None


def _wiki_level(line: str) -> int | None:
    """Return the level of a heading between marks such as ``==``, the same before and after."""
    marks = _WIKI_MARKS.match(line)
    if not marks or not line.endswith(marks[0]) or not line[marks.end() : -len(marks[0])].strip():
        return None
    return 1 + marks[0].count("=")


class HeadingPath:
    """The headings above the current place of a text, outermost first."""

    def __init__(self) -> None:
        self._headings: list[tuple[int, str]] = []

    def enter(self, level: int, heading: str) -> None:
        """Add a heading, and drop those of its level or below. Level 0 is no heading (see ``Heading``)."""
        if not level:
            return
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._headings.append((level, " ".join(_RULE.sub(" ", heading).strip("=# ").split())))

    def section(self, title: str | None) -> str | None:
        """Return the joined names of the headings, without the document's title; of a long one, the end."""
        section = SEPARATOR.join(name for _, name in self._headings if name != title)
        if len(section) > MAX_SECTION_LENGTH:
            kept = section[2 - MAX_SECTION_LENGTH :]
            _, separator, inner = kept.partition(SEPARATOR)
            section = f"… › {inner}" if separator else f"… {kept}"
        return section or None
