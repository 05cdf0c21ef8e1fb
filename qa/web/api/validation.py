"""The API's blueprint: requests are validated here, and described for ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, get_origin

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from qa.web.api.schemas import Parameters
from qa.web.problems import RequestError
from qa.web.service import service

View = Callable[..., Response]


class API(APIBlueprint):
    """A blueprint whose views get their query, body and path as validated models.

    flask-openapi3's own validation takes the first of a repeated parameter, takes what is not JSON for null
    and rebuilds the model's schema with each request; this one does neither.
    """

    @staticmethod
    def create_view_func(func: View, *models: type[BaseModel] | None, **_: Any) -> View:  # type: ignore[override]
        """Wrap a view so that it is called with what was asked for."""
        _header, _cookie, path, query, _form, body, _raw = models

        @wraps(func)
        def view(**address: Any) -> Response:
            try:
                asked = read_query(query or Parameters)
                values: dict[str, Any] = {"query": asked} if query else {}
                if path:
                    values["path"] = path.model_validate(address)
                if body:
                    values["body"] = _read_body(body)
            except ValidationError as error:
                raise RequestError.of(error) from None
            return func(**values)

        return view


def read_query(model: type[BaseModel]) -> BaseModel:
    """Read the query string as ``model``.

    Raises:
        ValidationError: a parameter that cannot be used or is not known.
        RequestError: a parameter given twice that takes one value.
    """
    lists = _lists(model)
    values: dict[str, Any] = {}
    for name, given in request.args.lists():
        if name in lists:
            values[name] = given
        elif len(given) > 1:
            raise RequestError([(name, "is given more than once")])
        else:
            values[name] = given[0]
    return model.model_validate(values, context=_limits())


@cache
def _lists(model: type[BaseModel]) -> frozenset[str]:
    """Name the parameters that may be repeated."""
    fields = model.model_fields.items()
    return frozenset(field.alias or name for name, field in fields if get_origin(field.annotation) is list)


def _read_body(model: type[BaseModel]) -> BaseModel:
    if not request.is_json:
        raise UnsupportedMediaType("Send the request as application/json.")
    data = request.get_data(cache=False)
    if request.content_length not in {None, len(data)}:
        raise BadRequest("The body is not as long as its Content-Length.")
    try:
        return model.model_validate_json(data, strict=True, context=_limits())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise BadRequest(f"The body is not JSON: {first['ctx']['error']}.") from None
        raise


def _limits() -> dict[str, int]:
    return {"max_question": service().settings.max_question}
