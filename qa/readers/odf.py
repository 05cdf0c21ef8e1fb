"""ODT and ODP: paragraphs, headings, lists and tables in the order of the document; each slide is a page."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any

from qa.errors import ReadError
from qa.readers.archives import DAMAGED, open_zip
from qa.readers.extract import Block, Extract, assemble, join_in_cell, mark_first, one_line
from qa.readers.grid import Cell, Grid, lay_out
from qa.readers.header_rows import with_header
from qa.readers.metadata import Facts, first_nonblank, written_by_hand
from qa.readers.odf_styles import DRAW, OFFICE, PRESENTATION, SVG, TABLE, TEXT, Lists, Styles, number_of
from qa.readers.odf_text import TextReader
from qa.readers.paged import assemble_pages
from qa.readers.safe_xml import parse_xml
from qa.types import Span

_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_META = "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}"

_SKIPPED = frozenset(
    {
        f"{TEXT}tracked-changes",
        f"{OFFICE}forms",
        f"{OFFICE}annotation",
        f"{TEXT}table-of-content-source",
        f"{PRESENTATION}notes",
    }
)
_REPEATED = frozenset({"footer", "header", "date-time", "page-number"})

_MAX_REPEATED = 1_000
"""How many equal rows or columns are believed: spreadsheets fill a sheet's rest with a million."""


def read_text(data: bytes) -> Extract:
    """Read a text document: its text, headings and metadata."""
    with open_zip(data, "an ODT") as archive:
        content, styles, facts = _parts(archive, "an ODT")
    body = content.find(f"{OFFICE}body/{OFFICE}text")
    if body is None:
        raise ReadError("is not an ODT that can be opened: it holds no text document")
    reader = _Reader(styles)
    blocks = [*reader.blocks(body), *reader.notes()]
    text, headings, tables = assemble(blocks)
    return Extract(text, facts, headings, tables=tables, notes=reader.noted)


def read_slides(data: bytes) -> Extract:
    """Read a presentation: its slides, their notes and its metadata."""
    with open_zip(data, "an ODP") as archive:
        content, styles, facts = _parts(archive, "an ODP")
    body = content.find(f"{OFFICE}body/{OFFICE}presentation")
    if body is None:
        raise ReadError("is not an ODP that can be opened: it holds no presentation")
    reader = _Reader(styles)
    slides = body.findall(f"{DRAW}page")
    hidden = tuple(
        f"slide {number} is hidden" for number, slide in enumerate(slides, start=1) if styles.is_hidden(slide)
    )
    (text, headings, tables), pages = assemble_pages(list(reader.slide(slide)) for slide in slides)
    _name_by_first_slide(facts, text, headings[0].span if headings else None, pages)
    return Extract(text, facts, headings, pages, tables, notes=(*hidden, *reader.noted))


def _name_by_first_slide(facts: Facts, text: str, heading: Span | None, pages: tuple[Span, ...]) -> None:
    if heading and heading.end <= pages[0].end:
        facts.add("title", heading.slice(text), "text")


def _parts(archive: zipfile.ZipFile, kind: str) -> tuple[Any, Styles, Facts]:
    """Return the content, all styles and the metadata."""
    names = set(archive.namelist())
    if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise ReadError(f"is not {kind} that can be opened: it is encrypted")
    content = _xml(archive, "content.xml", kind)
    others = [_xml(archive, "styles.xml", kind)] if "styles.xml" in names else []
    facts = _facts(_xml(archive, "meta.xml", kind)) if "meta.xml" in names else Facts()
    return content, Styles([*others, content]), facts


def _xml(archive: zipfile.ZipFile, path: str, kind: str) -> Any:
    from lxml import etree

    try:
        return parse_xml(archive.read(path))
    except (etree.XMLSyntaxError, *DAMAGED) as error:
        raise ReadError(f"is not {kind} that can be opened: {path}: {error}") from error


def _facts(root: Any) -> Facts:
    def text(name: str) -> str:
        return next((element.text or "" for element in root.iter(name)), "")

    facts = Facts()
    author = first_nonblank([text(f"{_META}initial-creator"), text(f"{_DUBLIN_CORE}creator")])
    facts.add("title", written_by_hand(text(f"{_DUBLIN_CORE}title")), "file")
    facts.add("author", written_by_hand(author), "file")
    facts.add("language", text(f"{_DUBLIN_CORE}language"), "file")
    return facts


