"""Validation of requests: the API's blueprint checks them, and describes them in ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, get_origin

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from qa.web.api.schemas.requests import Parameters
from qa.web.problems import RequestError
from qa.web.service import service

View = Callable[..., Response]


class API(APIBlueprint):
    """A blueprint whose views receive their query, body and path as validated models.

    flask-openapi3's own validation takes the first value of a repeated parameter, reads malformed JSON as
    null, and rebuilds the model's schema for each request. This one does none of that.
    """

    @staticmethod
    def create_view_func(func: View, *models: type[BaseModel] | None, **_: Any) -> View:  # type: ignore[override]
        """Wrap a view so that it is called with validated models."""
        _header, _cookie, path, query, _form, body, _raw = models

        @wraps(func)
        def view(**path_values: Any) -> Response:
            try:
                parameters = read_query(query or Parameters)
                values: dict[str, Any] = {"query": parameters} if query else {}
                if path:
                    values["path"] = path.model_validate(path_values)
                if body:
                    values["body"] = _read_body(body)
            except ValidationError as error:
                raise RequestError.from_validation(error) from None
            return func(**values)

        return view


def read_query(model: type[BaseModel]) -> BaseModel:
    """Return the query string as a ``model``.

    Raises:
        ValidationError: a parameter is invalid or unknown.
        RequestError: a parameter that takes one value occurs more than once.
    """
    repeatable = _repeatable_fields(model)
    parameters: dict[str, Any] = {}
    for name, values in request.args.lists():
        if name in repeatable:
            parameters[name] = values
        elif len(values) > 1:
            raise RequestError([(name, "must not be repeated")])
        else:
            parameters[name] = values[0]
    return model.model_validate(parameters, context=_limits())


@cache
def _repeatable_fields(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of the parameters that may be repeated."""
    fields = model.model_fields.items()
    return frozenset(field.alias or name for name, field in fields if get_origin(field.annotation) is list)


def _read_body(model: type[BaseModel]) -> BaseModel:
    if not request.is_json:
        raise UnsupportedMediaType("Send the request body as application/json.")
    data = request.get_data(cache=False)
    if request.content_length not in {None, len(data)}:
        raise BadRequest("The length of the body differs from its Content-Length.")
    try:
        return model.model_validate_json(data, strict=True, context=_limits())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise BadRequest(f"The body is not valid JSON: {first['ctx']['error']}.") from None
        raise


def _limits() -> dict[str, int]:
    return {"max_question": service().settings.max_question}
