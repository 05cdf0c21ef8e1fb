"""What went wrong, in the language of the page.

Errors are worded in English, where they are raised. For a page in another language, a message is recognised
by its words and said again with its numbers and names. One that isn't known here gives way to a sentence for
its status: the log and the API have the details.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from markupsafe import Markup, escape

from qa.web.pages.i18n import DEFAULT, gettext, language

_NAME = re.compile(r"%\((\w+)\)s")


def said(message: str) -> str:
    """Return a message as it is: what is marked so is translated."""
    return message


_MESSAGES = (
    said("A change must come from this service's own page."),
    said("A judgement must come from this service's own page."),
    said("The alarm must be put away from this service's own page."),
    said("Files must come from this service's own page."),
    said("There is no folder %(path)s in the documents folder."),
    said("A request may have %(most)s files: send the others after it."),
    said("A file may have %(size)s MiB (max_file_mb), and a request %(most)s such files."),
    said("A sheet must come from this service's own page."),
    said("Send exactly one passage, as right or wrong."),
    said("No saved question of this name has been asked."),
    said("There is no passage at %(start)s in this document."),
    said("There is no quotation %(name)s in this document."),
    said(
        "A quotation may have at most %(longest)s characters; %(range)s has %(length)s. Quote a part of it, "
        "or download the whole text."
    ),
    said("The file %(file)s is no longer in the documents folder."),
    said("%(path)s has changed since it was indexed. Run `qa index` to index it again."),
    said("%(path)s is a part of %(file)s, which has one sidecar for all its documents: edit that by hand."),
    said("%(key)s has %(length)s characters; it may have %(longest)s"),
    said("%(key)s cannot be %(value)s: write a full date such as 2019-07-03"),
    said("from must not be later than to"),
    said("no document has the id %(id)s"),
    said("there is no index in %(folder)s: run `qa index`"),
    said("The store of the index does not answer. Try again in a moment."),
    said("A key is required. Send it as `Authorization: Bearer KEY`."),
    said("This service does not answer to that host name. Add it to the setting `hosts`."),
    said("The server is busy. Try again in a moment."),
)
_OF_FIELDS = (
    said("must be at most %(longest)s characters long; this has %(length)s"),
    said("must be a date such as 2019-07-03"),
    said("must be greater than or equal to %(number)s"),
    said("must be less than or equal to %(number)s"),
    said("must be a whole number"),
    said("must not be empty"),
    said("is required"),
)
_DETAILS = (
    said("No sheet was sent. Choose a file."),
    said(
        "The sheet has more than %(size)s MiB: split it, or remove pictures and columns that are not needed."
    ),
    said("%(file)s is not a sheet of questions: its name must end in one of %(endings)s."),
    said("%(file)s is empty."),
    said("%(file)s has no column %(column)s; it has %(columns)s."),
    said("%(file)s has no question in the column %(column)s."),
    said("%(file)s does not say which column holds the questions: name the column, one of %(columns)s."),
    said("%(file)s has %(number)s questions, and at most %(most)s are answered at once: split it."),
    said(
        "%(file)s has questions of more than %(longest)s characters, in the rows %(rows)s below the header: "
        "shorten them, or set max_question."
    ),
    said("%(file)s, line %(line)s: not a JSON object."),
    said("the name %(name)s is taken; choose another one"),
    said("a name has at most 64 letters, digits, - and _ of ASCII: rename it"),
    said("%(file)s has a name that begins with a dot, so it is not read: rename it"),
    said("%(file)s has the name of a sidecar: use --edit, or write it in the folder"),
    said("%(file)s is of no kind that can be read. These kinds can be read: %(endings)s"),
)
"""Of sheets, saved questions and uploads, which a page shows after a sentence of its own."""

_OF_FIELD = said("has a value that cannot be used here")
_OF_STATUS: Mapping[int, str] = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: said("The request cannot be understood."),
        HTTPStatus.UNAUTHORIZED: said("A key is required."),
        HTTPStatus.FORBIDDEN: said("This is not allowed."),
        HTTPStatus.NOT_FOUND: said("There is no such page, document or passage here."),
        HTTPStatus.METHOD_NOT_ALLOWED: said(
            "This address is for something else. Go back to the page before."
        ),
        HTTPStatus.CONFLICT: said(
            "The file has changed since it was indexed. Run `qa index` to index it again."
        ),
        HTTPStatus.GONE: said("The document has changed: this passage is no longer in it."),
        HTTPStatus.LENGTH_REQUIRED: said("The request cannot be understood."),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: said("The request is too large. Send less at once."),
        HTTPStatus.UNPROCESSABLE_ENTITY: said("The request has a value that cannot be used here."),
        HTTPStatus.TOO_MANY_REQUESTS: said("Too many requests came from here. Try again in a moment."),
        HTTPStatus.INTERNAL_SERVER_ERROR: said("Something went wrong. The service's log has the details."),
        HTTPStatus.INSUFFICIENT_STORAGE: said("There is no room on the disk of the service."),
        HTTPStatus.SERVICE_UNAVAILABLE: said(
            "The service or its index is not ready. Try again in a moment; if it lasts, run `qa status`."
        ),
    }
)
_TITLES: Mapping[int, str] = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: said("Bad request"),
        HTTPStatus.UNAUTHORIZED: said("A key is required"),
        HTTPStatus.FORBIDDEN: said("Not allowed"),
        HTTPStatus.NOT_FOUND: said("Not found"),
        HTTPStatus.CONFLICT: said("This has changed"),
        HTTPStatus.GONE: said("This has changed"),
        HTTPStatus.TOO_MANY_REQUESTS: said("Too many requests"),
        HTTPStatus.INTERNAL_SERVER_ERROR: said("Something went wrong"),
        HTTPStatus.SERVICE_UNAVAILABLE: said("Not ready yet"),
    }
)
_OTHER_TITLE = said("This cannot be done")
_OTHER = said("The request cannot be understood.")


def problem_title(status: int) -> str:
    """Return the title of the page for a status, in the language of the page."""
    return gettext(_TITLES.get(status, _OTHER_TITLE))


def problem_text(message: str, status: int) -> str:
    """Return what went wrong, in the language of the page."""
    return _translated(message, _MESSAGES, _OF_STATUS.get(status, _OTHER))


def field_text(message: str) -> str:
    """Return what is wrong with a field, in the language of the page, to follow its name."""
    return _translated(message, _OF_FIELDS, _OF_FIELD)


def detail_text(message: str) -> Markup:
    """Return a detail in the language of the page or, if it isn't known here, in English and marked so."""
    translated = _known(message, _DETAILS)
    if translated is None:
        return Markup('<span lang="en">{}</span>').format(message)
    return escape(translated)


def _translated(message: str, known: tuple[str, ...], otherwise: str) -> str:
    translated = _known(message, known)
    return gettext(otherwise) if translated is None else translated


def _known(message: str, templates: tuple[str, ...]) -> str | None:
    """Return a message in the language of the page; None if no template has its words."""
    if language() == DEFAULT:
        return message
    for template in templates:
        if (values := _values(template, message)) is not None:
            return gettext(template) % values
    return None


def _values(template: str, message: str) -> dict[str, str] | None:
    """Return what stands in a message at the names of a template; None if the words differ.

    >>> _values("no document has the id %(id)s", "no document has the id 'a'")
    {'id': "'a'"}
    """
    first, *rest = _NAME.split(template)
    if not message.startswith(first) or (not rest and message != first):
        return None
    place, values = len(first), {}
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    for number, (name, words) in enumerate(pairs, 1):
        # The last words stand at the end, whatever the value before them holds.
        is_last = number == len(pairs)
        end = len(message.removesuffix(words)) if is_last else message.find(words, place + 1)
        if end <= place or not message.startswith(words, end):
            return None
        values[name], place = message[place:end], end + len(words)
    return values
