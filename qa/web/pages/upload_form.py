"""The form by which people add files to the documents folder, and what becomes of them: ``--upload``."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Literal

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from qa import files
from qa.errors import (
    CorruptIndexError,
    NameTakenError,
    NoSpaceError,
    NotFoundError,
    QAError,
    ReadError,
    TooLargeError,
    UnreadKindError,
    UploadError,
)
from qa.index.passage_ids import document_id
from qa.indexing import ledger
from qa.indexing.uploads import Arrival, file_name
from qa.web import uploading
from qa.web.access.own_pages import check_own_page
from qa.web.pages.formats import address
from qa.web.problems import detail_of, status_of
from qa.web.service import can_follow, follow, searcher, service

MOST_FILES = 50
"""Files of one form. Chosen: an address with all their names is short enough for every browser."""

_SOON = 60
"""Seconds after which somebody should know that a file has not been read yet. A choice."""

Refusal = Literal["kind", "size", "taken", "space", "name", "failed"]
State = Literal["waiting", "late", "indexed", "partly", "failed", "skipped", "gone"]
"""``late``: nothing is being read, though the file has waited for a while."""

_REFUSALS: tuple[tuple[type[QAError], Refusal], ...] = (
    (UnreadKindError, "kind"),
    (TooLargeError, "size"),
    (NameTakenError, "taken"),
    (NoSpaceError, "space"),
    (UploadError, "name"),
    (QAError, "failed"),
)

adding = Blueprint("adding", __name__)


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not taken, which kind of reason there is, and the reason itself."""

    name: str
    kind: Refusal
    reason: str
    status: HTTPStatus


@dataclass(frozen=True, slots=True)
class Added:
    """A file that is in the folder, what became of it, and why.

    ``again`` is the address that says so later. ``url`` leads to what was read of it; it is empty if that is
    nothing. ``was_there``: it had been there.
    """

    name: str
    path: str
    state: State
    again: str
    reason: str | None = None
    url: str = ""
    was_there: bool = False


@adding.post("/documents")
def add_files() -> Response:
    """Take the files of the form into a folder, have the index follow, and say what becomes of each."""
    uploading.check_allowed()
    check_own_page("Files must come from this service's own page.")
    folder = request.args.get("path", "").rstrip("/")
    added: list[str] = []
    same: list[str] = []
    refused: list[Refused] = []
    with uploading.received(folder, MOST_FILES) as (inbox, fields):
        for arrival in inbox.arrivals:
            if not arrival.size and not arrival.name:  # the form was sent without a file
                continue
            try:
                outcome = arrival.keep(replace="replace" in fields)
            except QAError as error:
                refused.append(_refused(arrival, error))
            else:
                (same if outcome == "identical" else added).append(arrival.name)
    if added:
        follow()
    if refused or not (added or same):
        return _page(folder, added, same, refused)
    return redirect(_again(folder, added, same), HTTPStatus.SEE_OTHER)


@adding.get("/documents/added")
def added_files() -> Response:
    """Say what has become of files that were added."""
    uploading.check_allowed()
    folder = request.args.get("path", "").rstrip("/")
    return _page(folder, request.args.getlist("file")[:MOST_FILES], request.args.getlist("same")[:MOST_FILES])


def folder_for_uploads(path: str) -> str | None:
    """Return the folder into which files go from the list of one; None if it takes none."""
    path = path.rstrip("/")
    if not service().settings.upload:
        return None
    try:
        with files.folder_inside(service().settings.docs, path):
            return path
    except (OSError, ValueError, ReadError):  # it may be an archive, or a pattern
        return None


def _refused(arrival: Arrival, error: QAError) -> Refused:
    kind = next(kind for known, kind in _REFUSALS if isinstance(error, known))
    return Refused(arrival.name, kind, detail_of(error), status_of(error))


def _page(folder: str, added: list[str], same: list[str], refused: list[Refused] | None = None) -> Response:
    names = [(name, False) for name in added] + [(name, True) for name in same]
    states = [state for name, was_there in names if (state := _added(folder, name, was_there=was_there))]
    nothing = not states and not refused
    html = render_template(
        "added.html",
        folder=folder,
        files=states,
        refused=refused or [],
        follows=can_follow(),
        again=_again(folder, added, same),
        back=address("/documents", {"path": folder} if folder else {}),
    )
    response = make_response(html)
    if refused or (nothing and request.method == "POST"):
        statuses = {one.status for one in refused or ()}
        response.status_code = statuses.pop() if len(statuses) == 1 else HTTPStatus.UNPROCESSABLE_ENTITY
    return response


def _again(folder: str, added: Sequence[str], same: Sequence[str]) -> str:
    """Return the address that says what has become of files, of which some were there before."""
    named = {"path": folder, "file": added, "same": same}
    return address("/documents/added", {name: value for name, value in named.items() if value})


def _added(folder: str, name: str, *, was_there: bool) -> Added | None:
    """Return what has become of a file; None if no document can have this name."""
    path = f"{folder}/{name}".lstrip("/")
    again = _again(folder, [] if was_there else [name], [name] if was_there else [])
    try:
        if file_name(name) != name:
            return None
        with files.open_inside(service().settings.docs, path) as file:
            changed = os.fstat(file.fileno()).st_ctime
    except UploadError:
        return None
    except ReadError:
        return Added(name, path, "gone", again, was_there=was_there)
    state, reason = _state(path, changed, was_there=was_there)
    return Added(name, path, state, again, reason, _url(path, state), was_there)


def _state(path: str, changed: float, *, was_there: bool) -> tuple[State, str | None]:
    """Return the state of a file that was changed at a time, and the reason for it.

    While the index is being brought up to date, what is known may be of the file that it replaces.
    """
    try:
        entry, checked = ledger.entry(service().settings.index, path)
    except CorruptIndexError:
        entry, checked = None, ""
    updates = service().updates
    is_building = bool(updates and updates.running)
    is_checked = bool(checked) and int(changed) <= datetime.fromisoformat(checked).timestamp()
    if entry and entry.state != "gone" and is_checked and (was_there or not is_building):
        return entry.state, entry.reason
    is_late = not is_building and time.time() > changed + _SOON
    return ("late" if is_late else "waiting"), None


def _url(path: str, state: State) -> str:
    """Return the address of a file's document, or of the list of its documents."""
    if state not in {"indexed", "partly"}:
        return ""
    try:
        return f"/documents/{searcher().library.document(document_id(path)).id}"
    except NotFoundError:
        return address("/documents", {"path": path})
