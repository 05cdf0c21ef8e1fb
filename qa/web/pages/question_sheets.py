"""The page of many questions: a sheet of questions is sent, and the sheet of answers comes back as a file.

Nothing is kept. The sheet is in memory, or in a file without a name, until its request ends; the answers are
sent as they are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from itertools import chain
from pathlib import PurePath
from typing import NoReturn
from urllib.parse import quote

from flask import Blueprint, Response, make_response, render_template, request
from pydantic import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from qa.batch.answer_formats import FORMATS
from qa.batch.answered_rows import answered_rows
from qa.batch.answering import Task, answer_here
from qa.batch.cited_answers import RESULTS
from qa.batch.question_sheet import FORMATS as SHEET_FORMATS
from qa.batch.question_sheet import QuestionSheet, read_sheet
from qa.config import Settings
from qa.errors import QuestionsError
from qa.types import Query
from qa.web.access import load
from qa.web.access.own_pages import check_own_page, let_forms_name_origin
from qa.web.api.schemas.requests import SearchOptions
from qa.web.problems import RequestError
from qa.web.server.gateway import UNBUFFERED
from qa.web.service import searcher, service

PATH = "/batch"

_OFFERED = {"csv": "CSV", "xlsx": "Excel (XLSX)", "docx": "Word (DOCX)", "jsonl": "JSON Lines"}
"""The formats of the answers, each with its name on the page."""

_FILTERS = ("path", "from", "to", "mode")
_FIELDS = ("column", "format", *_FILTERS)
_OTHER_FIELDS = 64 << 10
"""Bytes of a form beside its file. Chosen: far more than a form of the page has."""

_MAX_CELLS = 500_000
"""Cells of a sheet. Chosen: they take some 50 MB of memory until the sheet is answered."""

_MAX_NAME = 100
"""Characters of a file's name that are kept. Chosen: a file system takes names of 255 bytes."""

_BUSY_SECONDS = 10
"""When to try again. Chosen: some hundreds of questions take about so long."""

sheets = Blueprint("sheets", __name__)


class _RefusedError(Exception):
    """A sheet that is not answered, with the status that says so."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def max_body(settings: Settings) -> int:
    """Return how long the body of a request with a sheet may be, in bytes."""
    return _max_sheet(settings) + _OTHER_FIELDS


@sheets.get(PATH)
def sheet_form() -> Response:
    """Show the form that takes a sheet of questions."""
    return _form({})


@sheets.post(PATH)
def answer_sheet() -> Response:
    """Answer a sheet of questions with a file, which is sent as it grows; or show what is wrong with it."""
    check_own_page("A sheet must come from this service's own page.")
    if not load.start_sheet():
        response = _form({}, busy=True)
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = str(_BUSY_SECONDS)
        return response
    request.max_content_length = max_body(service().settings)
    values: Mapping[str, str] = {}
    try:
        values = {name: request.form.get(name, "").strip() for name in _FIELDS}
        return _answer(values)
    except RequestEntityTooLarge:
        return _refused(values, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large())
    except _RefusedError as error:
        return _refused(values, error.status, str(error))


def _answer(values: Mapping[str, str]) -> Response:
    """Return the file of answers, of which the first is known."""
    name, sheet = _sheet(values["column"] or None)
    suffix = values["format"] or next(iter(_OFFERED))
    if suffix not in _OFFERED:
        _refuse(f"The answers cannot be written as {suffix}: choose one of {', '.join(_OFFERED)}.")
    search = searcher()
    task = Task(service().settings, search.info.generation, _query(values), request.url_root)
    answers = answer_here(search, task, sheet.different_questions)
    first = next(answers)  # an error must show before the file begins
    rows = answered_rows(sheet, chain([first], load.in_turns(answers)))
    response = Response(FORMATS[suffix].pieces(sheet, rows), content_type=FORMATS[suffix].media_type)
    file = quote(f"{PurePath(name).stem}-answers.{suffix}", safe="")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{file}"
    response.headers["Cache-Control"] = "no-store"
    response.headers.add(*UNBUFFERED)
    return response


def _sheet(column: str | None) -> tuple[str, QuestionSheet]:
    """Return the sheet that was sent, and the name of its file."""
    file = request.files.get("sheet")
    if file is None or not file.filename:
        _refuse("No sheet was sent. Choose a file.")
    suffix = PurePath(file.filename).suffix
    name = PurePath(file.filename).name.removesuffix(suffix)[:_MAX_NAME] + suffix[:_MAX_NAME]
    settings = service().settings
    data = file.read(_max_sheet(settings) + 1)
    if len(data) > _max_sheet(settings):
        raise RequestEntityTooLarge
    try:
        sheet = read_sheet(
            data,
            name,
            column=column,
            max_question=settings.max_question,
            max_questions=settings.max_sheet_questions,
            max_cells=_MAX_CELLS,
        )
    except QuestionsError as error:
        _refuse(f"{error}.")
    return name, sheet


def _query(values: Mapping[str, str]) -> Query:
    """Return how to answer each question."""
    filters = {name: [values[name]] if name == "path" else values[name] for name in _FILTERS if values[name]}
    try:
        return SearchOptions.model_validate(filters | {"k": RESULTS}).query("")
    except ValidationError as error:
        _refuse(f"{RequestError.from_validation(error)}.")


def _max_sheet(settings: Settings) -> int:
    return settings.max_sheet_mb << 20


def _too_large() -> str:
    return (
        f"The sheet has more than {service().settings.max_sheet_mb} MiB: split it, or remove pictures and "
        "columns that are not needed."
    )


def _refuse(message: str) -> NoReturn:
    raise _RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, message)


def _refused(values: Mapping[str, str], status: HTTPStatus, message: str) -> Response:
    response = _form(values, error=message)
    response.status_code = status
    return response


def _form(values: Mapping[str, str], *, error: str = "", busy: bool = False) -> Response:
    settings = service().settings
    html = render_template(
        "batch.html",
        values=values,
        error=error,
        busy=busy,
        formats=_OFFERED,
        accepted=",".join(f".{suffix}" for suffix in SHEET_FORMATS),
        max_questions=settings.max_sheet_questions,
        max_mb=settings.max_sheet_mb,
    )
    response = make_response(html)
    let_forms_name_origin(response)
    return response
