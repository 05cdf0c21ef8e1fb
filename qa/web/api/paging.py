"""The addresses of the parts of a list before and after the one that is returned."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import request


def links(total: int, limit: int, offset: int, max_offset: int | None = None) -> dict[str, str | None]:
    """Return the addresses ``next`` and ``prev`` of this request's neighbours, None at an end of the list.

    Args:
        total: the length of the whole list.
        limit: the length of this part.
        offset: where this part begins.
        max_offset: the largest offset that a request may have.
    """
    following = offset + limit
    is_last = following >= total or (max_offset is not None and following > max_offset)
    return {
        "next": None if is_last else _address(limit, following),
        "prev": _address(min(limit, offset), max(0, offset - limit)) if offset else None,
    }


def _address(limit: int, offset: int) -> str:
    """Return the address of this request with another part of the list."""
    size = "k" if "k" in request.args and "limit" not in request.args else "limit"
    replaced = {"k", "limit", "offset"}
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in replaced]
    return f"{request.path}?{urlencode([*kept, (size, limit), ('offset', offset)])}"
