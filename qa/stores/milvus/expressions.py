"""Filters as expressions of Milvus, with the meaning that they have in the local store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from qa.stores.milvus.schema import known
from qa.text.folding import fold, same_form
from qa.types import Filters

_SPECIAL = re.compile(r"[*?\[]")
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r"})
_AFTER_SLASH = "0"  # the letter behind "/"

Match = Callable[[str], Sequence[int]]
"""Gives the numbers, ascending, of the documents whose paths a pattern fits."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which passages may answer: those that fit an expression. Its length is how many they are."""

    expression: str
    count: int

    def __len__(self) -> int:
        return self.count


def expression(filters: Filters, match: Match) -> str:
    """Put filters as an expression over the fields of ``schema.filtered``; all where they are empty.

    Patterns are the exception: which documents they fit is found out first.
    """
    parts = []
    for field, values in (
        ("source", map(fold, filters.source)),
        ("language", map(fold, filters.language)),
        ("media_type", map(fold, filters.media_type)),
        ("document", filters.document),
    ):
        if wanted := [text(known(value)) for value in values]:
            parts.append(f"{field} in [{', '.join(wanted)}]")
    if filters.path:
        parts.append(f"({' or '.join(_path(path, match) for path in map(same_form, filters.path))})")
    if filters.date_from:
        parts.append(f"published >= {text(known(filters.date_from))}")
    if filters.date_to:
        parts.append(f'published <= {text(known(filters.date_to))} and published != ""')
    return " and ".join(parts)


def text(value: str) -> str:
    """Put a text as a literal."""
    return f'"{value.translate(_ESCAPED)}"'


def _path(path: str, match: Match) -> str:
    folder = known(path.rstrip("/"))
    found = [
        f"path == {text(known(path))}",
        f"(path >= {text(folder + '/')} and path < {text(folder + _AFTER_SLASH)})",
    ]
    if _SPECIAL.search(path):
        found += _runs(match(path))
    return " or ".join(found)


def prefix(pattern: str) -> str:
    """Put as an expression what a path must begin with to fit a pattern."""
    start = known(_SPECIAL.split(pattern, maxsplit=1)[0])
    return f"path >= {text(start)}"


def _runs(numbers: Iterable[int]) -> list[str]:
    """Tell numbers by the runs that they make: those of documents follow their paths."""
    found = np.fromiter(numbers, np.int64)
    runs = np.split(found, np.flatnonzero(np.diff(found) > 1) + 1) if len(found) else []
    return [f"(number >= {run[0]} and number <= {run[-1]})" for run in runs]
