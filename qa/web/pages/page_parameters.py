"""The parameters of the search page: those of its address, and of forms that carry them on."""

from __future__ import annotations

from werkzeug.datastructures import MultiDict

from qa.readers import named_type
from qa.web.api.schemas.requests import PageParameters
from qa.web.pages.cards import Parameters
from qa.web.service import service

ASKED = ("q", "source", "language", "type", "path", "from", "to")
"""The question and its filters."""

_SHOWN = ("mode", "sort", "group", "show", "verbatim")
_REPEATABLE = frozenset({"source", "language", "type", "path"})


def page_parameters(sent: MultiDict[str, str]) -> Parameters:
    """Return the parameters that the page knows, without blank fields of a form."""
    parameters: Parameters = {}
    for name in (*ASKED, *_SHOWN):
        values = [value.strip() for value in sent.getlist(name) if value.strip()]
        if values:
            parameters[name] = values if name in _REPEATABLE else values[-1]
    if "type" in parameters:
        parameters["type"] = [named_type(value) for value in parameters["type"]]
    return parameters


def validate(parameters: Parameters) -> PageParameters:
    """Return the parameters as a request.

    Raises:
        ValidationError: one of them has an impossible value.
    """
    limits = {"max_question": service().settings.max_question}
    return PageParameters.model_validate(parameters, context=limits)
