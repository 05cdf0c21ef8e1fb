"""Line ends of the source that are no spaces: those between characters of Chinese and Japanese."""

from __future__ import annotations

import re
from typing import Any

from qa.readers.html.elements import INLINE, local_name

_WIDE = (
    "\u3001-\u303f\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff01-\uff9f\uffe0-\uffe6\U00020000-\U0003ffff"
)
"""Han, kana and their punctuation. Hangul is not among them: Korean has spaces."""

_QUOTES = "“”‘’…—·"
_GAP = r"(?:[ \t]*+\r?\n\s*+)"
_WITHIN = re.compile(rf"(?<=[{_WIDE}]){_GAP}(?=[{_WIDE}{_QUOTES}])|(?<=[{_QUOTES}]){_GAP}(?=[{_WIDE}])")
_IS_WIDE = re.compile(rf"[{_WIDE}]")


def join_lines(root: Any) -> None:
    """Take out of a parsed page the line ends that Chinese and Japanese have inside a word."""
    from lxml import etree

    last: tuple[Any, str] | None = None
    blanks: list[tuple[Any, str]] = []
    depth_of_pre = 0
    for event, element in etree.iterwalk(root, events=("start", "end"), tag="{*}*"):
        name = local_name(element)
        if name not in INLINE:
            last, blanks = None, []
        depth_of_pre += (1 if event == "start" else -1) if name == "pre" else 0
        place = (element, "text" if event == "start" else "tail")
        text = getattr(*place)
        if not text or depth_of_pre:
            continue
        if text.isspace():
            blanks.append(place)
            continue
        if "\n" in text:
            setattr(*place, _WITHIN.sub("", text))
        if last is not None:
            _join(last, blanks, place)
        last, blanks = place, []


def _join(before: tuple[Any, str], blanks: list[tuple[Any, str]], after: tuple[Any, str]) -> None:
    """Join two texts of one paragraph, if a line end divides them and the signs around it need no space."""
    first, second = getattr(*before), getattr(*after)
    left, right = first.rstrip(), second.lstrip()
    gap = (
        first[len(left) :] + "".join(getattr(*blank) for blank in blanks) + second[: len(second) - len(right)]
    )
    wide = [bool(_IS_WIDE.match(sign)) for sign in (left[-1], right[0])]
    quoted = [sign in _QUOTES for sign in (left[-1], right[0])]
    if "\n" in gap and any(wide) and all(a or b for a, b in zip(wide, quoted, strict=True)):
        setattr(*before, left)
        setattr(*after, right)
        for blank in blanks:
            setattr(*blank, "")
