"""Summaries, counts and names as the commands print them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from qa.types import IndexInfo, ReadFailure

if TYPE_CHECKING:
    from qa.indexing.build import Report


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural if need be."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Escape whatever would steer a terminal or break a line: file names may hold it."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def describe_failure(failure: ReadFailure) -> str:
    """Return a line on a file, or a row of a table, that could not be read."""
    row = f", row {failure.row}" if failure.row is not None else ""
    return printable(f"{failure.path}{row}: {failure.reason}")


def describe_unnamed(number: int) -> str:
    """Return a line on the failures that a summary counts without naming them."""
    return f"{number:,} more, not listed here: run `qa status --files` to list every file"


def as_json(summary: IndexInfo | Report) -> dict[str, Any]:
    """Return a summary with its failures as the API has them."""
    failures = [
        {"path": failure.path, "row": failure.row, "reason": failure.reason} for failure in summary.failures
    ]
    return asdict(replace(summary, failures=())) | {"failures": failures}