class _Reader:
    """Reads a document's blocks in order: lists, headings and notes are counted from its beginning."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._texts = TextReader(styles)
        self._lists = Lists(styles)

    @property
    def noted(self) -> tuple[str, ...]:
        """What a person should know."""
        count = self._texts.comments
        return (f"comments were left out: {count}",) if count else ()

    def notes(self) -> Iterator[Block | Grid]:
        """Yield the footnotes and endnotes met so far, each with its marker."""
        for marker, body in self._texts.notes:
            yield from mark_first(self.blocks(body), marker)

    def blocks(self, container: Any, style: str = "", level: int = 0) -> Iterator[Block | Grid]:
        """Yield the blocks of a container, in a list of a style and level, or in none (0)."""
        for element in container:
            if not isinstance(element.tag, str) or element.tag in _SKIPPED:
                continue
            if element.tag in {f"{TEXT}p", f"{TEXT}h"}:
                yield from self._paragraph(element)
            elif element.tag == f"{TEXT}list":
                yield from self._list(element, style, level + 1)
            elif element.tag == f"{TABLE}table":
                yield from self._table(element)
            else:
                yield from self.blocks(element, style, level)

    def slide(self, page: Any) -> Iterator[Block | Grid]:
        """Yield a slide's title, its other shapes from the top and the left, and its notes."""
        shapes = [shape for shape in page if isinstance(shape.tag, str) and shape.tag not in _SKIPPED]
        titles = [shape for shape in shapes if shape.get(f"{PRESENTATION}class") == "title"]
        for title in titles:
            yield Block(" ".join(block.text for block in self.blocks(title)), 2)
        for shape in sorted((shape for shape in shapes if shape not in titles), key=_place):
            if shape.get(f"{PRESENTATION}class") not in _REPEATED:
                yield from self.blocks([shape])
        for notes in page.findall(f"{PRESENTATION}notes"):
            frames = [frame for frame in notes if frame.get(f"{PRESENTATION}class") == "notes"]
            texts = [block.text for frame in frames for block in self.blocks(frame) if block.text]
            yield from (Block(text if place else f"Notes: {text}") for place, text in enumerate(texts))

    def _paragraph(self, element: Any) -> Iterator[Block | Grid]:
        """Yield a paragraph or heading, then the text boxes anchored in it."""
        text = one_line(self._texts.text(element))
        if text:
            level = None
            if element.tag == f"{TEXT}h":
                level = max(1, number_of(element, f"{TEXT}outline-level", 1))
                if element.get(f"{TEXT}is-list-header") != "true" and (label := self._lists.heading(level)):
                    text = f"{label} {text}"
            yield Block(text, level)
        for box in self._texts.boxes(element):
            yield from self.blocks(box)

    def _list(self, element: Any, style: str, level: int) -> Iterator[Block | Grid]:
        style = element.get(f"{TEXT}style-name", style)
        begins = element.get(f"{TEXT}continue-numbering") != "true"
        follows = level > 1
        for item in element:
            if item.tag not in {f"{TEXT}list-item", f"{TEXT}list-header"}:
                continue
            label = ""
            if item.tag == f"{TEXT}list-item" and _has_own_text(item):
                start = number_of(item, f"{TEXT}start-value", -1)
                label = self._lists.label(style, level, start if start >= 0 else None, begins=begins)
                begins = False
            for block in self.blocks(item, style, level):
                if isinstance(block, Block) and block.level is None:
                    text = f"{label} {block.text}" if label else block.text
                    yield Block(text, tight=block.tight or (bool(label) and follows))
                    label = ""
                else:
                    yield block
                follows = True

    def _table(self, element: Any) -> Iterator[Block | Grid]:
        """Yield a table, or the paragraphs of one with a single column, which is a frame around them."""
        marked = list(_rows(element))
        rows = [row for row, _ in marked]
        if all(len(row) <= 1 for row in rows):
            for row in rows:
                for cell, _, _ in row:
                    yield from self.blocks(cell)
            return
        cells = [[Cell(join_in_cell(self.blocks(cell)), *covered) for cell, *covered in row] for row in rows]
        count = sum(is_header for _, is_header in marked)
        grid = lay_out(cells, header_rows=count if count < len(rows) else 0)
        yield with_header(grid)


def _has_own_text(item: Any) -> bool:
    return any(child.tag in {f"{TEXT}p", f"{TEXT}h"} for child in item)


def _rows(table: Any, *, is_header: bool = False) -> Iterator[tuple[list[tuple[Any, int, int]], bool]]:
    """Yield each row's cells with the rows and columns that they cover, and whether it names the columns."""
    for child in table:
        if child.tag == f"{TABLE}table-row":
            cells = list(_cells(child))
            repeated = number_of(child, f"{TABLE}number-rows-repeated", 1) if cells else 1
            for _ in range(min(repeated, _MAX_REPEATED)):
                yield cells, is_header
        elif child.tag in {f"{TABLE}table-header-rows", f"{TABLE}table-rows", f"{TABLE}table-row-group"}:
            yield from _rows(child, is_header=is_header or child.tag == f"{TABLE}table-header-rows")


def _cells(row: Any) -> Iterator[tuple[Any, int, int]]:
    for cell in row:
        if cell.tag == f"{TABLE}table-cell":
            down = min(number_of(cell, f"{TABLE}number-rows-spanned", 1), _MAX_REPEATED)
            right = min(number_of(cell, f"{TABLE}number-columns-spanned", 1), _MAX_REPEATED)
            for _ in range(min(number_of(cell, f"{TABLE}number-columns-repeated", 1), _MAX_REPEATED)):
                yield cell, down, right


def _place(shape: Any) -> tuple[int, float]:
    """Return where a shape begins, from the top in half centimetres, and from the left."""
    return round(2 * _centimetres(shape.get(f"{SVG}y"))), _centimetres(shape.get(f"{SVG}x"))


def _centimetres(length: str | None) -> float:
    number = (length or "").rstrip("abcdefghijklmnopqrstuvwxyz%")
    per_unit = {"in": 2.54, "mm": 0.1, "pt": 2.54 / 72}.get((length or "")[len(number) :], 1.0)
    try:
        return max(-1e6, min(float(number) * per_unit, 1e6))
    except ValueError:
        return 0.0
