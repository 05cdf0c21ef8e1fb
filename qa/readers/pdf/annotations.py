"""What people have added to a page: values of forms, text typed onto it, and notes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

from qa.readers.extract import one_line
from qa.readers.pdf import pdfium
from qa.readers.pdf.layout import Cell, Line
from qa.readers.pdf.pdfium import Box

_HIDDEN = 2 | 32  # flags of an annotation: hidden, or not to be viewed
_PASSWORD = 1 << 13  # the flag of a text field that holds a password
_MAX_ANNOTATIONS = 2_000  # of a page: a form that people fill in has a few hundred fields
_LINE_HEIGHT = 12.0  # points that a line takes in a field that is higher
_CHECKED, _UNCHECKED = "☒", "☐"


def with_annotations(document: Any, page: Any, lines: list[Line]) -> list[Line]:
    """Return the lines of a page with its annotations among them: values beside their labels, notes last."""
    notes = []
    for line, is_note in _lines(document, page):
        if is_note:
            notes.append(line)
        else:
            lines.insert(_position(line, lines), line)
    return lines + notes


def _position(line: Line, lines: Sequence[Line]) -> int:
    """Return where among lines one belongs: after those to its left on its height, or the nearest above."""
    assert line.box  # noqa: S101 -- every annotation has a place
    middle = (line.box.top + line.box.bottom) / 2
    beside = [
        index
        for index, other in enumerate(lines)
        if other.baseline - 0.4 * other.size < middle < other.baseline + 1.1 * other.size
        or (line.box.bottom < other.baseline + 0.3 * other.size < line.box.top and not other.box)
    ]
    before = [index for index in beside if lines[index].left < line.left]
    if beside:
        return max(before) + 1 if before else min(beside)
    above = [index for index, other in enumerate(lines) if other.baseline > middle]
    if not above:
        return 0
    return 1 + min(above, key=lambda index: (lines[index].baseline, -index))


def _lines(document: Any, page: Any) -> Iterator[tuple[Line, bool]]:
    """Yield the text of each annotation as a line, and whether it is a note rather than on the page."""
    from pypdfium2 import raw

    for index in range(min(raw.FPDFPage_GetAnnotCount(page.raw), _MAX_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page.raw, index)
        if not annotation:
            continue
        try:
            if raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
                continue
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            box = _box(annotation)
            if kind == raw.FPDF_ANNOT_WIDGET:
                if text := _value(document, annotation):
                    yield _line(text, box, is_value=True), False
            elif text := one_line(_string(annotation, b"Contents")) if kind in _with_text() else "":
                yield _line(text, box, is_value=False), kind != raw.FPDF_ANNOT_FREETEXT
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _with_text() -> frozenset[int]:
    """Return the kinds of annotations whose contents people read."""
    from pypdfium2 import raw

    return frozenset(
        {
            raw.FPDF_ANNOT_FREETEXT,
            raw.FPDF_ANNOT_TEXT,
            raw.FPDF_ANNOT_HIGHLIGHT,
            raw.FPDF_ANNOT_UNDERLINE,
            raw.FPDF_ANNOT_SQUIGGLY,
            raw.FPDF_ANNOT_STRIKEOUT,
            raw.FPDF_ANNOT_CARET,
            raw.FPDF_ANNOT_STAMP,
            raw.FPDF_ANNOT_SQUARE,
            raw.FPDF_ANNOT_CIRCLE,
            raw.FPDF_ANNOT_LINE,
            raw.FPDF_ANNOT_POLYGON,
            raw.FPDF_ANNOT_POLYLINE,
            raw.FPDF_ANNOT_INK,
        }
    )


def _value(document: Any, annotation: Any) -> str:
    """Return what is typed, chosen or ticked in a field of a form."""
    from pypdfium2 import raw

    if not document.formenv:
        return ""
    form = document.formenv.raw
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in {raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON}:
        return _CHECKED if raw.FPDFAnnot_IsChecked(form, annotation) else _UNCHECKED
    if kind == raw.FPDF_FORMFIELD_TEXTFIELD:
        if raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
            return ""
    elif kind not in {raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX}:
        return ""
    options = range(min(raw.FPDFAnnot_GetOptionCount(form, annotation), _MAX_ANNOTATIONS))
    chosen = [
        _option(form, annotation, option)
        for option in options
        if raw.FPDFAnnot_IsOptionSelected(form, annotation, option)
    ]
    value = pdfium.wide_string(
        lambda buffer, size: raw.FPDFAnnot_GetFormFieldValue(form, annotation, buffer, size)
    )
    return one_line(", ".join(chosen) or value)


def _option(form: Any, annotation: Any, option: int) -> str:
    from pypdfium2 import raw

    return pdfium.wide_string(
        lambda buffer, size: raw.FPDFAnnot_GetOptionLabel(form, annotation, option, buffer, size)
    )


def _string(annotation: Any, key: bytes) -> str:
    from pypdfium2 import raw

    return pdfium.wide_string(
        lambda buffer, size: raw.FPDFAnnot_GetStringValue(annotation, key, buffer, size)
    )


def _box(annotation: Any) -> Box:
    from pypdfium2 import raw

    place = raw.FS_RECTF()
    raw.FPDFAnnot_GetRect(annotation, ctypes.byref(place))
    return Box(
        min(place.left, place.right),
        min(place.bottom, place.top),
        max(place.left, place.right),
        max(place.bottom, place.top),
    )


def _line(text: str, box: Box, *, is_value: bool) -> Line:
    size = max(1.0, min(box.height, _LINE_HEIGHT))
    foot = (box.top + box.bottom - size) / 2 if box.height < 2 * _LINE_HEIGHT else box.top - size
    return Line(
        text=text,
        left=box.left,
        right=box.right,
        baseline=foot + 0.2 * size,
        size=size,
        first_word=size,
        cells=(Cell(text, box.left, box.right),),
        box=box,
        is_value=is_value,
    )
