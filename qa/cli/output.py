"""Summaries, counts and names as the commands print them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from qa.types import IndexInfo, ReadFailure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qa.indexing.build import Report


_NAMED_KINDS = 20  # of files that are not read: a line of a terminal or two

_WORTH_A_LINE = 0.1
"""Passages that the model can't read are worth a line from this share on. Chosen: fewer are quotations and
names, and whoever asks in such a language is told so with the answer."""


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
    return printable(f"{failure.full_path}{row}: {failure.reason}")


def describe_unnamed(number: int) -> str:
    """Return a line on the failures that a summary counts without naming them."""
    return f"{number:,} more, not listed here: run `qa status --files` to list every file"


def describe_left_out(left_out: Mapping[str, int]) -> str:
    """Return a line on the files of kinds that are not read.

    >>> describe_left_out({".psd": 9, ".exe": 2, "": 1})
    '12 files of kinds that are not read: .psd 9, .exe 2, without a suffix 1'
    """
    number = sum(left_out.values())
    kinds = [f"{suffix or 'without a suffix'} {many}" for suffix, many in left_out.items()]
    more = [f"{count(len(kinds) - _NAMED_KINDS, 'more kind')}"] if len(kinds) > _NAMED_KINDS else []
    listed = ", ".join([*kinds[:_NAMED_KINDS], *more])
    what = "file of a kind that is" if number == 1 else "files of kinds that are"
    return printable(f"{number} {what} not read: {listed}")


def describe_partly(number: int, named: Sequence[str]) -> str:
    """Return a line on the files that were read in part, the first of which are named."""
    listed = ", ".join([*named, *(["…"] if number > len(named) else [])])
    was = "was" if number == 1 else "were"
    return printable(f"{count(number, 'file')} {was} read in part: {listed} (see `qa status --files`)")


def describe_illegible(illegible: Mapping[str, int], passages: int, model: str) -> str | None:
    """Return a line on the passages in languages that the model can't read; None if they are few."""
    number = sum(illegible.values())
    if not number or number < _WORTH_A_LINE * passages:
        return None
    from babel import Locale  # slow to load, as the next

    from qa.embedding.models import model_for_languages

    names = Locale("en").languages
    listed = ", ".join(f"{names.get(code, code)} {many}" for code, many in illegible.items())
    better = model_for_languages(model)
    return printable(
        f"{number} of {count(passages, 'passage')} are in languages that the model {model} cannot read "
        f"({listed}): they are matched by words only"
        + (f". To read them: qa index --model {better}" if better else "")
    )


def as_json(summary: IndexInfo | Report) -> dict[str, Any]:
    """Return a summary with its failures as the API has them."""
    failures = [
        {"path": failure.full_path, "row": failure.row, "reason": failure.reason}
        for failure in summary.failures
    ]
    return asdict(replace(summary, failures=())) | {"failures": failures}
