"""The clips page: quotations that a reader has kept in the browser, in order, with notes, and as files.

The browser sends where each clip stands; what a page or a file shows of it comes from the index. The parts of
a permalink identify a clip, so one that has moved is found again, and one that has gone is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Blueprint, make_response, render_template, request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from werkzeug.wrappers import Response

from qa.errors import NotFoundError
from qa.results import permalinks
from qa.results.citations import Quotation, quote
from qa.results.permalinks import State
from qa.stores.protocol import Library
from qa.types import Passage, Span
from qa.web.pages import clip_files
from qa.web.pages.clip_files import Clip
from qa.web.pages.table_view import has_rows
from qa.web.pages.viewer import Mark, Piece, pieces
from qa.web.problems import RequestError
from qa.web.service import searcher

MAX_CLIPS = 200
"""Clips in a list. Chosen: more than a report quotes, and resolved in well under a second."""

_MAX_NOTE = 2000
"""Characters of a note. Chosen: a long paragraph. With the next two, it keeps a full list under 1 MB."""

_MAX_QUESTION = 1000
_MAX_OFFSET = 1_000_000_000

clips = Blueprint("clips", __name__)


class SentClip(BaseModel):
    """A clip as the browser sends it: the parts of its permalink, the question, and the reader's note."""

    model_config = ConfigDict(extra="forbid")

    document: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    start: Annotated[int, Field(ge=0, le=_MAX_OFFSET)]
    end: Annotated[int, Field(ge=0, le=_MAX_OFFSET)]
    sha: Annotated[str, StringConstraints(pattern=rf"^[0-9a-f]{{{permalinks.FILE_DIGITS}}}$")]
    quote: Annotated[str, StringConstraints(max_length=100)]
    question: Annotated[str, StringConstraints(max_length=_MAX_QUESTION)] = ""
    note: Annotated[str, StringConstraints(max_length=_MAX_NOTE)] = ""


_SENT = TypeAdapter(Annotated[list[SentClip], Field(max_length=MAX_CLIPS)])


@dataclass(frozen=True, slots=True)
class ShownClip:
    """A clip on the page: its passage, cut at the edges of the quotation. If it is gone, there are none."""

    clip: Clip
    pieces: tuple[Piece, ...] = ()
    language: str | None = None
    keeps_lines: bool = False


@clips.get("/clips")
def page() -> Response:
    """Show the page, which the browser fills with its clips."""
    return _page([])


@clips.post("/clips")
def filled_page() -> Response:
    """Show the page with the clips that the browser sent."""
    library = searcher().library
    return _page([_shown(library, sent) for sent in _sent()])


@clips.post("/clips.<any(md, docx, csv, bib, ris, json):extension>")
def file(extension: str) -> Response:
    """Return the clips that the browser sent as a file."""
    library = searcher().library
    kind = clip_files.FORMATS[extension]
    response = make_response(kind.write([_shown(library, sent).clip for sent in _sent()]))
    response.content_type = kind.media_type
    response.headers["Content-Disposition"] = f"attachment; filename=clips.{extension}"
    return response


def _page(shown: list[ShownClip]) -> Response:
    return make_response(render_template("clips.html", clips=shown, formats=clip_files.FORMATS))


def _sent() -> list[SentClip]:
    """Return the clips in the form of this request.

    Raises:
        RequestError: the list isn't JSON, is too long, or a clip has an unknown or invalid field.
    """
    # All of the permitted body may be one field: werkzeug would stop at half of it.
    request.max_form_memory_size = request.max_content_length
    try:
        return _SENT.validate_json(request.form.get("clips", ""))
    except ValidationError as error:
        raise RequestError.from_validation(error) from None


def _shown(library: Library, sent: SentClip) -> ShownClip:
    """Return a clip as the index has it now."""
    try:
        document = library.document(sent.document)
        text = library.text(sent.document)
    except NotFoundError:
        return ShownClip(_gone(sent))
    state, span = _locate(text, sent, document.sha256)
    if span is None:
        return ShownClip(_gone(sent))
    passage = library.passage_at(document.id, span.start)
    if passage and not passage.span.start <= span.start < passage.span.end:
        passage = None
    quotation = quote(
        document,
        span,
        span.slice(text),
        request.url_root,
        page=passage.page if passage else None,
        section=passage.section if passage else None,
    )
    clip = Clip(sent.question, sent.note, sent.document, state, quotation)
    cut = _pieces(text, quotation, passage)
    keeps_lines = has_rows("".join(piece.text for piece in cut))
    return ShownClip(clip, cut, passage.language if passage else None, keeps_lines)


def _locate(text: str, sent: SentClip, sha256: str) -> tuple[State, Span | None]:
    """Return the state of a clip, and where it stands now."""
    span = Span(sent.start, sent.end)
    if not 0 < span.end - span.start <= permalinks.MAX_CHECKED or not permalinks.is_fingerprint(sent.quote):
        same = sha256.startswith(sent.sha) and span.start < span.end <= len(text)
        return ("unchanged", span) if same else ("gone", None)
    return permalinks.check(text, span, sent.quote)


def _pieces(text: str, quotation: Quotation, passage: Passage | None) -> tuple[Piece, ...]:
    """Return the passage around a quotation, or the quotation alone if it is larger than a passage."""
    span = quotation.span
    around = passage.span if passage and passage.span.end >= span.end else span
    return pieces(around.slice(text), around.start, around, [Mark(span, "sentence")])


def _gone(sent: SentClip) -> Clip:
    return Clip(sent.question, sent.note, sent.document, "gone", None)
