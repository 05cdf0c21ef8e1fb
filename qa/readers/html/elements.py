"""Questions that every step asks of an element of a page."""

from __future__ import annotations

from typing import Any


def local_name(element: Any) -> str:
    """Return an element's name in lower case and without its namespace; comments and such have none."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
