"""What every request needs: the settings and the searcher, opened once a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, g, request

from qa.config import Settings
from qa.protocols import Search
from qa.readers.pdf.rendering.renderer import Renderer
from qa.web.judgements import Judgements

_PROBES = frozenset({"probes.healthz", "probes.readyz"})

Opener = Callable[[], Search]


@dataclass(frozen=True, slots=True)
class Service:
    """An app's own settings, way to the index, what draws pages, and judgements where they are kept."""

    settings: Settings
    opener: Opener
    renderer: Renderer
    judgements: Judgements | None = None


def service() -> Service:
    """Give the current app's service."""
    found: Service = current_app.extensions["qa"]
    return found


def is_probe() -> bool:
    """Tell whether this request only asks how the service is: anybody may, however busy it is."""
    return request.endpoint in _PROBES


def note_questions(questions: list[str]) -> None:
    """Keep what is asked for the log, which has it only where that is wished."""
    g.questions = questions


def opened() -> Search | None:
    """Give the searcher of this request where it has been opened."""
    found: Search | None = g.get("searcher")
    return found


def searcher() -> Search:
    """Give the searcher of this request: the same one however often it is asked for.

    Raises:
        IndexUnavailableError: there is no index to read.
    """
    if "searcher" not in g:
        g.searcher = service().opener()
    found: Search = g.searcher
    return found
