"""The layout of Markdown: its text without its signs. What is no Markdown, such as HTML, is shown as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from string import punctuation

from qa.types import Span
from qa.web.pages.layout_blocks import (
    LaidOut,
    Row,
    Run,
    Runs,
    Style,
    cells_of,
    lines_of,
    padded,
    stripped,
)

MARKDOWN = "text/markdown"

_MAX_NESTED = 8
"""So deep may emphasis and links lie in each other; what lies deeper is shown as it stands. Chosen."""

_MAX_TARGET = 2000
"""The longest target of a link, in characters. Chosen: a browser takes no longer address for granted."""

_MAX_DEPTH = 4

_QUOTED = re.compile(r" {0,3}>[ \t]?")
_FENCE = re.compile(r"[ \t]*+(`{3,}+|~{3,}+)")
_ITEM = re.compile(r"([ \t]*+)([-*+]|\d{1,9}[.)])(?:[ \t]++|\Z)")
_SIGNS = re.compile(r"[ \t]*+(?:#{1,6}|=++|(?:[-*_][ \t]*+){3,}+|-++)[ \t]*+")
_CLOSING_SIGNS = re.compile(r"[ \t]*+#++[ \t]*+")
_DIVIDER_ROW = re.compile(r"[ \t|:-]*+")
_INDENTED = re.compile(r"(?: {4}|\t)")
_SPECIAL = re.compile(r"[\\`*_\[!<]")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s<>]{1,2000})>")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line without the signs of quotations before it."""

    span: Span
    text: str
    quoted: bool

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()

    @property
    def is_signs(self) -> bool:
        return _SIGNS.fullmatch(self.text) is not None or _CLOSING_SIGNS.fullmatch(self.text) is not None


def lay_out_markdown(text: str, span: Span) -> Iterator[LaidOut]:
    """Yield the blocks between two headings."""
    lines = [_line(text, line) for line in lines_of(text, span)]
    place = 0
    while place < len(lines):
        block, count = _block(text, lines[place:])
        if block:
            yield block
        place += count


def inline_runs(text: str, lines: Sequence[Span]) -> tuple[Run, ...]:
    """Return joined lines without the signs of emphasis, code and links."""
    return _Inline(text, lines).runs()


def _line(text: str, line: Span) -> _Line:
    start, quoted = line.start, False
    while mark := _QUOTED.match(text, start, line.end):
        start, quoted = mark.end(), True
    return _Line(Span(start, line.end), text[start : line.end], quoted)


