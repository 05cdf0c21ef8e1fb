"""Judgements of results as right or wrong, kept as a questions file that ``qa eval`` reads."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from qa import files
from qa.errors import QAError, SettingsError
from qa.types import Passage

Verdict = Literal["right", "wrong"]
Place = tuple[str, str | None, int, int]

# JSON does not escape these characters, and some programs read them as line ends.
_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}


class Judgements:
    """The file of judgements, one a line; the last one on a passage counts. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._state: files.Stamp = ()
        self._known: dict[str, dict[Place, Verdict]] = {}

    def check(self) -> None:
        """Raise SettingsError if the file cannot be written."""
        try:
            with self._path.open("ab"):
                pass
        except OSError as error:
            raise SettingsError(f"judgements cannot be saved in {self._path}: {error.strerror}") from error

    def record(self, question: str, passage: Passage, verdict: Verdict) -> None:
        """Add a judgement to the file, and return when it is on disk.

        Raises:
            QAError: the judgement could not be saved; the file is unchanged.
        """
        line = _line(question, passage, verdict)
        try:
            with self._path.open("a+b", buffering=0) as file:
                files.lock(file)
                _append(file.fileno(), line)
        except OSError as error:
            raise QAError(f"The judgement could not be saved: {error.strerror}.") from error

    def verdicts(self, question: str) -> dict[Place, Verdict]:
        """Return the verdicts on passages as answers to a question."""
        try:
            state = files.stamp(self._path.stat())
            with self._lock:
                if state != self._state:
                    self._known, self._state = _read(self._path), state
                return self._known.get(question, {})
        except FileNotFoundError:
            return {}


def place(passage: Passage) -> Place:
    """Return the position of a passage, as a questions file states it."""
    return (passage.document.path, passage.document.row, *passage.span)


def _line(question: str, passage: Passage, verdict: Verdict) -> bytes:
    where: dict[str, Any] = {"doc": passage.document.path}
    if passage.document.row is not None:
        where["row"] = passage.document.row
    where |= {"start": passage.span.start, "end": passage.span.end}
    judgement = {
        "id": f"judged-{hashlib.sha256(question.encode()).hexdigest()[:12]}",
        "question": question,
        "answers" if verdict == "right" else "wrong": [where],
        "judged": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return f"{json.dumps(judgement, ensure_ascii=False).translate(_LINE_ENDS)}\n".encode()


def _append(file: int, line: bytes) -> None:
    """Append a line to a locked file, completely or not at all."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        line = b"\n" + line
    try:
        while line:
            line = line[os.write(file, line) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, size)
        raise


def _read(path: Path) -> dict[str, dict[Place, Verdict]]:
    known: dict[str, dict[Place, Verdict]] = {}
    for question, where, verdict in _judged(path):
        known.setdefault(question, {})[where] = verdict
    return known


def _judged(path: Path) -> Iterator[tuple[str, Place, Verdict]]:
    """Yield the judgements in order. Unlike ``qa eval``, this skips lines that cannot be used."""
    for line in path.read_bytes().split(b"\n"):
        try:
            entry = json.loads(line)
            if "judged" not in entry:
                continue
            for name, verdict in (("answers", "right"), ("wrong", "wrong")):
                for answer in entry.get(name, ()):
                    where = (answer["doc"], answer.get("row"), answer["start"], answer["end"])
                    yield entry["question"], where, verdict  # type: ignore[misc]  # one of the two
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
