"""PPTX: each slide is a page: its title, its shapes as they are read, and the speaker's notes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from qa.errors import ReadError
from qa.readers.archives import DAMAGED, open_zip
from qa.readers.extract import Block, Extract, one_line
from qa.readers.grid import Cell, Grid, lay_out
from qa.readers.header_rows import with_header
from qa.readers.metadata import Facts, written_by_hand
from qa.readers.numerals import BULLET
from qa.readers.office_math import is_math, linear
from qa.readers.paged import assemble_pages
from qa.readers.safe_xml import parse_xml

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"

_TITLES = frozenset({"TITLE", "CENTER_TITLE", "VERTICAL_TITLE"})
_LISTS = frozenset({"BODY", "OBJECT", "VERTICAL_BODY", "VERTICAL_OBJECT"})
_REPEATED = frozenset({"FOOTER", "HEADER", "DATE", "SLIDE_NUMBER"})

_LINES_OF_A_SLIDE = 30
"""Shapes that begin on the same of so many strips of a slide are read from left to right (chosen)."""

_ON = frozenset({"1", "true"})
_DIGITS = 6  # of a number that is believed
_NODES = frozenset({"node", "asst"})  # points of a diagram that hold what it says
_MAX_SPAN = 1_000  # rows or columns that a cell may cover, for the file is not trusted


def read(data: bytes) -> Extract:
    """Read a presentation: its slides, their notes and its core properties."""
    open_zip(data, "a PPTX").close()
    presentation = _open(data)
    slides = list(presentation.slides)
    reader = _SlideReader(presentation.slide_height or 1)
    (text, headings, tables), pages = assemble_pages(
        list(reader.blocks(number, slide)) for number, slide in enumerate(slides, start=1)
    )
    facts = Facts()
    properties = presentation.core_properties
    facts.add("title", written_by_hand(properties.title), "file")
    facts.add("author", written_by_hand(properties.author), "file")
    facts.add("language", properties.language, "file")
    if headings and pages and headings[0].span.end <= pages[0].end:
        facts.add("title", headings[0].span.slice(text), "text")
    return Extract(text, facts, headings, pages, tables, notes=tuple(reader.noted))


def _open(data: bytes) -> Any:
    from lxml import etree
    from pptx import Presentation
    from pptx.exc import PythonPptxError

    try:
        return Presentation(io.BytesIO(data))
    except (PythonPptxError, etree.XMLSyntaxError, *DAMAGED) as error:
        raise ReadError(f"is not a PPTX that can be opened: {error}") from error


class _SlideReader:
    """Reads slides, and notes what a person should know of them."""

    def __init__(self, height: int) -> None:
        self._strip = max(1, height // _LINES_OF_A_SLIDE)
        self._number = 0
        self.noted: list[str] = []

    def blocks(self, number: int, slide: Any) -> Iterator[Block | Grid]:
        """Yield a slide's title, its shapes in reading order, and its notes."""
        self._number = number
        if slide.element.get("show") in {"0", "false"}:
            self.noted.append(f"slide {number} is hidden")
        shapes = list(slide.shapes)
        titles = [shape for shape in shapes if _kind(shape) in _TITLES]
        for title in titles:
            level = 1 if _kind(title) == "CENTER_TITLE" else 2
            yield Block(" ".join(filter(None, map(_text, _paragraphs(title.element)))), level)
        yield from self._shapes(shape for shape in shapes if shape not in titles)
        if slide.has_notes_slide and (notes := slide.notes_slide.notes_placeholder) is not None:
            texts = list(filter(None, map(_text, _paragraphs(notes.element))))
            for place, text in enumerate(texts):
                yield Block(text if place else f"Notes: {text}")

    def _shapes(self, shapes: Iterable[Any]) -> Iterator[Block | Grid]:
        for shape in self._in_reading_order(shapes):
            if _kind(shape) in _REPEATED:
                continue
            if hasattr(shape, "shapes"):
                yield from self._shapes(shape.shapes)
            elif getattr(shape, "has_table", False):
                yield _table(shape.element)
            elif getattr(shape, "has_chart", False):
                yield from self._chart(shape)
            elif (points := _diagram(shape)) is not None:
                yield from points
            elif getattr(shape, "has_text_frame", False):
                yield from _lines(shape)

    def _in_reading_order(self, shapes: Iterable[Any]) -> list[Any]:
        """Sort shapes from the top and from the left; one without a place stays behind the one before it."""
        placed = []
        place = (0, 0)
        for shape in shapes:
            if shape.top is not None and shape.left is not None:
                place = (shape.top // self._strip, shape.left)
            placed.append((place, shape))
        return [shape for _, shape in sorted(placed, key=lambda pair: pair[0])]

    def _chart(self, shape: Any) -> Iterator[Block | Grid]:
        """Yield a chart's title and its numbers as a table."""
        try:
            chart = shape.chart
            if chart.has_title and chart.chart_title.has_text_frame:
                yield Block(one_line(chart.chart_title.text_frame.text))
            for plot in chart.plots:
                yield _plot(plot)
        except (KeyError, ValueError, AttributeError, NotImplementedError, TypeError) as error:
            self.noted.append(f"a chart on slide {self._number} was not read: {error}")


def _kind(shape: Any) -> str:
    """Return the name of the kind of placeholder that a shape is, or an empty string."""
    if not getattr(shape, "is_placeholder", False):
        return ""
    kind = shape.placeholder_format.type
    return "" if kind is None else str(kind.name)


def _paragraphs(element: Any) -> Iterator[Any]:
    for paragraph in element.iter(f"{_DRAWING}p"):
        if not any(ancestor.tag == _FALLBACK for ancestor in paragraph.iterancestors()):
            yield paragraph


def _text(paragraph: Any) -> str:
    return one_line("".join(_pieces(paragraph)))


def _pieces(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag == f"{_DRAWING}t":
            yield child.text or ""
        elif child.tag == f"{_DRAWING}br":
            yield " "
        elif is_math(child):
            yield linear(child)
        elif isinstance(child.tag, str) and child.tag != _FALLBACK:
            yield from _pieces(child)


def _lines(shape: Any) -> Iterator[Block]:
    """Yield a shape's paragraphs; those of a list begin with a bullet or their number."""
    texts = [(_text(paragraph), paragraph) for paragraph in _paragraphs(shape.element)]
    filled = [(text, paragraph) for text, paragraph in texts if text]
    is_list = _kind(shape) in _LISTS and len(filled) > 1
    counts: dict[str, int] = {}
    follows = False
    for text, paragraph in filled:
        mark = _mark(paragraph, counts, is_list=is_list)
        yield Block(f"{mark} {text}" if mark else text, tight=bool(mark) and follows)
        follows = bool(mark)


def _mark(paragraph: Any, counts: dict[str, int], *, is_list: bool) -> str:
    properties = paragraph.find(f"{_DRAWING}pPr")
    if properties is None:
        return BULLET if is_list else ""
    level = properties.get("lvl", "0")
    for other in [other for other in counts if other > level]:
        del counts[other]
    numbered = properties.find(f"{_DRAWING}buAutoNum")
    if numbered is not None:
        start = numbered.get("startAt", "1")
        first = int(start) if start.isascii() and start.isdigit() and len(start) < _DIGITS else 1
        counts[level] = counts.get(level, first - 1) + 1
        return f"{counts[level]}."
    if properties.find(f"{_DRAWING}buNone") is not None:
        return ""
    return BULLET if is_list or properties.find(f"{_DRAWING}buChar") is not None else ""


def _table(frame: Any) -> Grid:
    rows = [
        [
            Cell(
                " ".join(filter(None, map(_text, _paragraphs(cell)))), _span(cell, "row"), _span(cell, "grid")
            )
            for cell in row.findall(f"{_DRAWING}tc")
            if not {cell.get("hMerge"), cell.get("vMerge")} & _ON
        ]
        for row in frame.iter(f"{_DRAWING}tr")
    ]
    properties = next(frame.iter(f"{_DRAWING}tblPr"), None)
    is_named = properties is not None and properties.get("firstRow") in _ON
    grid = lay_out(rows, header_rows=int(is_named and len(rows) > 1))
    return with_header(grid)


def _span(cell: Any, kind: str) -> int:
    span = cell.get(f"{kind}Span", "1")
    return min(int(span), _MAX_SPAN) if span.isascii() and span.isdigit() and len(span) < _DIGITS else 1


def _plot(plot: Any) -> Grid:
    series = list(plot.series)
    header = [Cell(""), *(Cell(one_line(one.name or "")) for one in series)]
    columns = [list(one.values) for one in series]
    rows = [header]
    for place, category in enumerate(plot.categories):
        values = (column[place] if place < len(column) else None for column in columns)
        rows.append([Cell(one_line(str(category))), *(Cell(_number(value)) for value in values)])
    return lay_out(rows, header_rows=1)


def _number(value: float | None) -> str:
    return "" if value is None else format(value, ".10g")


def _diagram(shape: Any) -> list[Block] | None:
    """Return what the points of a diagram (SmartArt) say, or None if a shape is none."""
    related = next(shape.element.iter(f"{_DIAGRAM}relIds"), None)
    if related is None:
        return None
    try:
        part = shape.part.related_part(related.get(f"{_RELATED}dm"))
    except KeyError:
        return []
    root = parse_xml(part.blob)
    points = [point for point in root.iter(f"{_DIAGRAM}pt") if point.get("type", "node") in _NODES]
    texts = [" ".join(filter(None, map(_text, _paragraphs(point)))) for point in points]
    return [Block(f"{BULLET} {text}", tight=place > 0) for place, text in enumerate(filter(None, texts))]
