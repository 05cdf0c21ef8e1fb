"""The file of saved questions, ``saved.toml``: named questions with filters and a threshold."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from qa.errors import QuestionsError
from qa.readers import named_type
from qa.types import Filters, Query

MAX_QUESTIONS = 1000
"""The most questions of a file. Chosen: asking them all takes some seconds after each build."""

DEFAULT_K = 3
"""How many of the first results are followed, if the file doesn't say it."""

_REMEMBERED = 50
"""How many results are remembered: one of them that rises is no news. Chosen: several pages of results."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TABLE = re.compile(r"""[ \t]*\[[ \t]*["']?([A-Za-z0-9_-]+)["']?[ \t]*\]""")
_KEY = re.compile(r"""[ \t]*["']?([A-Za-z0-9_-]+)["']?[ \t]*=""")

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
    """

    name: str
    question: str
    filters: Filters
    threshold: float | None
    k: int

    @property
    def query(self) -> Query:
        """The query, with as many results as are remembered."""
        return Query(self.question, k=max(self.k, _REMEMBERED), filters=self.filters)

    @property
    def definition(self) -> str:
        """A digest of all that the answer depends on."""
        return hashlib.sha256(repr(asdict(self)).encode()).hexdigest()[:16]


class Mistake(NamedTuple):
    """What is wrong with a question, and where: in a table's field, a table, or a field outside of tables."""

    name: str | None
    field: str | None
    reason: str


class _Entry(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: Annotated[str, Field(min_length=1, max_length=10_000)]
    source: _Values = ()
    language: _Values = ()
    path: _Values = ()
    type: _Values = ()
    document: _Values = ()
    date_from: date | None = None
    date_to: date | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    k: Annotated[int, Field(ge=1, le=50)] = DEFAULT_K

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

    def saved(self, name: str) -> SavedQuestion:
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
        return SavedQuestion(name, self.question, filters, self.threshold, self.k)


_ENTRY = TypeAdapter(_Entry)


def read_saved(path: Path) -> tuple[SavedQuestion, ...]:
    """Read the saved questions, in the order of the file; none if there is no file.

    Raises:
        QuestionsError: the file cannot be used; the message names the line, and says what to do.
    """
    return parse_saved(read_text(path), path)


def read_text(path: Path) -> str:
    """Return the text of the file as it is, with its own line ends; empty if there is no file.

    Raises:
        QuestionsError: the file cannot be read.
    """
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise QuestionsError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise QuestionsError(f"{path} is not TOML: {error}") from error


def parse_saved(text: str, path: Path) -> tuple[SavedQuestion, ...]:
    """Return the saved questions that stand in the text of a file.

    Raises:
        QuestionsError: it cannot be used; the message names the line, and says what to do.
    """
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise QuestionsError(f"{path} is not TOML: {error}") from error
    if len(tables) > MAX_QUESTIONS:
        raise QuestionsError(f"{path} has {len(tables):,} questions; at most {MAX_QUESTIONS:,} can be saved")
    checked = [check_question(name, table) for name, table in tables.items()]
    if mistake := next((each for each in checked if isinstance(each, Mistake)), None):
        line = _line_of(text, mistake.name, mistake.field)
        where = f"{path}, line {line}" if line else str(path)
        raise QuestionsError(f"{where}: [{mistake.name or mistake.field}]: {mistake.reason}")
    return tuple(each for each in checked if isinstance(each, SavedQuestion))


def check_question(name: str, table: Any) -> SavedQuestion | Mistake:
    """Return the question that a table of the file states, or what is wrong with it."""
    if not _NAME.fullmatch(name):
        return Mistake(name, None, "a name has at most 64 letters, digits, - and _ of ASCII: rename it")
    if not isinstance(table, dict):
        return Mistake(None, name, f"stands in no table: put a line [{name}] above the question")
    try:
        entry = _ENTRY.validate_python(table)
    except ValidationError as error:
        problem = error.errors()[0]
        field = str(problem["loc"][0]) if problem["loc"] else None
        return Mistake(name, field, _reason(problem, field))
    if entry.date_from and entry.date_to and entry.date_from > entry.date_to:
        return Mistake(name, "date_from", "date_from is later than date_to")
    return entry.saved(name)


def _reason(problem: Any, field: str | None) -> str:
    if problem["type"] == "extra_forbidden":
        return f"{field} is not known here; known are {', '.join(_Entry.model_fields)}"
    if problem["type"] == "missing":
        return 'it has no question: add question = "…"'
    cause = problem.get("ctx", {}).get("error")
    reason = str(cause) if cause is not None else problem["msg"]
    return f"{field}: {reason[:1].lower()}{reason[1:]}"


def header_name(line: str) -> str | None:
    """Return the name of the table that a line begins; None if it begins none."""
    match = _TABLE.match(line)
    return match[1] if match else None


def _line_of(text: str, name: str | None, key: str | None) -> int | None:
    """Return the line of a table, or of a key in it; None if it is written in an unusual way."""
    table, beginning = None, None
    for number, line in enumerate(text.splitlines(), 1):
        if name_here := header_name(line):
            table = name_here
            beginning = number if table == name else beginning
        elif table == name and key and (match := _KEY.match(line)) and match[1] == key:
            return number
    return beginning
