"""Lines that fit a terminal, with what is marked in bold or, where there is no bold, between asterisks."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby

import click

_NARROWEST, _WIDEST = 40, 100
"""Columns. Chosen: narrower lines break everywhere, and wider ones are hard to follow."""

_ASTERISKS = "**"

Character = tuple[str, bool]
"""A character, and whether it is marked."""


def columns() -> int:
    """Return how many columns a line may take: those of the terminal, or else 80."""
    return min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)


def wrap(text: str, *, indent: str = "", width: int | None = None) -> list[str]:
    """Return a text without line ends as lines that fit the terminal."""
    return wrap_marked(text, "", "", indent=indent, width=width)


def wrap_marked(
    before: str,
    marked: str,
    after: str,
    *,
    indent: str = "",
    width: int | None = None,
    bold: bool | None = None,
) -> list[str]:
    """Return a text as lines that fit the terminal, with its middle marked.

    Args:
        before: the text before what is marked.
        marked: what is marked; may be empty.
        after: the text after it.
        indent: what begins each line.
        width: number of columns; by default, as ``columns`` says.
        bold: whether to mark with bold letters; by default, if standard output is a terminal.
    """
    bold = sys.stdout.isatty() if bold is None else bold
    marked = marked.strip() if bold or not marked.strip() else f"{_ASTERISKS}{marked.strip()}{_ASTERISKS}"
    characters = [(sign, part is marked) for part in (before, marked, after) for sign in part]
    room = (width or columns()) - columns_of(indent)
    lines = _lines(_words(characters), room)
    return [indent + "".join(_rendered(line, bold=bold)) for line in lines]


def columns_of(text: str) -> int:
    """Return how many columns a text takes. Chinese and other wide characters take two, accents none.

    >>> columns_of("naïve"), columns_of("北京")
    (5, 4)
    """
    return sum(map(_columns_of, text))


def _columns_of(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _words(characters: Iterable[Character]) -> Iterator[list[Character]]:
    for is_space, word in groupby(characters, key=lambda character: character[0].isspace()):
        if not is_space:
            yield list(word)


def _lines(words: Iterable[list[Character]], room: int) -> Iterator[list[Character]]:
    """Yield lines of words. A word that is longer than a line, as in Chinese, is broken anywhere."""
    line: list[Character] = []
    taken = 0
    for word in words:
        needed = sum(_columns_of(sign) for sign, _ in word)
        if line and taken + 1 + needed <= room:
            line.append((" ", line[-1][1] and word[0][1]))
            taken += 1
        elif line:
            yield line
            line, taken = [], 0
        for character in word:
            wide = _columns_of(character[0])
            if taken + wide > room and line:
                yield line
                line, taken = [], 0
            line.append(character)
            taken += wide
    if line:
        yield line


def _rendered(line: Iterable[Character], *, bold: bool) -> Iterator[str]:
    for is_marked, run in groupby(line, key=lambda character: character[1]):
        text = "".join(sign for sign, _ in run)
        yield click.style(text, bold=True) if is_marked and bold else text