def _block(text: str, lines: Sequence[_Line]) -> tuple[LaidOut | None, int]:
    """Return the first block, if it shows anything, and how many lines it takes."""
    first = lines[0]
    if first.is_blank or first.is_signs:
        return None, 1
    if fence := _FENCE.match(first.text):
        return _fenced(lines, fence[1])
    if count := _table_length(lines):
        return _table(text, lines[:count]), count
    item = _ITEM.match(first.text)
    if not item and not first.quoted and _INDENTED.match(first.text):
        count = _count(lines, lambda line: _INDENTED.match(line.text) is not None)
        return _code(lines[:count]), count
    count = 1 + _count(lines[1:], lambda line: _continues(line, quoted=first.quoted))
    shown = [stripped(text, line.span) for line in lines[:count]]
    span = Span(first.span.start, shown[-1].end)
    if not item:
        return LaidOut("quote" if first.quoted else "paragraph", span, inline_runs(text, shown)), count
    numbered = item[2][0].isdigit()
    if not numbered:
        shown[0] = stripped(text, Span(first.span.start + item.end(), first.span.end))
    depth = min(len(item[1].expandtabs(4)) // 2, _MAX_DEPTH)
    return LaidOut("item", span, inline_runs(text, shown), depth, numbered), count


def _count(lines: Sequence[_Line], goes_on: Callable[[_Line], bool]) -> int:
    """Return how many of the first lines a condition holds for."""
    return next((place for place, line in enumerate(lines) if not goes_on(line)), len(lines))


def _continues(line: _Line, *, quoted: bool) -> bool:
    """Whether a line goes on with a paragraph."""
    begins = _FENCE.match(line.text) or _ITEM.match(line.text)
    return not (line.is_blank or line.is_signs or begins or (line.quoted and not quoted))


def _fenced(lines: Sequence[_Line], fence: str) -> tuple[LaidOut | None, int]:
    inside = _count(lines[1:], lambda line: not line.text.strip().startswith(fence))
    count = min(inside + 2, len(lines))
    return (_code(lines[1 : inside + 1]) if inside else None), count


def _code(lines: Sequence[_Line]) -> LaidOut:
    runs = Runs()
    for place, line in enumerate(lines):
        runs.add(line.span.start, line.text)
        if place < len(lines) - 1:
            runs.add(line.span.end, "\n")
    return LaidOut("code", Span(lines[0].span.start, lines[-1].span.end), runs.take())


def _table_length(lines: Sequence[_Line]) -> int:
    """Return how many lines a table takes, with its line of dashes; 0 if there is none."""
    dashes = lines[1].text if len(lines) > 1 else ""
    if (
        "|" not in lines[0].text
        or "-" not in dashes
        or "|" not in dashes
        or not _DIVIDER_ROW.fullmatch(dashes)
    ):
        return 0
    return 2 + _count(lines[2:], lambda line: "|" in line.text and not line.is_blank)


def _table(text: str, lines: Sequence[_Line]) -> LaidOut:
    rows = padded([_row(text, line.span) for line in (lines[0], *lines[2:])])
    return LaidOut("table", Span(lines[0].span.start, lines[-1].span.end), rows=rows, header_rows=1)


def _row(text: str, line: Span) -> Row:
    """Return the cells of a line, which may begin and end with bars."""
    start, end = stripped(text, line)
    if text[start : start + 1] == "|":
        start += 1
    if end > start and text[end - 1] == "|" and text[end - 2 : end - 1] != "\\":
        end -= 1
    return tuple(inline_runs(text, [cell]) for cell in cells_of(text, Span(start, end)))


class _Inline:
    """Reads emphasis, code and links in joined lines.

    Attributes:
        _shown: the lines as one text.
        _places: where each of its characters stands in the document.
    """

    def __init__(self, text: str, lines: Sequence[Span]) -> None:
        shown: list[str] = []
        self._places: list[int] = []
        for place, line in enumerate(lines):
            own, gap = line.slice(text), " "
            if place < len(lines) - 1:
                if own.endswith("\\"):
                    own, gap = own[:-1], "\n"
                elif text[line.end : line.end + 2] == "  ":
                    gap = "\n"
                own += gap
            shown.append(own)
            self._places += range(line.start, line.start + len(own))
            if place < len(lines) - 1:
                self._places[-1] = _line_end(text, line.end)
        self._shown = "".join(shown)
        self._runs = Runs()
        self._closing_brackets = self._match_brackets()

    def runs(self) -> tuple[Run, ...]:
        """Return the text without its signs."""
        self._read(0, len(self._shown), "", 0)
        return self._runs.take()

    def _match_brackets(self) -> dict[int, int]:
        opened: list[int] = []
        closing: dict[int, int] = {}
        for place, sign in enumerate(self._shown):
            if sign == "[":
                opened.append(place)
            elif sign == "]" and opened:
                closing[opened.pop()] = place
        return closing

    def _show(self, start: int, end: int, style: Style) -> None:
        if start < end and self._places[end - 1] - self._places[start] == end - 1 - start:
            self._runs.add(self._places[start], self._shown[start:end], style)
            return
        for place in range(start, end):
            self._runs.add(self._places[place], self._shown[place], style)

    def _read(self, start: int, end: int, style: Style, depth: int) -> None:
        """Show a part of the text in a style."""
        unclosed: set[str] = set()
        place = start
        while place < end:
            special = _SPECIAL.search(self._shown, place, end) if depth < _MAX_NESTED else None
            if special is None:
                self._show(place, end, style)
                return
            self._show(place, special.start(), style)
            place = self._sign(special.start(), end, style, depth, unclosed)

    def _sign(self, place: int, end: int, style: Style, depth: int, unclosed: set[str]) -> int:
        """Read what a sign begins, and return where it ends."""
        sign = self._shown[place]
        if sign == "\\" and self._shown[place + 1 : min(place + 2, end)] in {*punctuation}:
            self._show(place + 1, place + 2, style)
            return place + 2
        if sign == "`":
            return self._code(place, end, style, unclosed)
        if sign in "*_":
            return self._emphasis(place, end, style, depth, unclosed)
        if sign == "<" and (link := _AUTOLINK.match(self._shown, place, end)):
            self._show(link.start(1), link.end(1), style)
            return link.end()
        label = place + 1 if sign == "!" and self._shown[place + 1 : place + 2] == "[" else place
        close = self._closing_brackets.get(label)
        if close is not None and close < end and (after := self._after_target(close + 1, end)):
            self._read(label + 1, close, style, depth + 1)
            return after
        self._show(place, place + 1, style)
        return place + 1

    def _code(self, place: int, end: int, style: Style, unclosed: set[str]) -> int:
        fence = self._run_of("`", place, end)
        close = -1 if fence in unclosed else self._shown.find(fence, place + len(fence), end)
        if close < 0:
            unclosed.add(fence)
            self._show(place, place + len(fence), style)
            return place + len(fence)
        self._show(place + len(fence), close, "code")
        return close + len(fence)

    def _emphasis(self, place: int, end: int, style: Style, depth: int, unclosed: set[str]) -> int:
        signs = self._run_of(self._shown[place], place, end)
        mark = signs[:2]
        inner = place + len(mark)
        if mark not in unclosed and self._may_open(place, place + len(signs), end):
            if (close := self._closing(mark, inner, end)) is not None:
                self._read(inner, close, "strong" if len(mark) > 1 else "em", depth + 1)
                return close + len(mark)
            unclosed.add(mark)
        self._show(place, place + len(signs), style)
        return place + len(signs)

    def _run_of(self, sign: str, place: int, end: int) -> str:
        after = place
        while after < end and self._shown[after] == sign:
            after += 1
        return self._shown[place:after]

    def _may_open(self, place: int, after: int, end: int) -> bool:
        if after >= end or self._shown[after].isspace():
            return False
        return self._shown[place] == "*" or not self._shown[max(place - 1, 0) : place].isalnum()

    def _closing(self, mark: str, start: int, end: int) -> int | None:
        """Return where the next signs stand that may close emphasis."""
        place = start
        while (place := self._shown.find(mark, place, end)) >= 0:
            signs = self._run_of(mark[0], place, end)
            follows_text = place > start and not self._shown[place - 1].isspace()
            after = self._shown[place + len(signs) : place + len(signs) + 1]
            fits = len(signs) == len(mark) or len(signs) > len("**")
            if follows_text and fits and (mark[0] == "*" or not after.isalnum()):
                return place + len(signs) - len(mark)
            place += len(signs)
        return None

    def _after_target(self, place: int, end: int) -> int | None:
        """Return where the target of a link that begins here ends, in brackets of either kind."""
        for opening, closing in ("()", "[]"):
            if self._shown[place : place + 1] == opening:
                close = self._shown.find(closing, place, min(end, place + _MAX_TARGET))
                if close > 0 and self._shown.count(opening, place, close) > 1:  # brackets in an address
                    close = self._shown.find(closing, close + 1, min(end, place + _MAX_TARGET))
                return close + 1 if close > 0 else None
        return None


def _line_end(text: str, place: int) -> int:
    """Return where the line that goes on at a place ends."""
    while text[place : place + 1] not in {"\n", "\r", ""}:
        place += 1
    return place
