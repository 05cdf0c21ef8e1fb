"""The form in which people correct a document's title, publisher and date: ``--edit``."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from qa.errors import MissingFileError, NotFoundError, QAError, QueryError, ReadError
from qa.indexing import sidecars
from qa.types import Document
from qa.web.access.own_pages import check_own_page, let_forms_name_origin
from qa.web.service import can_follow, check_editing, follow, searcher, service

FIELDS = ("title", "source", "published")
"""The fields that can be set: those that a list, a facet or a citation shows first."""

editing = Blueprint("editing", __name__)


def described(document: Document) -> dict[str, str]:
    """Return what is known of the fields that can be set."""
    return {field: value for field in FIELDS if (value := getattr(document.metadata, field))}


def proposed(document: Document) -> bool:
    """Whether any of these was taken from the text or the file's name: somebody may confirm it."""
    return any(document.metadata.found.get(field) in {"text", "filename"} for field in described(document))


def editable(document: Document) -> bool:
    """Whether the service may write and the document has a sidecar of its own."""
    return service().settings.edit and _has_own_sidecar(document)


@editing.get("/documents/<document_id>/metadata")
def metadata_form(document_id: str) -> Response:
    """Show what is known of a document, to be corrected."""
    check_editing()
    document = _editable(document_id)
    values = described(document)
    try:
        values |= sidecars.read(service().settings.docs, document.file)
    except ReadError as error:
        return _form(document, values, str(error))
    return _form(document, values)


@editing.post("/documents/<document_id>/metadata")
def save_metadata(document_id: str) -> Response:
    """Write a document's metadata into its sidecar, and have the index follow."""
    check_editing()
    check_own_page("A change must come from this service's own page.")
    document = _editable(document_id)
    sent = {field: request.form[field] for field in FIELDS if field in request.form}
    try:
        sidecars.update(service().settings.docs, document.file, sent)
    except MissingFileError as error:
        raise NotFoundError(f"The file {document.file} is no longer in the documents folder.") from error
    except ReadError as error:
        response = _form(document, sent, str(error))
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response
    except OSError as error:
        raise QAError(f"The sidecar of {document.file} cannot be written: {error.strerror}.") from error
    follow()
    if "back" in request.form:
        kept = urlencode(parse_qsl(request.form["back"]))
        return redirect(f"/documents?{kept}", HTTPStatus.SEE_OTHER)
    return redirect(f"/documents/{document.id}/metadata?saved=1", HTTPStatus.SEE_OTHER)


def _editable(document_id: str) -> Document:
    """Return a document that has a sidecar of its own.

    Raises:
        NotFoundError: there is no such document.
        QueryError: it shares its file with others.
    """
    document = searcher().library.document(document_id)
    if not _has_own_sidecar(document):
        raise QueryError(
            f"{document.path} is a part of {document.file}, which has one sidecar for all its documents: "
            "edit that by hand."
        )
    return document


def _has_own_sidecar(document: Document) -> bool:
    """Whether a document is a whole file: the parts of one share its sidecar."""
    return document.member is None and document.row is None


def _form(document: Document, values: dict[str, str], error: str = "") -> Response:
    html = render_template(
        "metadata.html",
        document=document,
        values=values,
        error=error,
        saved="saved" in request.args,
        follows=can_follow(),
        is_current=described(document) == {name: values[name] for name in FIELDS if values.get(name)},
    )
    response = make_response(html)
    let_forms_name_origin(response)
    return response
