"""The documents as a library: folders, facets and order, and what became of the files that were not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from flask import Blueprint, make_response, render_template, request
from pydantic import ValidationError
from werkzeug.wrappers import Response

from qa import readers
from qa.errors import CorruptIndexError
from qa.indexing import ledger
from qa.indexing.ledger import State
from qa.results import facets
from qa.text.folding import fold
from qa.types import DocumentOrder, DocumentQuery, Facet
from qa.web.access.own_pages import let_forms_name_origin
from qa.web.api.schemas.requests import DocumentsParameters
from qa.web.pages.formats import address
from qa.web.pages.upload_form import MOST_FILES, folder_for_uploads
from qa.web.problems import RequestError
from qa.web.service import list_documents, searcher, service

PAGE = 100
"""Documents or files on one page of a list."""

_SHOWN = 12
"""Values of a facet that are shown at once. Chosen: more are unfolded."""

_READ: State = "indexed"
_LISTS: tuple[State, ...] = ("partly", "failed", "skipped")
_FIELDS = ("name", "path", "source", "language", "type", "from", "to", "sort", "reverse")
_REPEATABLE = frozenset({"source", "language", "type"})

shelves = Blueprint("shelves", __name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet, and the address that selects or deselects it."""

    value: str
    count: int
    chosen: bool
    url: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with the number of documents in it, and the address that opens it."""

    name: str
    url: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """The part of a list that is shown, and the addresses of its neighbours."""

    total: int
    first: int
    last: int
    previous: str | None
    following: str | None


@shelves.get("/documents")
def documents() -> Response:
    """List the documents, or the files of one state."""
    sent, offset = _sent(), min(_number("offset"), 10**9)
    state = _state(request.args.get("state") or _READ)
    if state != _READ:
        return _files(state, sent, offset)
    query = _query(sent)
    folder = query.filters.path[0].rstrip("/") if query.filters.path else ""
    page = list_documents(query, PAGE, offset)
    counts = searcher().library.count_documents(query, folder)
    return _page(
        sent,
        state=state,
        documents=page.documents,
        turn=_turn(sent, page.total, len(page.documents), offset),
        facets=_choices(sent, query, counts, page.total),
        trail=_trail(sent, folder),
        folders=[
            Folder(path.rpartition("/")[2], _address(sent, path=path), count)
            for path, count in counts["folder"].items()
        ],
        sorts=_sorts(sent, query),
        narrowed=bool(query.filters or query.text),
        upload_to=folder_for_uploads(folder),
    )


def _state(sent: str) -> State:
    """Return which files to list.

    Raises:
        RequestError: there is no list of such files.
    """
    known = {state: state for state in (_READ, *_LISTS)}
    if sent not in known:
        *first, last = map(repr, known)
        raise RequestError([("state", f"must be {', '.join(first)} or {last}")])
    return known[sent]


def _files(state: State, sent: dict[str, Any], offset: int) -> Response:
    """List the files of one state, with the reasons."""
    kept = {name: sent[name] for name in ("name",) if name in sent} | {"state": state}
    text = sent.get("name", "")
    total, entries = ledger.find(service().settings.index, state, text, limit=PAGE, offset=offset)
    turn = _turn(kept, total, len(entries), offset)
    return _page(kept, state=state, files=entries, turn=turn, narrowed=bool(text))


def _page(sent: Mapping[str, Any], **values: Any) -> Response:
    response = make_response(
        render_template(
            "documents.html",
            sent=sent,
            tabs=_tabs(sent),
            here=partial(_address, sent),
            updates=service().updates,
            most_files=MOST_FILES,
            kinds=",".join(readers.SUFFIXES),
            settings=service().settings,
            **values,
        )
    )
    if service().updates:
        let_forms_name_origin(response)
    return response


def _sent() -> dict[str, Any]:
    """Return the parameters that the page knows, without blank fields of its form."""
    sent: dict[str, Any] = {}
    for name in _FIELDS:
        values = [value.strip() for value in request.args.getlist(name) if value.strip()]
        if values:
            sent[name] = values if name in _REPEATABLE else values[-1]
    return sent


def _number(name: str) -> int:
    value = request.args.get(name, type=int)
    return max(value or 0, 0)


def _query(sent: Mapping[str, Any]) -> DocumentQuery:
    """Return which documents to list, and in which order.

    Raises:
        RequestError: a parameter has an impossible value.
    """
    fields = {"q" if name == "name" else name: value for name, value in sent.items()}
    if "path" in fields:
        fields["path"] = [fields["path"]]
    try:
        return DocumentsParameters.model_validate(fields).document_query()
    except ValidationError as error:
        raise RequestError.from_validation(error) from None


def _address(sent: Mapping[str, Any], **changes: Any) -> str:
    """Return the address of this page with some parameters changed; None takes one away."""
    changed = {**sent, **changes}
    return address("/documents", {name: value for name, value in changed.items() if value})


def _tabs(sent: Mapping[str, Any]) -> dict[State, tuple[int, str]]:
    """Return how many files there are of each state, and the address of their list."""
    try:
        seen = ledger.summary(service().settings.index)
    except CorruptIndexError:
        seen = None
    counts: Mapping[State, int] = seen.counts if seen else {}
    name = {"name": sent["name"]} if "name" in sent else {}
    tabs = {state: (counts.get(state, 0), address("/documents", name | {"state": state})) for state in _LISTS}
    return {_READ: (searcher().info.documents, address("/documents", name)), **tabs}


def _turn(sent: Mapping[str, Any], total: int, shown: int, offset: int) -> Turn:
    following, previous = offset + PAGE, max(0, offset - PAGE)
    return Turn(
        total,
        offset + 1,
        offset + shown,
        _address(sent, offset=str(previous)) if offset else None,
        _address(sent, offset=following) if following < total else None,
    )


def _trail(sent: Mapping[str, Any], folder: str) -> list[Folder]:
    """Return the folders that lead to one, the outermost first."""
    names = folder.split("/") if folder else []
    return [Folder(name, _address(sent, path="/".join(names[:depth]))) for depth, name in enumerate(names, 1)]


def _sorts(sent: Mapping[str, Any], query: DocumentQuery) -> list[tuple[DocumentOrder, bool, str]]:
    """Return each order, whether it is the one shown, and its address; that of the shown one reverses it."""
    return [
        (
            order,
            order is query.order,
            _address(
                sent,
                sort=None if order is DocumentOrder.PATH else str(order),
                reverse="true" if order is query.order and not query.reverse else None,
            ),
        )
        for order in DocumentOrder
    ]


def _choices(
    sent: Mapping[str, Any], query: DocumentQuery, counts: Mapping[Facet, Mapping[str, int]], total: int
) -> dict[Facet, tuple[Sequence[Choice], Sequence[Choice]]]:
    """Return each facet's values as links, the first of them and the rest, unless they can't narrow the list.

    Values that are selected but that no document has are included, so that a person can deselect them.
    """
    selected = facets.selected_values(query.filters)
    shown: dict[Facet, tuple[Sequence[Choice], Sequence[Choice]]] = {}
    for facet in get_args(facets.Field):
        if facet not in selected or facet == "folder":
            continue
        keys = {fold(value): value for value in selected[facet]}
        known = counts[facet]
        missing = {value: 0 for key, value in keys.items() if key not in set(map(fold, known))}
        choices = [
            Choice(value, count, fold(value) in keys, _toggled(sent, facet, value, selected[facet]))
            for value, count in {**missing, **known}.items()
        ]
        choices.sort(key=lambda choice: not choice.chosen)
        if len(choices) > 1 or any(choice.chosen or choice.count < total for choice in choices):
            shown[facet] = choices[:_SHOWN], choices[_SHOWN:]
    return shown


def _toggled(sent: Mapping[str, Any], facet: Facet, value: str, selected: Sequence[str]) -> str:
    """Return the address that selects a value of a facet, or deselects it if it is selected."""
    others = [other for other in selected if fold(other) != fold(value)]
    is_chosen = len(others) < len(selected)
    if facet == "year":
        start, end = (None, None) if is_chosen else facets.year_range(value)
        return _address(sent, **{"from": start, "to": end})
    return _address(sent, **{facet: others if is_chosen else [*others, value]})
