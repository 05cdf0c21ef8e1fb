"""A message's HTML, and the choice between it and plain text."""

from __future__ import annotations

import re

from qa.readers.extract import Block
from qa.readers.grid import Grid
from qa.readers.html.article import parse
from qa.readers.html.blocks import blocks
from qa.readers.html.elements import local_name

Blocks = list[Block | Grid]

_MARKUP = re.compile(
    r"\s*<(?:!doctype|html|head|body|div|table|p|meta|style|span|font|center)\b[^<>]*>", re.IGNORECASE
)
_STUB = re.compile(r"\b(?:html|browser|navigateur|navegador)\b|браузер", re.IGNORECASE)
_STUB_LENGTH = 500
"""Characters of the longest text that only says that the message is HTML, or where else it can be read."""

_ADDRESS = re.compile(r"https?://\S+")

_HEADS = frozenset({"head", "html"})
_SIGNS = re.compile(r"[\W_]+")
_SHINGLE = 5
"""Letters in the pieces by which two texts are compared: whatever their lines, spaces and marks."""

_MIN_SHARED = 0.7
"""The share of the HTML's pieces that plain text must have. Chosen: a link or hidden preview is less."""

_HTML_COMPARED, _PLAIN_COMPARED = 20_000, 200_000
"""Letters that are compared. Plain text has more of them for the same content: addresses of links."""


def text_of(given: Blocks) -> str:
    """Return the text of blocks."""
    return "\n".join(block.text for block in given)


def html_text(markup: str) -> Blocks:
    """Return the text of a message in HTML. No mail program shows its title."""
    if not markup.strip():
        return []
    root = parse(markup)
    for title in [part for part in root.iter() if local_name(part) == "title"]:
        parent = title.getparent()
        if parent is not None and local_name(parent) in _HEADS:
            parent.remove(title)
    return list(blocks(root))


def says_more(rich: Blocks, plain: Blocks) -> bool:
    """Whether the HTML has what the plain text lacks, because that is empty, a stub, markup or a footer."""
    if not rich or not plain:
        return bool(rich)
    text = _ADDRESS.sub("", text_of(plain))
    if _MARKUP.match(text):
        return True
    wanted = letters_of(_ADDRESS.sub("", text_of(rich)))
    pieces = _shingles(wanted[:_HTML_COMPARED])
    given = letters_of(text)
    if len(pieces & _shingles(given[:_PLAIN_COMPARED])) >= _MIN_SHARED * len(pieces):
        return False
    return len(wanted) > len(given) or (len(text) <= _STUB_LENGTH and bool(_STUB.search(text)))


def letters_of(text: str) -> str:
    """Return the letters and digits of a text in lower case, by which texts are compared."""
    return _SIGNS.sub("", text).lower()


def _shingles(letters: str) -> set[str]:
    return {letters[start : start + _SHINGLE] for start in range(max(1, len(letters) - _SHINGLE + 1))}
