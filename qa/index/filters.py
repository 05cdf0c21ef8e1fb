"""Filters become SQL: conditions over the store's documents and passages.

``stores/milvus/expressions`` gives the same filters to a Milvus, with the same meaning.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from typing import Any

from qa.text.folding import fold, same_form
from qa.types import Filters

_WILD = frozenset("*?[")
_SIGNS = re.compile(r"[*?\[]")
_STARS = re.compile(r"\*{2,}")

_ONE_FORM = """SELECT number FROM (
    SELECT number,
        CASE length(path) WHEN length(CAST(path AS BLOB)) THEN path ELSE same_form(path) END AS path
    FROM documents LIMIT -1
)"""
"""The documents with their paths in one form of Unicode.

ASCII paths, which have as many letters as bytes, are taken as they are, as each call of Python takes time.
The limit keeps SQLite from computing the form again for every comparison.
"""


def add_functions(db: sqlite3.Connection) -> None:
    """Give a connection the functions that conditions call."""
    for function in (fold, same_form):
        db.create_function(function.__name__, 1, _or_null(function), deterministic=True)


def _or_null(function: Callable[[str], str]) -> Callable[[str | None], str | None]:
    return lambda text: None if text is None else function(text)


def conditions(filters: Filters, language: str = "d.language") -> tuple[str, list[Any]]:
    """Return the filters as an SQL ``WHERE`` clause over ``documents d``, and its values.

    Args:
        filters: what documents must have; without any, the clause is empty.
        language: the expression of the language, which may be a passage's own.
    """
    parts: list[str] = []
    values: list[Any] = []
    if filters.source:
        distinct = "SELECT source FROM (SELECT DISTINCT source FROM documents)"
        parts.append(f"d.source IN ({distinct} WHERE fold(source) IN ({marks(filters.source)}))")
        values += map(fold, filters.source)
    if filters.language:
        parts.append(f"{language} COLLATE NOCASE IN ({marks(filters.language)})")
        values += map(fold, filters.language)
    if filters.path:
        paths = [_path_condition(same_form(path)) for path in filters.path]
        parts.append(f"d.number IN ({_ONE_FORM} WHERE {' OR '.join(condition for condition, _ in paths)})")
        values += [value for _, path_values in paths for value in path_values]
    for column, accepted in (
        ("d.media_type", tuple(map(fold, filters.media_type))),
        ("d.id", filters.document),
    ):
        if accepted:
            parts.append(f"{column} IN ({marks(accepted)})")
            values += accepted
    for bound, operator in ((filters.date_from, ">="), (filters.date_to, "<=")):
        if bound:
            parts.append(f"d.published {operator} ?")
            values.append(bound)
    return ("WHERE " + " AND ".join(parts) if parts else ""), values


def _path_condition(path: str) -> tuple[str, list[str]]:
    """Return the condition of one path of a filter: a file, a folder with everything in it, or a pattern."""
    folder = path.rstrip("/")
    condition = "path = ? OR (path > ? AND path < ?)"  # in a folder: between its "/" and the "0" after it
    values = [path, f"{folder}/", f"{folder}0"]
    if not _WILD.isdisjoint(path):
        return f"{condition} OR path GLOB ?", [*values, _glob(path)]
    return condition, values


def matching(paths: Sequence[str], pattern: str) -> list[bool]:
    """Return which paths match a pattern of ``Filters.path``, as SQLite's ``GLOB`` does.

    Paths and pattern must be in one form of Unicode.
    """
    with closing(sqlite3.connect(":memory:")) as db:
        select = "SELECT ? GLOB ?"
        return [bool(db.execute(select, (path, _glob(pattern))).fetchone()[0]) for path in paths]


def escape_path(path: str) -> str:
    """Return a path for ``Filters.path`` in which no character is the sign of a pattern.

    >>> escape_path("minutes [draft].txt")
    'minutes [[]draft].txt'
    """
    return _SIGNS.sub(r"[\g<0>]", path)


def _glob(pattern: str) -> str:
    # SQLite negates with ^, and would try every star of a run by itself.
    return _STARS.sub("*", pattern.replace("[!", "[^"))


def marks(values: Collection[Any]) -> str:
    """Return a question mark for each value, with commas."""
    return ", ".join("?" * len(values))
