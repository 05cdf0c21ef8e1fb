"""The saved questions with their newest news; with ``--edit``, people save and remove questions here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from pydantic import ValidationError
from werkzeug.wrappers import Response

from qa import files
from qa.errors import QAError, QuestionsError
from qa.news.news_file import News, NewsFile, read_news
from qa.news.saved_questions import SavedQuestion, read_saved
from qa.news.saving import add_question, proposed_name, remove_question
from qa.types import Query, SearchResult
from qa.web.access.own_pages import check_own_page, let_forms_name_origin
from qa.web.pages.cards import Parameters
from qa.web.pages.formats import address
from qa.web.pages.page_parameters import ASKED, page_parameters, validate
from qa.web.problems import RequestError
from qa.web.service import can_follow, check_editing, follow, service

saving = Blueprint("saving", __name__)


@dataclass(frozen=True, slots=True)
class Draft:
    """The form that saves a question.

    Attributes:
        name: the name that is proposed, or was sent.
        threshold: the threshold as it was sent.
        asked: the question and its filters, as parameters of the search page.
    """

    name: str
    threshold: str
    asked: Parameters


@dataclass(frozen=True, slots=True)
class Entry:
    """A saved question as the list shows it.

    Attributes:
        question: the question.
        url: its results; None if the search page lacks one of its filters.
        updated: when its answer was last news, or else when it was first asked; None if it wasn't asked yet.
        news: the newest news.
        has_feed: whether there is a feed under its name.
    """

    question: SavedQuestion
    url: str | None
    updated: str | None
    news: News | None
    has_feed: bool


@saving.get("/saved")
def saved_questions() -> Response:
    """List the saved questions."""
    return _page()


@saving.post("/saved")
def save_question() -> Response:
    """Add a question to the file, and have the index follow, so that it is asked."""
    _check_allowed()
    draft = Draft(
        request.form.get("name", "").strip(),
        request.form.get("threshold", "").strip(),
        _asked(page_parameters(request.form)),
    )
    try:
        fields = _fields(draft)
        add_question(service().settings.saved, draft.name, fields)
    except ValidationError as error:
        raise RequestError.from_validation(error) from None
    except QuestionsError as error:
        return _refused(error, draft)
    follow()
    return redirect(address("/saved", {"added": draft.name}) + f"#{draft.name}", HTTPStatus.SEE_OTHER)


@saving.post("/saved/<name>/remove")
def forget_question(name: str) -> Response:
    """Remove a question from the file, and have the news follow."""
    _check_allowed()
    try:
        remove_question(service().settings.saved, name)
    except QuestionsError as error:
        return _refused(error)
    follow()
    return redirect(address("/saved", {"removed": name}), HTTPStatus.SEE_OTHER)


def saved_as(query: Query) -> Entry | None:
    """Return the saved question that asks the same, with the same filters; None if none does."""
    same = (each for each in _known() if (each.question, each.filters) == (query.question, query.filters))
    question = next(same, None)
    return _entry(question, _news()) if question else None


def draft_of(parameters: Parameters, result: SearchResult) -> Draft:
    """Return the form that saves a question, with a name made of the words that it is about."""
    question = parameters["q"]
    terms = [(*hit.matched_terms, *hit.unmatched_terms) for hit in result.hits[:1]]
    words = sorted(terms[0], key=question.find) if terms and terms[0] else question.split()
    return Draft(proposed_name(words, {each.name for each in _known()}), "", _asked(parameters))


def _check_allowed() -> None:
    check_editing()
    check_own_page("A change must come from this service's own page.")


def _refused(error: QuestionsError, draft: Draft | None = None) -> Response:
    response = _page(error=str(error), draft=draft)
    response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return response


def _asked(parameters: Parameters) -> Parameters:
    return {name: parameters[name] for name in ASKED if name in parameters}


def _fields(draft: Draft) -> Mapping[str, Any]:
    """Return a question's fields, as the file names them.

    Raises:
        ValidationError: the search page would not ask this.
    """
    asked = validate(draft.asked)
    fields = {
        "question": asked.q,
        "source": asked.source,
        "language": asked.language,
        "path": asked.path,
        "type": asked.media_type,
        "date_from": asked.date_from,
        "date_to": asked.date_to,
        "threshold": _number(draft.threshold),
    }
    return {name: value for name, value in fields.items() if value not in ([], None, "")}


def _number(text: str) -> float | str:
    """Return the number that a text states, or the text, which is then refused as any other."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def _known() -> tuple[SavedQuestion, ...]:
    """Return the saved questions; none if their file cannot be used, which their own page says."""
    path = service().settings.saved
    try:
        return _read(path, files.stamp_of(path))
    except QuestionsError:
        return ()


@lru_cache(4)
def _read(path: Path, _: files.Stamp | None) -> tuple[SavedQuestion, ...]:
    """Return the questions of a file, which is read again once its stamp changes."""
    return read_saved(path)


def _news() -> NewsFile:
    """Return the news; none if they cannot be read, which `qa news` says."""
    try:
        return read_news(service().settings.index)
    except QAError:
        return NewsFile()


def _entry(question: SavedQuestion, content: NewsFile) -> Entry:
    asked = content.asked.get(question.name)
    is_same = asked is not None and asked.question == question.question
    return Entry(
        question,
        None if question.filters.document else address("/", _parameters(question)),
        asked.updated if asked and is_same else None,
        next(reversed(content.of(question.name)), None),
        asked is not None,
    )


def _parameters(question: SavedQuestion) -> Parameters:
    """Return the parameters with which the search page asks a saved question."""
    filters = question.filters
    parameters = {
        "q": question.question,
        "source": list(filters.source),
        "language": list(filters.language),
        "type": list(filters.media_type),
        "path": list(filters.path),
        "from": filters.date_from,
        "to": filters.date_to,
    }
    return {name: value for name, value in parameters.items() if value}


def _page(error: str = "", draft: Draft | None = None) -> Response:
    """Return the list.

    Args:
        error: what could not be done, and why.
        draft: the form to show again.
    """
    problem = ""
    questions: tuple[SavedQuestion, ...] = ()
    try:
        questions = read_saved(service().settings.saved)
    except QuestionsError as unusable:
        problem = str(unusable)
    content = _news()
    html = render_template(
        "saved.html",
        entries=[_entry(question, content) for question in questions],
        problem=problem if problem != error else "",
        error=error,
        draft=draft,
        editing=service().settings.edit,
        updates=service().updates,
        follows=can_follow(),
        file=service().settings.saved.name,
    )
    response = make_response(html)
    if service().settings.edit:
        let_forms_name_origin(response)
    return response
