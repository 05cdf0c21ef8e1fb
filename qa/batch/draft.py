"""The draft of a sheet: every answer as soon as it is known, so that a batch that is stopped can go on.

A file of JSON Lines beside the finished sheet. The first line says what the answers depend on; every other
line is a question with its answer. A last line that was cut short is dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from qa import files
from qa.batch.cited_answers import CitedAnswer
from qa.errors import BatchError, QuestionsError

Key = Mapping[str, Any]
"""What the answers depend on besides the question: the generation, filters and other settings."""


class Draft:
    """The answers that are known so far, by question."""

    def __init__(self, file: IO[bytes], known: dict[str, CitedAnswer]) -> None:
        self._file = file
        self.known = known

    def add(self, question: str, answer: CitedAnswer) -> None:
        """Keep an answer, at once.

        Raises:
            BatchError: it cannot be written.
        """
        try:
            self._file.write(_line({"question": question, "answer": answer.to_dict()}))
            self._file.flush()
        except OSError as error:
            raise BatchError(f"the draft of the answers cannot be written: {error.strerror}") from error
        self.known[question] = answer


def path_for(output: Path) -> Path:
    """Return the path of the draft of a sheet."""
    return output.with_name(f".{output.name}.draft.jsonl")


@contextmanager
def open_draft(output: Path, key: Key) -> Iterator[Draft]:
    """Open the draft of a sheet, with the answers that an earlier run left if they depend on the same.

    Args:
        output: the path of the finished sheet.
        key: what the answers depend on.

    Raises:
        QuestionsError: the file cannot be written, or another process is writing it.
    """
    path = path_for(output)
    try:
        file = path.open("a+b")
    except OSError as error:
        raise QuestionsError(f"{output} cannot be written: {error.strerror}") from error
    with file:
        if not files.lock(file, wait=False):
            raise QuestionsError(f"{output} is being written by another `qa batch`: wait for it")
        yield Draft(file, _resume(path, file, _line(key)))


def _resume(path: Path, file: IO[bytes], first: bytes) -> dict[str, CitedAnswer]:
    """Return the answers of a draft that begins with this line. Any other is emptied, and begins with it."""
    file.seek(0)
    lines = file.read().splitlines(keepends=True)
    if lines[:1] != [first]:
        file.truncate(0)
        file.write(first)
        file.flush()
        return {}
    whole = [line for line in lines if line.endswith(b"\n")]
    file.truncate(sum(map(len, whole)))
    try:
        return dict(map(_entry, whole[1:]))
    except (ValueError, TypeError, KeyError) as error:
        raise QuestionsError(f"{path} is damaged ({error}): remove it, and start again") from error


def _entry(line: bytes) -> tuple[str, CitedAnswer]:
    entry = json.loads(line)
    return entry["question"], CitedAnswer.from_dict(entry["answer"])


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
