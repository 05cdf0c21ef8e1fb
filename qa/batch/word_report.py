"""The answers as a DOCX report: each question with its answer, where that stands, and the next sources."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from qa.batch.answered_rows import AnsweredRow
from qa.batch.cited_answers import ABSENT, CitedAnswer, Source
from qa.batch.question_sheet import QuestionSheet, Row
from qa.batch.sheet_writer import shown_value
from qa.readers.extract import printable

if TYPE_CHECKING:
    from docx.text.paragraph import Paragraph


def to_docx(sheet: QuestionSheet, rows: Iterable[AnsweredRow]) -> bytes:
    """Return a sheet as a document. The other columns stand below each question."""
    report = _Report()
    for row, answer in rows:
        if answer:
            report.add_question(sheet, row)
            report.add_answer(answer)
    return report.save()


class _Report:
    """A document that grows by questions and answers.

    python-docx looks up a style among all of them for each paragraph, which took most of the time; here, each
    is looked up once.
    """

    def __init__(self) -> None:
        from docx import Document

        self._document = Document()
        styles = self._document.styles
        self._heading, self._quote, self._bullet = (
            styles[name].style_id for name in ("Heading 2", "Quote", "List Bullet")
        )

    def save(self) -> bytes:
        """Return the file."""
        output = io.BytesIO()
        self._document.save(output)
        return output.getvalue()

    def add_question(self, sheet: QuestionSheet, row: Row) -> None:
        """Add a question as a heading, with the other columns below."""
        self._add(sheet.question_of(row), self._heading)
        others = [
            f"{name}: {shown_value(value)}"
            for place, (name, value) in enumerate(zip(sheet.columns, row, strict=True))
            if place != sheet.place and value not in (None, "")
        ]
        if others:
            self._add(" · ".join(others))

    def add_answer(self, answer: CitedAnswer) -> None:
        """Add an answer with its source and the next ones."""
        if answer.corrected:
            self._add(f"Searched: {answer.corrected}")
        if answer.answer and answer.source:
            self._add(answer.answer, self._quote)
            self._add_source(answer.source)
            self._add(f"Answered here: {answer.confidence}")
        else:
            reason = f": {answer.note}" if answer.note else ""
            self._add(f"{ABSENT.capitalize()}{reason}.")
        if answer.next_sources:
            self._add("Next sources:" if answer.answer else "The nearest passages:")
        for source in answer.next_sources:
            self._add_source(source, self._bullet)

    def _add_source(self, source: Source, style: str | None = None) -> None:
        """Add a source, as a link to its permalink."""
        add_link(self._add("", style), source.line, source.permalink)

    def _add(self, text: str, style: str | None = None) -> Paragraph:
        paragraph = self._document.add_paragraph(printable(text))
        paragraph._p.style = style  # noqa: SLF001 -- by its id: python-docx takes names, or looks it up again
        return paragraph


def add_link(paragraph: Paragraph, text: str, address: str) -> None:
    """Add a link to a paragraph. Time doesn't grow with the number of links, as it does in python-docx."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    link = OxmlElement("w:hyperlink")
    relations = paragraph.part.rels
    relation = f"link{hashlib.sha256(address.encode()).hexdigest()[:32]}"
    if relation not in relations:
        relations.add_relationship(RELATIONSHIP_TYPE.HYPERLINK, address, relation, is_external=True)
    link.set(qn("r:id"), relation)
    run = paragraph.add_run(printable(text))
    run.font.underline = True
    link.append(run._r)  # noqa: SLF001 -- python-docx has links only as it has read them
    paragraph._p.append(link)  # noqa: SLF001 -- the same
