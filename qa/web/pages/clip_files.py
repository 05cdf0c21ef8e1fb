"""Clips as files: Markdown, Word, CSV, BibTeX, RIS and CSL-JSON.

Each question is a heading over its clips. A clip that has gone keeps its number and its note, so that nobody
takes the list for complete; the bibliographies have an entry for each source that is still there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from qa.batch.word_report import add_link
from qa.readers.extract import printable
from qa.results import citations
from qa.results.citations import Quotation
from qa.results.permalinks import State
from qa.web.pages.exports import table_of

COLUMNS = (
    *(
        "number",
        "question",
        "quotation",
        "note",
        "state",
        "title",
        "source",
        "author",
        "published",
        "dateline",
    ),
    *("language", "page", "section", "path", "char_start", "char_end", "sha256", "permalink"),
)
_STATES: Mapping[State, str] = MappingProxyType(
    {
        "unchanged": "",
        "moved": "The document has changed. The quotation is the same, but in another place.",
        "altered": "The document has changed, and so has the quotation. This is the current text.",
        "gone": "This quotation is no longer in the documents.",
    }
)
_INDENT = 0.3
"""Inches by which a quotation is indented in Word."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A quotation with the question it answers and the reader's note; ``quotation`` is None if it is gone."""

    question: str
    note: str
    document: str
    state: State
    quotation: Quotation | None


def markdown(clips: Sequence[Clip]) -> str:
    """Return clips as Markdown: numbered quotations with linked sources, and notes as paragraphs."""
    return "\n".join(_markdown_lines(clips))


def _markdown_lines(clips: Sequence[Clip]) -> Iterator[str]:
    for question, group in _by_question(clips):
        if question:
            yield f"## {citations.escaped(question)}\n"
        for number, clip in group:
            yield f"**[{number}]**{_state(clip)}\n"
            if clip.quotation:
                yield citations.markdown(clip.quotation)
            if clip.note:
                yield citations.escaped(clip.note.strip()) + "\n"


def docx(clips: Sequence[Clip]) -> bytes:
    """Return clips as a Word document: questions as headings, quotations, linked sources and notes."""
    from docx import Document
    from docx.shared import Inches

    word = Document()
    for question, group in _by_question(clips):
        if question:
            word.add_heading(printable(question), level=1)
        for number, clip in group:
            lead = word.add_paragraph()
            lead.add_run(f"[{number}]").bold = True
            lead.add_run(_state(clip))
            if clip.quotation:
                lead.paragraph_format.keep_with_next = True
                quoted = word.add_paragraph(printable(f"“{clip.quotation.line}”"), style="Quote")
                quoted.paragraph_format.left_indent = Inches(_INDENT)
                source = word.add_paragraph(printable(f"— {citations.source(clip.quotation)} "))
                add_link(source, clip.quotation.permalink, clip.quotation.permalink)
            if clip.note:
                word.add_paragraph(printable(clip.note.strip()))
    output = BytesIO()
    word.save(output)
    return output.getvalue()


def csv(clips: Sequence[Clip]) -> str:
    """Return clips as CSV, one a row. Spreadsheets run nothing of it as a formula."""
    # Without the mark, spreadsheets assume Latin-1.
    return "\ufeff" + table_of(COLUMNS, (_row(number, clip) for number, clip in enumerate(clips, 1)))


def _row(number: int, clip: Clip) -> list[object]:
    quotation = clip.quotation
    if quotation is None:
        return [number, clip.question, None, clip.note, clip.state, *[None] * (len(COLUMNS) - 5)]
    document, meta = quotation.document, quotation.document.metadata
    return [
        *(number, clip.question, quotation.text, clip.note, clip.state),
        *(meta.title, meta.source, meta.author, meta.published, meta.dateline, meta.language),
        *(quotation.page, quotation.section, document.path, *quotation.span),
        *(document.sha256, quotation.permalink),
    ]


def bibtex(clips: Sequence[Clip]) -> str:
    """Return the sources of clips as entries for BibTeX."""
    return "\n".join(citations.bibtex(quotation) for quotation in _quotations(clips))


def ris(clips: Sequence[Clip]) -> str:
    """Return the sources of clips as RIS records."""
    return "\r\n".join(citations.ris(quotation) for quotation in _quotations(clips))


def csl_json(clips: Sequence[Clip]) -> str:
    """Return the sources of clips as a list of CSL-JSON."""
    items = [citations.csl_item(quotation) for quotation in _quotations(clips)]
    return json.dumps(items, ensure_ascii=False, indent=2) + "\n"


class FileFormat(NamedTuple):
    """A format of files: its name, its media type, and what writes it."""

    name: str
    media_type: str
    write: Callable[[Sequence[Clip]], str | bytes]


_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FORMATS: Mapping[str, FileFormat] = MappingProxyType(
    {
        "md": FileFormat("Markdown", "text/markdown; charset=utf-8", markdown),
        "docx": FileFormat("Word", _DOCX, docx),
        "csv": FileFormat("CSV", "text/csv; charset=utf-8", csv),
        "bib": FileFormat("BibTeX", f"{citations.FORMATS['bib'].media_type}; charset=utf-8", bibtex),
        "ris": FileFormat("RIS", f"{citations.FORMATS['ris'].media_type}; charset=utf-8", ris),
        "json": FileFormat("CSL-JSON", citations.FORMATS["json"].media_type, csl_json),
    }
)
"""By the extension of the file."""


def _by_question(clips: Sequence[Clip]) -> Iterator[tuple[str, Iterable[tuple[int, Clip]]]]:
    """Return each run of clips with the same question, with their numbers from 1."""
    return groupby(enumerate(clips, 1), key=lambda numbered: numbered[1].question.strip())


def _quotations(clips: Sequence[Clip]) -> Iterable[Quotation]:
    """Return the quotations that are still there, each once: their keys must be unique."""
    quotations = (replace(clip.quotation, remark=clip.note.strip()) for clip in clips if clip.quotation)
    return {quotation.key: quotation for quotation in quotations}.values()


def _state(clip: Clip) -> str:
    words = _STATES[clip.state]
    return f" {words}" if words else ""
