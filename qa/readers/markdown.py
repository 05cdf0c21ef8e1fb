"""Markdown: the decoded file is the text; headings are located in it without their marks.

Only the data of pictures that the file embeds is left out: it is no text, and a hundred times as long.
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from qa.readers.extract import Extract
from qa.readers.metadata import Facts, date_notes
from qa.readers.plain_text import decode
from qa.readers.sidecar import front_matter
from qa.text.patterns import lines_with_ends
from qa.types import Heading, Span

if TYPE_CHECKING:
    from markdown_it.token import Token

_DATA = re.compile(r"(data:[\w.+-]{1,40}/[\w.+-]{1,80})(?:;[\w=.-]{1,40}){0,4};base64,[A-Za-z0-9+/=_-]{64,}")

_MAX_TITLE_LENGTH = 200  # characters: a longer first heading is a paragraph that is marked wrongly


def read(data: bytes) -> Extract:
    """Read Markdown with its front matter and headings."""
    from markdown_it import MarkdownIt

    text, left_out = _without_pictures(decode(data))
    facts = Facts()
    body, values, note = front_matter(text)
    facts.add_all(values, "file")
    notes = date_notes(values.get("published")) + tuple(filter(None, (note, left_out)))
    line_starts = accumulate(map(len, lines_with_ends(text[body:])), initial=body)
    lines = [Span(*bounds) for bounds in pairwise(line_starts)]
    headings = [Heading(Span(0, body), 0)] if body else []
    for opening, inline in pairwise(MarkdownIt("commonmark").parse(text[body:])):
        if opening.type == "heading_open" and inline.content.strip():
            level = int(opening.tag[1:])
            headings.append(Heading(_span(text, lines, inline), level))
            if level == 1 and len(inline.content) <= _MAX_TITLE_LENGTH:
                facts.add("title", _shown(inline), "text")
    return Extract(text, facts, tuple(headings), notes=notes)


def _without_pictures(text: str) -> tuple[str, str | None]:
    """Return a text without the data of embedded files, and a note if there was any."""
    short, count = _DATA.subn(r"\1,…", text)
    files = "an embedded file" if count == 1 else f"{count} embedded files"
    return short, f"the data of {files} is left out of the text" if count else None


def _span(text: str, lines: list[Span], inline: Token) -> Span:
    """Return the place of a heading's words; of its whole lines if the words differ there, as after a tab."""
    first, after = inline.map or (0, 1)
    words = inline.content.split("\n")
    start = text.find(words[0].strip(), *lines[first])
    last = text.rfind(words[-1].strip(), *lines[after - 1])
    if start < 0 or last < 0:
        whole = text[lines[first].start : lines[after - 1].end]
        start = lines[first].start + len(whole) - len(whole.lstrip())
        return Span(start, start + len(whole.strip()))
    return Span(start, last + len(words[-1].strip()))


def _shown(inline: Token) -> str:
    """Return a heading's words without the marks of links and emphasis."""
    return "".join(
        " " if child.type in {"softbreak", "hardbreak"} else child.content for child in inline.children or ()
    )
