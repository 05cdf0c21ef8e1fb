"""Whether a table's first row names its columns, where the file does not say so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa.readers.grid import Grid

_NUMBER = re.compile(r"[-−–+~<>≈]?+\s*+[$€£₽¥]?+\s*+\d[\d\s.,:/%'’]*+\S{0,8}")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d(?:[/–-]\d{2,4})?")

_MAX_NAME_LENGTH = 80
"""Characters of a column's name (chosen): a longer cell is content."""

_FEWEST_ROWS = 3
"""Rows of a table in which a first row unlike the others is seen to be one."""


def with_header(grid: Grid) -> Grid:
    """Return a table with its first row as the header if it names columns and no header is marked."""
    return grid if grid.header_rows else Grid(grid.rows, guess_header_rows(grid.rows))


def guess_header_rows(rows: Sequence[Sequence[str]]) -> int:
    """Return 1 if the first row names columns of numbers, by words or by years, else 0.

    Args:
        rows: the cells' texts, all rows of one length.
    """
    if len(rows) < _FEWEST_ROWS or not rows[0][1:]:
        return 0
    first, others = rows[0], rows[1:]
    names = [name for name in first[1:] if name]
    if len(names) < len(first) - 1 or len(set(first)) < len(first):
        return 0
    if max(map(len, first)) > _MAX_NAME_LENGTH or _NUMBER.fullmatch(first[0]):
        return 0
    if all(map(_YEAR.fullmatch, names)):
        return int(len(names) > 1 or not first[0])
    columns = [[row[place] for row in others if row[place]] for place in range(1, len(first))]
    return int(
        not any(map(_NUMBER.fullmatch, names))
        and any(len(column) > 1 and all(map(_NUMBER.fullmatch, column)) for column in columns)
    )
