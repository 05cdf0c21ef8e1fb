"""Fields that may be left out, but cannot be null."""

from __future__ import annotations

from typing import Any

from pydantic import Field


def optional(description: str, **constraints: Any) -> Any:
    """Return a field that may be left out of a request or response; its value is None then.

    A union with None would accept null, and would double every error message.
    """
    return Field(default=None, description=description, json_schema_extra=_drop_default, **constraints)


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)
