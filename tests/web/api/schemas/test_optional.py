from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from qa.web.api.schemas.optional import optional


class Model(BaseModel):
    name: str = optional("A name.", min_length=2, alias="from")


def test_a_field_may_be_left_out_but_not_null() -> None:
    assert Model.model_validate({}).name is None
    assert Model.model_validate({"from": "ab"}).name == "ab"
    for value in (None, "a", 5):
        with pytest.raises(ValidationError):
            Model.model_validate({"from": value})


def test_an_error_is_reported_once() -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"from": None})
    assert caught.value.error_count() == 1


def test_the_schema_has_neither_null_nor_a_default() -> None:
    schema = Model.model_json_schema()
    assert schema["properties"]["from"] == {
        "type": "string", "minLength": 2, "title": "From", "description": "A name."
    }  # fmt: skip
    assert "required" not in schema
