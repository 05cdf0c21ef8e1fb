"""Filters become expressions of Milvus, with the meaning of ``index/filters``, where they become SQL."""

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
_AFTER_SLASH = "0"  # the letter after "/"

Match = Callable[[str], Sequence[int]]
"""Returns the numbers, ascending, of the documents whose paths match a pattern."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The passages that pass the filters: those that meet an expression. Its length is their number."""

    expression: str
    count: int

    def __len__(self) -> int:
        return self.count


def expression(filters: Filters, match: Match) -> str:
    """Return filters as an expression over the fields of ``schema.filtered``; empty filters allow all.

    Milvus cannot compare with patterns, so ``match`` finds the documents that match them first.
    """
    parts = []
    for field, values in (
        ("source", map(fold, filters.source)),
        ("language", map(fold, filters.language)),
        ("media_type", map(fold, filters.media_type)),
        ("document", filters.document),
    ):
        if literals := [literal(known(value)) for value in values]:
            parts.append(f"{field} in [{', '.join(literals)}]")
    if filters.path:
        parts.append(f"({' or '.join(_path(path, match) for path in map(same_form, filters.path))})")
    if filters.date_from:
        parts.append(f"published >= {literal(known(filters.date_from))}")
    if filters.date_to:
        parts.append(f'published <= {literal(known(filters.date_to))} and published != ""')
    return " and ".join(parts)


def literal(value: str) -> str:
    """Return a text as a literal of an expression."""
    return f'"{value.translate(_ESCAPED)}"'


def _path(path: str, match: Match) -> str:
    folder = known(path.rstrip("/"))
    conditions = [
        f"path == {literal(known(path))}",
        f"(path >= {literal(folder + '/')} and path < {literal(folder + _AFTER_SLASH)})",
    ]
    if _SPECIAL.search(path):
        conditions += _runs(match(path))
    return " or ".join(conditions)


def prefix(pattern: str) -> str:
    """Return, as an expression, a bound of the paths that can match a pattern: where its letters begin."""
    start = known(_SPECIAL.split(pattern, maxsplit=1)[0])
    return f"path >= {literal(start)}"


def _runs(numbers: Iterable[int]) -> list[str]:
    """Return the condition of each run of consecutive numbers: those of documents follow their paths.

    >>> _runs([1, 2, 3, 7])
    ['(number >= 1 and number <= 3)', '(number >= 7 and number <= 7)']
    """
    ascending = np.fromiter(numbers, np.int64)
    starts = np.flatnonzero(np.diff(ascending) > 1) + 1
    runs = np.split(ascending, starts) if len(ascending) else []
    return [f"(number >= {run[0]} and number <= {run[-1]})" for run in runs]
