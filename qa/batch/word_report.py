"""The answers as a DOCX report: each question with its answer, where that stands, and the next sources."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from qa.batch.answered_rows import AnsweredRow
from qa.batch.cited_answers import ABSENT, CitedAnswer, Source
from qa.batch.question_sheet import QuestionSheet, Row
from qa.batch.sheet_writer import shown_value
from qa.readers.extract import printable

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph


def to_docx(sheet: QuestionSheet, rows: Iterable[AnsweredRow]) -> bytes:
    """Return a sheet as a document. The other columns stand below each question."""
    from docx import Document

    document = Document()
    for row, answer in rows:
        if answer:
            _add_question(document, sheet, row)
            _add_answer(document, answer)
    output = io.BytesIO()
    document.save(output)
    return output.getvalue()


def _add_question(document: Document, sheet: QuestionSheet, row: Row) -> None:
    document.add_heading(printable(sheet.question_of(row)), level=2)
    others = [
        f"{name}: {shown_value(value)}"
        for place, (name, value) in enumerate(zip(sheet.columns, row, strict=True))
        if place != sheet.place and value not in (None, "")
    ]
    if others:
        document.add_paragraph(printable(" · ".join(others)))


def _add_answer(document: Document, answer: CitedAnswer) -> None:
    if answer.corrected:
        document.add_paragraph(printable(f"Searched: {answer.corrected}"))
    if answer.answer and answer.source:
        document.add_paragraph(printable(answer.answer), style="Quote")
        _add_source(document.add_paragraph(), answer.source)
        document.add_paragraph(f"Answered here: {answer.confidence}")
    else:
        reason = f": {answer.note}" if answer.note else ""
        document.add_paragraph(f"{ABSENT.capitalize()}{reason}.")
    if answer.next_sources:
        document.add_paragraph("Next sources:" if answer.answer else "The nearest passages:")
    for source in answer.next_sources:
        _add_source(document.add_paragraph(style="List Bullet"), source)


def _add_source(paragraph: Paragraph, source: Source) -> None:
    """Add a source, as a link to its permalink."""
    add_link(paragraph, source.line, source.permalink)


def add_link(paragraph: Paragraph, text: str, address: str) -> None:
    """Add a link to a paragraph."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    run = paragraph.add_run(printable(text))
    run.font.underline = True
    link.append(run._r)  # noqa: SLF001 -- python-docx has links only as it has read them
    paragraph._p.append(link)  # noqa: SLF001 -- the same
