"""DOCX: paragraphs, headings and tables in the order of the document, then the notes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from qa.errors import ReadError
from qa.readers.archives import DAMAGED, open_zip
from qa.readers.docx_numbering import MAIN, Numbering, value, whole
from qa.readers.docx_runs import BOX, FALLBACK, RunReader, is_on
from qa.readers.docx_tables import cells_of, formats_first_row, header_rows, merged_cells, rows_of
from qa.readers.extract import Block, Extract, assemble, join_in_cell, mark_first
from qa.readers.grid import Cell, Grid, lay_out
from qa.readers.header_rows import with_header
from qa.readers.metadata import Facts, written_by_hand
from qa.readers.safe_xml import parse_xml

_HEADING_STYLE = re.compile(r"heading (\d)", re.IGNORECASE)

_MAX_BASE_STYLES = 20
"""How far a style's bases are followed: Word builds on a few, a damaged file may build in a circle."""

_BODY_TEXT = 9  # the outline level of text that is no heading, from 0

_SKIPPED = frozenset({f"{MAIN}{name}" for name in ("sectPr", "sdtPr", "del", "moveFrom")} | {FALLBACK})


def read(data: bytes) -> Extract:
    """Read a document: its text, headings and core properties."""
    open_zip(data, "a DOCX").close()
    document = _open(data)
    parts = {
        str(part.partname).rpartition("/")[2]: part
        for part in document.part.package.iter_parts()
        if str(part.partname).endswith(".xml")
    }
    numbering = _root(parts["numbering.xml"]) if "numbering.xml" in parts else None
    reader = _Reader(document.styles, Numbering(numbering))
    blocks = list(reader.blocks(document.element.body))
    for kind in ("footnote", "endnote"):
        if part := parts.get(f"{kind}s.xml"):
            blocks += reader.notes(_root(part), kind)
    text, headings, tables = assemble(blocks)
    comments = _count_comments(parts)
    noted = (f"comments were left out: {comments}",) if comments else ()
    return Extract(text, _facts(document), headings, tables=tables, notes=noted)


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
    return parse_xml(part.blob)


def _count_comments(parts: dict[str, Any]) -> int:
    return len(_root(parts["comments.xml"]).findall(f"{MAIN}comment")) if "comments.xml" in parts else 0


def _bases(style: Any) -> Iterator[Any]:
    """Yield a style and those that it is based on."""
    steps = 0
    while style is not None and steps < _MAX_BASE_STYLES:
        yield style
        style, steps = getattr(style, "base_style", None), steps + 1


def _style_level(style: Any) -> int | None:
    name = style.name or ""
    if name.lower() == "title":
        return 1
    if named := _HEADING_STYLE.fullmatch(name):
        return int(named[1])
    return _outline_level(style.element)


def _outline_level(element: Any) -> int | None:
    """Return the outline level that an element's paragraph properties set, from 1; body text has none."""
    outline = value(element, "pPr/outlineLvl")
    return int(outline) + 1 if outline.isdigit() and int(outline) < _BODY_TEXT else None


class _Reader:
    """Reads a document's paragraphs and tables, in order: lists and fields are counted from its beginning."""

    def __init__(self, styles: Any, numbering: Numbering) -> None:
        self._levels: dict[str, int] = {}
        self._numbers: dict[str, tuple[str, int]] = {}
        self._header_styles: set[str] = set()
        self._numbering = numbering
        hidden = set()
        for style in styles:
            bases = list(_bases(style))
            levels = (level for base in bases if (level := _style_level(base)) is not None)
            if (level := next(levels, None)) is not None:
                self._levels[style.style_id] = level
            if any(is_on(base.element.find(f"{MAIN}rPr"), "vanish") for base in bases):
                hidden.add(style.style_id)
            for base in reversed(bases):
                if number := value(base.element, "pPr/numPr/numId"):
                    place = whole(value(base.element, "pPr/numPr/ilvl", "0"))
                    self._numbers[style.style_id] = (number, place)
            if any(formats_first_row(base.element) for base in bases):
                self._header_styles.add(style.style_id)
        self._hidden = hidden
        self._runs = RunReader(hidden)
        self._in_list = False

    def blocks(self, container: Any) -> Iterator[Block | Grid]:
        """Yield the paragraphs, headings and tables of a container."""
        for element in container:
            if element.tag == f"{MAIN}p":
                yield from self._paragraph(element)
            elif element.tag == f"{MAIN}tbl":
                self._in_list = False
                yield from self._table(element)
            elif isinstance(element.tag, str) and element.tag not in _SKIPPED:
                yield from self.blocks(element)

    def notes(self, root: Any, kind: str) -> Iterator[Block | Grid]:
        """Yield footnotes or endnotes, each with the marker that refers to it."""
        for note in root.findall(f"{MAIN}{kind}"):
            if note.get(f"{MAIN}type", "normal") != "normal":  # the line above the notes
                continue
            marker = self._runs.notes.get((kind, note.get(f"{MAIN}id", "")), "")
            self._in_list = False
            yield from mark_first(self.blocks(note), marker)

    def _paragraph(self, element: Any) -> Iterator[Block | Grid]:
        """Yield a paragraph, then those of the text boxes anchored in it."""
        style = value(element, "pPr/pStyle")
        text = "" if style in self._hidden else self._runs.text(element)
        if text:
            level = _outline_level(element) or self._levels.get(style)
            label = self._label(element, style)
            is_item = bool(label) and not level
            yield Block(f"{label} {text}" if label else text, level, tight=is_item and self._in_list)
            self._in_list = is_item
        for box in _boxes(element):
            yield from self.blocks(box)

    def _label(self, element: Any, style: str) -> str:
        number, level = self._numbers.get(style, ("", 0))
        number = value(element, "pPr/numPr/numId", number)
        return self._numbering.label(number, whole(value(element, "pPr/numPr/ilvl"), level)) if number else ""

    def _table(self, element: Any) -> Iterator[Block | Grid]:
        """Yield a table, or the paragraphs of one with a single column, which is a frame around them."""
        rows = list(rows_of(element))
        if all(len(cells_of(row)) <= 1 for row in rows):
            for row in rows:
                for cell in cells_of(row):
                    yield from self.blocks(cell)
            return
        first = header_rows(element, rows, self._header_styles)
        cells = merged_cells(rows)
        grid = lay_out(
            [[Cell(self._cell(cell.element), cell.rows, cell.columns) for cell in row] for row in cells],
            header_rows=first,
        )
        yield with_header(grid)

    def _cell(self, cell: Any) -> str:
        text = "" if cell is None else join_in_cell(self.blocks(cell))
        self._in_list = False
        return text


def _boxes(element: Any) -> Iterator[Any]:
    """Yield the text boxes anchored in an element, but not those in a box, which are read with it."""
    for child in element:
        if child.tag == BOX:
            yield child
        elif isinstance(child.tag, str) and child.tag not in _SKIPPED:
            yield from _boxes(child)


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
