"""What every request needs: the settings, and a searcher that is opened once per request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import abort, current_app, g, request

from qa.config import Settings
from qa.errors import IndexUnavailableError
from qa.indexing import ledger
from qa.readers.pdf.rendering.renderer import Renderer
from qa.retrieval.search_protocol import Search
from qa.types import DocumentPage, DocumentQuery
from qa.web.api.member_files import MemberFiles
from qa.web.judgements import Judgements
from qa.web.updates import Updates

_PROBES = frozenset({"probes.healthz", "probes.readyz"})

Opener = Callable[[], Search]


@dataclass(frozen=True, slots=True)
class Service:
    """What one app works with: its settings, the way to open the index, the page renderer and judgements.

    Attributes:
        settings: the settings of the app.
        opener: returns the current searcher, or raises IndexUnavailableError.
        renderer: draws pages of PDF files.
        members: unpacks documents that are files inside files.
        judgements: the file of judgements, if there is one.
        updates: brings the index up to date, if people may correct or upload documents.
        suggestions: the questions on the start page by its language, with the generation that answers them.
    """

    settings: Settings
    opener: Opener
    renderer: Renderer
    members: MemberFiles
    judgements: Judgements | None = None
    updates: Updates | None = None
    suggestions: dict[str, tuple[str, list[str]]] = field(default_factory=dict)


def service() -> Service:
    """Return the current app's service."""
    current: Service = current_app.extensions["qa"]
    return current


def can_follow() -> bool:
    """Whether a build with the service's settings would keep the model of the index, if there is one."""
    try:
        return searcher().info.model == service().settings.model
    except IndexUnavailableError:
        return True


def follow() -> None:
    """Have the index brought up to date, if a build would keep its model."""
    if (updates := service().updates) and can_follow():
        updates.request()


def check_editing() -> None:
    """Answer with 404 if people may not edit."""
    if not service().settings.edit:
        abort(HTTPStatus.NOT_FOUND)


def is_probe() -> bool:
    """Whether this request is a probe, which needs no key and is answered however busy the service is."""
    return request.endpoint in _PROBES


def note_questions(questions: list[str]) -> None:
    """Remember the questions of this request for the log, which shows them only with ``log_questions``."""
    g.questions = questions


def opened_searcher() -> Search | None:
    """Return the searcher of this request, or None if none has been opened."""
    current: Search | None = g.get("searcher")
    return current


def searcher() -> Search:
    """Return the searcher of this request, which is opened on the first call.

    Raises:
        IndexUnavailableError: there is no index to read.
    """
    if "searcher" not in g:
        g.searcher = service().opener()
    current: Search = g.searcher
    return current


def list_documents(query: DocumentQuery, limit: int, offset: int) -> DocumentPage:
    """Return a part of the list of documents."""
    dates = service().settings.index / ledger.NAME
    return searcher().library.list_documents(query, limit, offset, dates)
