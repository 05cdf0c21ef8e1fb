"""The news that a command or webhook has yet to get: a small file beside the news, replaced in one step.

It holds ids; the texts are in the news. An entry is written before its news is and removed after the receiver
has it, so a process that is killed loses none. Each attempt is counted before it is made, so one that kills
the process is not made for ever, and no two processes make the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, TypeAdapter, ValidationError

from qa import files
from qa.errors import QAError
from qa.news.news_file import hold

NAME = "undelivered.json"

MOST_ATTEMPTS = 8
"""How often delivery is tried (chosen). With the pauses below, that takes about two days."""

_FIRST_PAUSE = timedelta(seconds=30)
_GROWTH = 4
_LOCK = ".undelivered.lock"
_FORMAT = 1


def _checked_time(due: str) -> str:
    if due and datetime.fromisoformat(due).tzinfo is None:
        raise ValueError("it names no time zone")
    return due


@dataclass(frozen=True, slots=True)
class Undelivered:
    """One piece of news that one way has yet to take.

    Attributes:
        news: its id.
        name: the question's.
        way: ``command`` or ``webhook``.
        attempts: how many were begun.
        due: when the next one may begin, as an ISO time in UTC.
        problem: why the last one failed; empty before.
    """

    news: str
    name: str
    way: str
    attempts: int = 0
    due: Annotated[str, AfterValidator(_checked_time)] = ""
    problem: str = ""

    @property
    def is_given_up(self) -> bool:
        """Whether it is tried only if somebody asks for it."""
        return self.attempts >= MOST_ATTEMPTS

    @property
    def state(self) -> str:
        """Why the last attempt failed, and when the next one may begin, in words."""
        if not self.attempts:
            return "not tried yet"
        problem = self.problem or "the last attempt was interrupted"
        if self.is_given_up:
            return f"{problem} (given up; to try again: qa news --deliver {self.name})"
        return f"{problem} (attempt {self.attempts} of {MOST_ATTEMPTS}; the next one after {self.due})"

    def is_due(self, now: datetime) -> bool:
        """Whether it is tried at a time, in UTC."""
        return not self.is_given_up and (not self.due or datetime.fromisoformat(self.due) <= now)

    def begun(self, now: datetime) -> Undelivered:
        """Return it with one more attempt, which begins now; the next one waits four times as long."""
        pause = _FIRST_PAUSE * _GROWTH ** min(self.attempts, MOST_ATTEMPTS)
        due = (now + pause).isoformat(timespec="seconds")
        return replace(self, attempts=self.attempts + 1, due=due)


@dataclass(frozen=True, slots=True)
class _Content:
    """The content of the file."""

    undelivered: tuple[Undelivered, ...] = ()
    format: int = _FORMAT


_CONTENT = TypeAdapter(_Content)


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def read_undelivered(index: Path) -> tuple[Undelivered, ...]:
    """Return what is undelivered, the oldest first.

    Raises:
        QAError: the file cannot be read.
    """
    path = index / NAME
    try:
        content = _CONTENT.validate_json(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise QAError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise QAError(
            f"{path} is not what was written: remove it, and what is in it is not delivered; "
            "`qa news` still prints it"
        ) from error
    return content.undelivered if content.format == _FORMAT else ()


def add_undelivered(index: Path, added: Sequence[Undelivered], wanted: Collection[tuple[str, str]]) -> None:
    """Add entries, unless they are there, and drop those that nobody wants any more.

    Args:
        index: the folder of the index.
        added: the new entries.
        wanted: all pairs of the id of news and a way that it should go.

    Raises:
        QAError: the file cannot be read or written; it is unchanged.
    """
    if not added and not (index / NAME).exists():
        return
    with hold(index / _LOCK):
        entries = read_undelivered(index)
        kept = {(entry.news, entry.way): entry for entry in added} | {
            (entry.news, entry.way): entry for entry in entries
        }
        order = dict.fromkeys((entry.news, entry.way) for entry in (*entries, *added))
        _write(index, entries, tuple(kept[key] for key in order if key in wanted))


def claim(index: Path, entry: Undelivered, now: datetime) -> Undelivered | None:
    """Count a new attempt to deliver an entry; return it so, or None if another process came first.

    Raises:
        QAError: the file cannot be read or written; it is unchanged.
    """
    with hold(index / _LOCK):
        entries = read_undelivered(index)
        if entry not in entries:
            return None
        begun = entry.begun(now)
        _write(index, entries, tuple(begun if each == entry else each for each in entries))
    return begun


def settle(index: Path, entry: Undelivered, problem: str) -> None:
    """Write down what came of an attempt: remove its entry, or keep it with the problem, if there is one.

    Raises:
        QAError: the file cannot be read or written; it is unchanged.
    """
    with hold(index / _LOCK):
        entries = read_undelivered(index)
        settled = {entry: replace(entry, problem=problem) if problem else None}
        after = (settled.get(each, each) for each in entries)
        _write(index, entries, tuple(each for each in after if each))


def _write(index: Path, before: Sequence[Undelivered], after: tuple[Undelivered, ...]) -> None:
    path = index / NAME
    if after == tuple(before):
        return
    try:
        files.replace_bytes(path, _CONTENT.dump_json(_Content(after), indent=1) + b"\n")
    except OSError as error:
        raise QAError(f"{path} cannot be written: {error.strerror}") from error
