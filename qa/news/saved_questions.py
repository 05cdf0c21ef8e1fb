"""The file of saved questions, ``saved.toml``: named questions with filters, a threshold and destinations."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from qa.errors import QuestionsError
from qa.news.destinations import Command, Destination, Webhook, check_url
from qa.readers import named_type
from qa.types import Filters, Query

MAX_QUESTIONS = 1000
"""The most questions of a file. Chosen: asking them all takes some seconds after each build."""

_REMEMBERED = 50
"""How many results are remembered: one of them that rises is no news. Chosen: several pages of results."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TABLE = re.compile(r"""[ \t]*\[[ \t]*["']?([A-Za-z0-9_-]+)["']?[ \t]*\]""")
_KEY = re.compile(r"""[ \t]*["']?([A-Za-z0-9_-]+)["']?[ \t]*=""")

_Model = TypeVar("_Model", bound=BaseModel)
_Values = Annotated[tuple[str, ...], Field(strict=False)]


@dataclass(frozen=True, slots=True)
class SavedQuestion:
    """A question that is asked again after each new generation.

    Attributes:
        name: also the name of its feed.
        question: as a person would ask it.
        filters: which documents may answer.
        threshold: the confidence from which results are news; None is the one above which documents seem to
            answer a question.
        k: how many of the first results are followed.
        destinations: where its news is delivered.
    """

    name: str
    question: str
    filters: Filters
    threshold: float | None
    k: int
    destinations: tuple[Destination, ...] = ()

    @property
    def query(self) -> Query:
        """The query, with as many results as are remembered."""
        return Query(self.question, k=max(self.k, _REMEMBERED), filters=self.filters)

    @property
    def definition(self) -> str:
        """A digest of all that the answer depends on."""
        asked = asdict(self)
        del asked["destinations"]
        return hashlib.sha256(repr(asked).encode()).hexdigest()[:16]


class _Delivery(BaseModel):
    """Where news is delivered: of all questions, at the top of the file, or of one, in its table."""

    model_config = ConfigDict(extra="forbid", strict=True)

    command: Annotated[_Values, Field(max_length=100)] | None = None
    webhook: str | None = None
    secret_file: Annotated[str, Field(min_length=1)] | None = None

    @field_validator("command", mode="before")
    @classmethod
    def _is_list(cls, command: Any) -> Any:
        if isinstance(command, str):
            raise ValueError('write it as a list: ["/usr/local/bin/notify", "--urgent"]')  # noqa: TRY004 -- pydantic wants this one
        return command

    @field_validator("command")
    @classmethod
    def _runnable(cls, command: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if command and not command[0]:
            raise ValueError("names no program")
        if any("\0" in word for word in command or ()):
            raise ValueError("has a character that no argument may have")
        return command

    @field_validator("webhook")
    @classmethod
    def _addressed(cls, webhook: str | None) -> str | None:
        if webhook:
            check_url(webhook)
        return webhook

    def destinations(self, default: _Delivery, folder: Path) -> tuple[Destination, ...]:
        """Return the destinations of a question.

        Args:
            default: those of all questions, which hold where this names no other; an empty one is none.
            folder: the one that a secret's file is relative to.

        Raises:
            ValueError: a webhook has no secret.
        """
        command = default.command if self.command is None else self.command
        url = default.webhook if self.webhook is None else self.webhook
        secret = default.secret_file if self.secret_file is None else self.secret_file
        if url and secret is None:
            raise ValueError('needs secret_file = "FILE": the file with the secret that signs the news')
        found: list[Destination] = [Command(command)] if command else []
        return (*found, Webhook(url, folder / secret)) if url and secret else tuple(found)


class _Entry(_Delivery):
    """One table of the file."""

    question: Annotated[str, Field(min_length=1, max_length=10_000)]
    source: _Values = ()
    language: _Values = ()
    path: _Values = ()
    type: _Values = ()
    document: _Values = ()
    date_from: date | None = None
    date_to: date | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    k: Annotated[int, Field(ge=1, le=50)] = 3

    @field_validator("source", "language", "path", "type", "document", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("date_from", "date_to", mode="before")
    @classmethod
    def _dated(cls, value: Any) -> Any:
        return date.fromisoformat(value) if isinstance(value, str) else value

    @field_validator("question")
    @classmethod
    def _asked(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        return value.strip()

    def saved(self, name: str, destinations: tuple[Destination, ...]) -> SavedQuestion:
        """Return the question under its name."""
        filters = Filters(
            source=self.source,
            language=self.language,
            path=self.path,
            date_from=self.date_from.isoformat() if self.date_from else None,
            date_to=self.date_to.isoformat() if self.date_to else None,
            media_type=tuple(map(named_type, self.type)),
            document=self.document,
        )
        return SavedQuestion(name, self.question, filters, self.threshold, self.k, destinations)


_FIELDS = tuple(sorted(_Entry.model_fields, key=lambda name: name in _Delivery.model_fields))


def read_saved(path: Path) -> tuple[SavedQuestion, ...]:
    """Read the saved questions, in the order of the file; none if there is no file.

    Raises:
        QuestionsError: the file cannot be used; the message names the line, and says what to do.
    """
    try:
        text = path.read_text("utf-8")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise QuestionsError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise QuestionsError(f"{path} is not TOML: {error}") from error
    default = _top(path, text, {name: value for name, value in tables.items() if not isinstance(value, dict)})
    tables = {name: value for name, value in tables.items() if isinstance(value, dict)}
    if len(tables) > MAX_QUESTIONS:
        raise QuestionsError(f"{path} has {len(tables):,} questions; at most {MAX_QUESTIONS:,} can be saved")
    return tuple(_question(path, text, name, table, default) for name, table in tables.items())


def _top(path: Path, text: str, values: dict[str, Any]) -> _Delivery:
    """Return what stands above the questions, and holds for all of them."""
    for name in values:
        if name not in _Delivery.model_fields:
            raise _error(
                path, text, None, name, f"stands in no table: put a line [{name}] above the question"
            )
    return _validated(_Delivery, path, text, None, values)


def _question(path: Path, text: str, name: str, table: Any, default: _Delivery) -> SavedQuestion:
    """Return one question of the file."""
    if not _NAME.fullmatch(name):
        raise _error(
            path, text, name, None, "a name has at most 64 letters, digits, - and _ of ASCII: rename it"
        )
    entry = _validated(_Entry, path, text, name, table)
    if entry.date_from and entry.date_to and entry.date_from > entry.date_to:
        raise _error(path, text, name, "date_from", "date_from is later than date_to")
    try:
        destinations = entry.destinations(default, path.parent)
    except ValueError as error:
        raise _error(path, text, name, "webhook", f"webhook {error}") from error
    return entry.saved(name, destinations)


def _validated(kind: type[_Model], path: Path, text: str, name: str | None, table: Any) -> _Model:
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        problem = error.errors()[0]
        field = str(problem["loc"][0]) if problem["loc"] else None
        raise _error(path, text, name, field, _reason(problem, field)) from error


def _reason(problem: Any, field: str | None) -> str:
    if problem["type"] == "extra_forbidden":
        return f"{field} is not known here; known are {', '.join(_FIELDS)}"
    if problem["type"] == "missing":
        return 'it has no question: add question = "…"'
    cause = problem.get("ctx", {}).get("error")
    reason = str(cause) if cause is not None else problem["msg"]
    return f"{field}: {reason[:1].lower()}{reason[1:]}"


def _error(path: Path, text: str, name: str | None, key: str | None, reason: str) -> QuestionsError:
    line = _line_of(text, name, key)
    where = f"{path}, line {line}" if line else str(path)
    return QuestionsError(f"{where}: [{name or key}]: {reason}")


def _line_of(text: str, name: str | None, key: str | None) -> int | None:
    """Return the line of a table, or of a key in it; None if it is written in an unusual way."""
    table, beginning = None, None
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TABLE.match(line):
            table = match[1]
            beginning = number if table == name else beginning
        elif table == name and key and (match := _KEY.match(line)) and match[1] == key:
            return number
    return beginning
