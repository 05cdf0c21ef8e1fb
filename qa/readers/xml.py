"""XML of any kind: the text of its elements in order, a paragraph for each that holds text of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qa.errors import ReadError
from qa.readers.extract import Block, Extract, assemble, one_line
from qa.readers.html import article
from qa.readers.html.elements import local_name
from qa.readers.metadata import Facts, written_by_hand
from qa.readers.safe_xml import parse_xml

_MAX_LEVEL = 6


def read(data: bytes) -> Extract:
    """Read a document: its text, and as headings its elements named title."""
    from lxml import etree

    try:
        root = parse_xml(data)
    except etree.XMLSyntaxError as error:
        raise ReadError(f"is not XML that can be read: {error}") from error
    if local_name(root) == "html":
        return article.read(data)
    text, headings, tables = assemble(_blocks(root, 0))
    facts = Facts()
    if headings:
        facts.add("title", written_by_hand(headings[0].span.slice(text)), "text")
    count = sum(1 for _ in root.iter(etree.Entity))
    noted = (f"entities were left out: {count}",) if count else ()
    return Extract(text, facts, headings, tables=tables, notes=noted)


def _blocks(element: Any, depth: int) -> Iterator[Block]:
    children = [child for child in element if isinstance(child.tag, str)]
    own = [element.text, *(child.tail for child in element)]
    if children and not any(text and text.strip() for text in own):
        for child in children:
            yield from _blocks(child, depth + 1)
        return
    is_title = local_name(element) == "title"
    yield Block(one_line("".join(_texts(element))), min(max(depth, 1), _MAX_LEVEL) if is_title else None)


def _texts(element: Any) -> Iterator[str]:
    """Yield the text of an element, comments and instructions left out."""
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            yield from _texts(child)
        yield child.tail or ""
