"""Filters become expressions of Milvus, with the meaning of ``index/filters``, where they become SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from qa.stores.milvus.schema import known
from qa.text.folding import fold, same_form
from qa.types import Filters, Int64

_SPECIAL = re.compile(r"[*?\[]")
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r"})
_AFTER_SLASH = "0"  # the letter after "/"

Match = Callable[[str], Sequence[int]]
"""Returns the numbers, ascending, of the documents whose paths match a pattern."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The passages that pass the filters and hold the phrases. Its length is their number.

    Attributes:
        expression: what they meet of the filters.
        count: how many there are.
        listed: which rows they have, as the end of an expression; empty if phrases don't matter.
    """

    expression: str
    count: int
    listed: str = ""

    def where(self, row: str) -> str:
        """Return the whole expression, over a collection in which a field of this name is the row."""
        parts = [self.expression, self.listed and f"{row} {self.listed}"]
        return " and ".join(part for part in parts if part)

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


def listed(rows: Int64, passages: int) -> str:
    """Return the end of an expression that holds for these rows, of so many passages.

    >>> listed(np.array([1, 3]), 9), listed(np.array([0, 1, 3]), 4), listed(np.array([]), 4)
    ('in [1,3]', 'not in [2]', '< 0')
    """
    if not len(rows):
        return "< 0"
    if 2 * len(rows) <= passages:
        return f"in [{','.join(map(str, rows.tolist()))}]"
    others = np.setdiff1d(np.arange(passages), rows, assume_unique=True)
    return f"not in [{','.join(map(str, others.tolist()))}]" if len(others) else ">= 0"


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
