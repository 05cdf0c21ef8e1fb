"""Questions files: JSON Lines with questions, and with the judgements that people make on the page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from qa.errors import QuestionsError
from qa.types import Span


class Place(NamedTuple):
    """Where an answer is. ``row`` is the key of a table's row; None if any row will do."""

    doc: str
    row: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the places of its answers: none if the documents do not answer it.

    ``wrong``: passages that people judged not to answer it.
    """

    id: str
    question: str
    answers: tuple[Place, ...]
    wrong: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """The questions of a file. ``left_out``: number of those for which only wrong passages are known."""

    questions: tuple[Question, ...]
    left_out: int


class _BadLineError(Exception):
    """A line that cannot be used; the message says why."""


@dataclass(slots=True)
class _Draft:
    """A question as of the lines read. ``stated``: a line that is not a judgement gives its answers."""

    id: str
    question: str
    stated: bool = False
    answers: dict[Place, None] = field(default_factory=dict)
    wrong: dict[Place, None] = field(default_factory=dict)

    def add(self, entry: dict[str, Any]) -> None:
        """Add a line. The last line on a passage counts."""
        self.stated |= "answers" in entry and "judged" not in entry
        sides = ((self.answers, self.wrong, "answers"), (self.wrong, self.answers, "wrong"))
        for places, opposite, name in sides:
            for place in _places(entry, name):
                places[place] = None
                opposite.pop(place, None)


def read(path: Path, max_question: int) -> QuestionSet:
    """Read a questions file.

    Lines with the same ``id`` are one question. A judgement belongs to the first question with the same text.

    Args:
        path: of a file with an object on each line: ``id``, ``question`` and ``answers`` or ``wrong``, which
            are lists of ``{"doc", "start", "end"}``, and perhaps ``row``.
        max_question: number of characters that a question may have.

    Raises:
        QuestionsError: the file cannot be read, has no questions, or has lines that cannot be used; all of
            these are named.
    """
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise QuestionsError(f"{path} cannot be read: {error.strerror}") from error
    drafts, problems = _gather(lines, max_question)
    if problems:
        raise QuestionsError("\n".join([f"{path} has lines that cannot be used", *problems]))
    questions = tuple(
        Question(draft.id, draft.question, tuple(draft.answers), tuple(draft.wrong))
        for draft in drafts
        if draft.stated or draft.answers
    )
    if not drafts:
        raise QuestionsError(f"{path} has no questions")
    return QuestionSet(questions, len(drafts) - len(questions))


def _gather(lines: Iterable[bytes], max_question: int) -> tuple[list[_Draft], list[str]]:
    """Return the questions, in order, and a message for each line that cannot be used."""
    by_id: dict[str, _Draft] = {}
    by_text: dict[str, _Draft] = {}
    problems = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = _entry(line, max_question)
            text = entry["question"].strip()
            draft = by_id.get(entry["id"]) or (by_text.get(text) if "judged" in entry else None)
            if draft is None:
                draft = _Draft(entry["id"], text)
            elif draft.question != text:
                raise _BadLineError(f"id {entry['id']!r} belongs to another question")  # noqa: TRY301
            draft.add(entry)
        except _BadLineError as error:
            problems.append(f"  line {number}: {error}")
        else:
            by_id.setdefault(entry["id"], draft)
            by_text.setdefault(text, draft)
    return list({id(draft): draft for draft in by_id.values()}.values()), problems


def _entry(line: bytes, max_question: int) -> dict[str, Any]:
    try:
        entry = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise _BadLineError("not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise _BadLineError(f"not JSON: {error}") from error
    if not isinstance(entry, dict):
        raise _BadLineError("not a JSON object")
    for name in ("id", "question"):
        value = entry.get(name)
        if not isinstance(value, str) or not value.strip():
            raise _BadLineError(f"{name!r} must be text, and not empty")
        if not _encodable(value):
            raise _BadLineError(f"{name!r} has half a character (a lone surrogate)")
    if len(entry["question"].strip()) > max_question:
        raise _BadLineError(f"the question has more than {max_question} characters")
    if "answers" not in entry and "wrong" not in entry:
        raise _BadLineError("'answers' is missing")
    return entry


def _places(entry: dict[str, Any], name: str) -> list[Place]:
    places = entry.get(name, [])
    if not isinstance(places, list):
        raise _BadLineError(f"{name!r} must be a list")
    return [_place(place, f"{name}[{number}]") for number, place in enumerate(places)]


def _place(place: Any, where: str) -> Place:
    if not isinstance(place, dict):
        raise _BadLineError(f"{where} must be an object with doc, start and end")
    doc, row, start, end = (place.get(name) for name in ("doc", "row", "start", "end"))
    if not isinstance(doc, str) or not doc:
        raise _BadLineError(f"{where}: 'doc' must be the path of a document")
    if row is not None and not isinstance(row, str):
        raise _BadLineError(f"{where}: 'row' must be text")
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        raise _BadLineError(f"{where}: 'start' and 'end' must be whole numbers with 0 ≤ start < end")
    return Place(doc, row, Span(start, end))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
