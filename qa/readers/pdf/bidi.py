"""Right-to-left text: from the order in which it is drawn to that in which it is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
"""Letters and marks of Hebrew, Arabic, Syriac and their neighbours, and their presentation forms."""

_MIRRORED = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
_NUMBER_JOINTS = frozenset(".,:/-+٫٬")
_NUMBER_SIGNS = frozenset("%$€£₪#°")

_OPENED = re.compile(r"(?<=\w)([(\[«]) (?=\w)")
_CLOSED = re.compile(r"(\w) ([)\]»])(?=\w)")

_Item = TypeVar("_Item")


def is_right_to_left(text: str) -> bool:
    """Whether most letters of a text are of scripts that run from right to left."""
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(map(_is_right, letters)) >= len(letters) > 0


def mirror(text: str) -> str:
    """Return brackets as they are meant where text runs from right to left: "(" is drawn as ")"."""
    return text.translate(_MIRRORED)


def logical_order(
    drawn: Sequence[_Item], text_of: Callable[[_Item], str], *, right_to_left: bool
) -> list[tuple[_Item, bool]]:
    """Put what is drawn from left to right in reading order.

    Args:
        drawn: characters with their places, from left to right.
        text_of: returns the text of one.
        right_to_left: how the line as a whole runs.

    Returns:
        Each with whether it stands in a run from right to left.
    """
    directions = _directions([text_of(item) for item in drawn], right_to_left=right_to_left)
    items = list(zip(drawn, directions, strict=True))
    if right_to_left:
        items.reverse()
    ordered: list[tuple[_Item, bool]] = []
    run: list[tuple[_Item, bool]] = []
    for item in items:
        if item[1] == right_to_left:
            ordered += reversed(run)
            run = []
            ordered.append(item)
        else:
            run.append(item)
    return [*ordered, *reversed(run)]


def spaced_brackets(text: str) -> str:
    """Put the space outside of brackets that PDFium puts inside where text runs from right to left."""
    return _CLOSED.sub(r"\1\2 ", _OPENED.sub(r" \1", text))


def _directions(texts: Sequence[str], *, right_to_left: bool) -> list[bool]:
    """Return for each whether it runs from right to left; neutral ones as what is on both sides does."""
    known = [_direction(text) for text in texts]
    kinds = [_of_number(texts, index) if kind is None else kind for index, kind in enumerate(known)]
    result: list[bool] = []
    start = 0
    while start < len(kinds):
        kind = kinds[start]
        if kind is not None:
            result.append(kind)
            start += 1
            continue
        end = next((index for index in range(start, len(kinds)) if kinds[index] is not None), len(kinds))
        between = _between(texts, kinds, start, end, right_to_left=right_to_left)
        result += [between] * (end - start)
        start = end
    return result


def _between(
    texts: Sequence[str], kinds: Sequence[bool | None], start: int, end: int, *, right_to_left: bool
) -> bool:
    """Return the direction of neutral characters: two numbers do not show one, as they may be columns."""
    if start == 0 or end == len(kinds) or kinds[start - 1] != kinds[end]:
        return right_to_left
    if not kinds[end] and not any(map(str.isalpha, texts[start - 1] + texts[end])):
        return right_to_left
    return bool(kinds[end])


def _direction(text: str) -> bool | None:
    """Return whether a character runs from right to left; None if it has no direction."""
    if any(map(_is_right, text)):
        return True
    return False if any(map(str.isalnum, text)) else None


def _of_number(texts: Sequence[str], index: int) -> bool | None:
    """Return False for a sign within or at a number, which runs from left to right; else None."""
    sign = texts[index]
    digit_before = index > 0 and texts[index - 1][-1:].isdigit()
    digit_after = index + 1 < len(texts) and texts[index + 1][:1].isdigit()
    if sign in _NUMBER_JOINTS and digit_before and digit_after:
        return False
    return False if sign in _NUMBER_SIGNS and (digit_before or digit_after) else None


def _is_right(character: str) -> bool:
    return unicodedata.bidirectional(character) in {"R", "AL", "NSM"} and bool(RIGHT_TO_LEFT.match(character))
