"""DOCX: paragraphs, headings and tables in the order of the document, then the notes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from qa.errors import ReadError
from qa.readers.archives import DAMAGED, open_zip
from qa.readers.extract import Block, Extract, assemble, one_line
from qa.readers.metadata import Facts, written_by_hand

_MAIN = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SIGNS = {f"{_MAIN}tab": " ", f"{_MAIN}br": " ", f"{_MAIN}cr": " ", f"{_MAIN}noBreakHyphen": "\u2011"}
_HEADING_STYLE = re.compile(r"heading (\d)", re.IGNORECASE)

_MAX_BASE_STYLES = 20
"""How far a style's bases are followed: Word builds on a few, a damaged file may build in a circle."""

_BODY_TEXT = 9  # the outline level of text that is no heading, from 0


def read(data: bytes) -> Extract:
    """Read a document: its text, headings and core properties."""
    open_zip(data, "a DOCX").close()
    document = _open(data)
    levels = _levels(document.styles)
    blocks = list(_blocks(document.element.body, levels))
    for part in document.part.package.iter_parts():
        if part.partname.endswith(("/footnotes.xml", "/endnotes.xml")):
            blocks += _blocks(_root(part), levels)
    text, headings, tables = assemble(blocks)
    return Extract(text, _facts(document), headings, tables=tables)


def _open(data: bytes) -> Any:
    from docx import Document
    from docx.opc.exceptions import OpcError
    from lxml import etree

    try:
        return Document(io.BytesIO(data))
    except (OpcError, etree.XMLSyntaxError, *DAMAGED) as error:
        raise ReadError(f"is not a DOCX that can be opened: {error}") from error


def _root(part: Any) -> Any:
    """Parse a part. python-docx has parsed only the kinds of part that it knows."""
    from lxml import etree

    return etree.fromstring(part.blob, etree.XMLParser(resolve_entities=False, no_network=True))


def _levels(styles: Any) -> dict[str, int]:
    """Return the levels of heading styles, by their name or outline level or that of a base style."""
    levels = {}
    for style in styles:
        base, steps = style, 0
        while base is not None and steps < _MAX_BASE_STYLES:
            level = _style_level(base)
            if level is not None:
                levels[style.style_id] = level
                break
            base, steps = getattr(base, "base_style", None), steps + 1
    return levels


def _style_level(style: Any) -> int | None:
    name = style.name or ""
    if name.lower() == "title":
        return 1
    if named := _HEADING_STYLE.fullmatch(name):
        return int(named[1])
    return _outline_level(style.element)


def _outline_level(element: Any) -> int | None:
    """Return the outline level that an element's paragraph properties set, from 1; body text has none."""
    outline = element.find(f"{_MAIN}pPr/{_MAIN}outlineLvl")
    value = None if outline is None else outline.get(f"{_MAIN}val")
    return int(value) + 1 if value and value.isdigit() and int(value) < _BODY_TEXT else None


def _blocks(container: Any, levels: dict[str, int]) -> Iterator[Block]:
    for element in container:
        if element.tag == f"{_MAIN}p":
            yield from _paragraph(element, levels)
        elif element.tag == f"{_MAIN}tbl":
            rows = (" | ".join(filter(None, map(_cell, _cells(row)))) for row in element.iter(f"{_MAIN}tr"))
            lines = [row for row in rows if row]
            yield from (Block(line, tight=position > 0) for position, line in enumerate(lines))
        elif isinstance(element.tag, str) and element.tag != f"{_MAIN}sectPr":
            yield from _blocks(element, levels)


def _paragraph(element: Any, levels: dict[str, int]) -> Iterator[Block]:
    """Yield a paragraph, then those of the text boxes anchored in it."""
    if text := one_line("".join(_texts(element))):
        style = element.find(f"{_MAIN}pPr/{_MAIN}pStyle")
        level = _outline_level(element) or levels.get("" if style is None else style.get(f"{_MAIN}val"))
        yield Block(text, level)
    for box in element.iter(f"{_MAIN}txbxContent"):
        if not any(ancestor.tag == _FALLBACK for ancestor in box.iterancestors()):
            yield from _blocks(box, levels)


def _texts(element: Any) -> Iterator[str]:
    """Yield the pieces of a paragraph's own text, tracked insertions included."""
    for child in element:
        if child.tag == f"{_MAIN}t":
            yield child.text or ""
        elif child.tag in _SIGNS:
            yield _SIGNS[child.tag]
        elif child.tag not in {f"{_MAIN}pPr", f"{_MAIN}txbxContent", _FALLBACK}:
            yield from _texts(child)


def _cells(row: Any) -> Iterator[Any]:
    for child in row:
        if child.tag == f"{_MAIN}tc":
            yield child
        elif isinstance(child.tag, str):
            yield from _cells(child)


def _cell(cell: Any) -> str:
    return " ".join(block.text for block in _blocks(cell, {}))


def _facts(document: Any) -> Facts:
    facts = Facts()
    properties = document.core_properties
    facts.add("title", written_by_hand(properties.title), "file")
    facts.add("author", written_by_hand(properties.author), "file")
    facts.add("language", properties.language, "file")
    for paragraph in document.paragraphs:
        if paragraph.style is not None and (paragraph.style.name or "").lower() == "title":
            facts.add("title", paragraph.text, "text")
    return facts
