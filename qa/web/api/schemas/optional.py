"""Fields that may be left out, but cannot be null."""

from __future__ import annotations

from typing import Any

from pydantic import Field


def optional(description: str, *, example: object = None, **constraints: Any) -> Any:
    """Return a field that may be left out of a request or response; its value is None then.

    A union with None would accept null, and would double every error message.
    """

    def describe(schema: dict[str, Any]) -> None:
        schema.pop("default", None)
        if example is not None:
            schema["example"] = example

    return Field(default=None, description=description, json_schema_extra=describe, **constraints)
