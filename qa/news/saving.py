"""Questions added to the file of saved questions, and removed from it; all the rest of it stays as it is."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from qa import drafts, files
from qa.errors import NotFoundError, QuestionsError, SettingsError
from qa.news.saved_questions import (
    DEFAULT_K,
    SavedQuestion,
    check_question,
    header_name,
    parse_saved,
    read_text,
)
from qa.readers.yaml_toml import toml_string
from qa.text.folding import same_form

_LONGEST_PROPOSAL = 40
"""Letters of a proposed name. Chosen: three or four words, which fit on a line of a phone."""

_LATIN = str.maketrans(
    dict(zip("абвгдеёзийклмнопрстуфыэіїґ", "abvgdeeziiklmnoprstufyeiig", strict=True))
    | {"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "iu"}
    | {"я": "ia", "є": "ie"}
)
"""Cyrillic letters as Russian passports write them: names are part of addresses."""


def check(path: Path) -> None:
    """Make sure that the file can be written, or made.

    Raises:
        SettingsError: its folder, in which it is replaced in one step, cannot be written.
    """
    try:
        drafts.check_takes_files(path.resolve().parent)
    except OSError as error:
        reason = f"questions cannot be saved in {path}: its folder cannot be written: {error.strerror}"
        advice = "Name a file in another folder in the setting saved, or leave out --edit."
        raise SettingsError(f"{reason}. {advice}") from error


def add_question(path: Path, name: str, fields: Mapping[str, Any]) -> SavedQuestion:
    """Add a question to the end of the file, which is made if there is none.

    Args:
        path: the file.
        name: the question's name.
        fields: its fields, as the file names them.

    Raises:
        QuestionsError: the name is taken, the name or a field is invalid, or the file cannot be used or
            written. It is unchanged.
    """
    question = check_question(name, fields)
    with _held(path) as text:
        questions = parse_saved(text, path)
        if name in {each.name for each in questions}:
            raise QuestionsError(f"the name {name} is taken; choose another one")
        end = "\r\n" if "\r\n" in text else "\n"
        gap = "" if not text else end if text.endswith("\n") else end + end
        longer = text + gap + "".join(line + end for line in _lines(question))
        # Whatever stands above the tables says where the news of every question goes.
        added = replace(question, destinations=parse_saved(longer, path)[-1].destinations)
        _write(path, longer, [*questions, added])
    return added


def remove_question(path: Path, name: str) -> None:
    """Remove a question from the file. Comments above and below its table stay.

    Raises:
        NotFoundError: there is no such question.
        QuestionsError: the file cannot be used or written, or the question cannot be cut out of it. It is
            unchanged.
    """
    with _held(path) as text:
        questions = parse_saved(text, path)
        others = [each for each in questions if each.name != name]
        if len(others) == len(questions):
            raise NotFoundError(f"There is no saved question {name}.")
        _write(path, _without(text, name), others)


def proposed_name(words: Iterable[str], taken: Collection[str]) -> str:
    """Return a name for a question that is not taken yet.

    Args:
        words: those that the question is about, in order.
        taken: the names of other questions.
    """
    name = ""
    for word in words:
        longer = f"{name}-{_latin(word)}".strip("-")
        if len(longer) > _LONGEST_PROPOSAL:
            break
        name = longer
    name = name or "question"
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 2))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def _latin(word: str) -> str:
    """Return a word in small letters of ASCII, and digits; what can't be written so is left out."""
    decomposed = unicodedata.normalize("NFKD", same_form(word).lower().translate(_LATIN))
    return "".join(filter(str.isalnum, filter(str.isascii, decomposed))).lower()


def _lines(question: SavedQuestion) -> Iterator[str]:
    """Yield the lines of a question's table."""
    filters = question.filters
    yield f"[{question.name}]"
    yield f"question = {toml_string(question.question)}"
    for field, values in (
        ("source", filters.source),
        ("language", filters.language),
        ("path", filters.path),
        ("type", filters.media_type),
        ("document", filters.document),
    ):
        if values:
            yield f"{field} = [{', '.join(map(toml_string, values))}]"
    for field, day in (("date_from", filters.date_from), ("date_to", filters.date_to)):
        if day:
            yield f"{field} = {day}"
    if question.threshold is not None:
        yield f"threshold = {question.threshold}"
    if question.k != DEFAULT_K:
        yield f"k = {question.k}"


def _without(text: str, name: str) -> str:
    """Return the text of the file without a table, which must have a header of its own."""
    lines = text.split("\n")
    headers = (number for number, line in enumerate(lines) if header_name(line) == name)
    start = next((number for number in headers if _begins_statement(lines, number)), None)
    if start is None:
        raise QuestionsError(f"[{name}] is written in an unusual way: remove it from the file by hand")
    numbers = range(start + 1, len(lines))
    end = next((n for n in numbers if header_name(lines[n]) and _begins_statement(lines, n)), len(lines))
    while end > start + 1 and _is_aside(lines[end - 1]):
        end -= 1
    before, after = lines[:start], lines[end:]
    rest = next((number for number, line in enumerate(after) if line.strip()), len(after))
    if rest == len(after):
        while before and not before[-1].strip():
            before.pop()
        return "\n".join([*before, ""])
    return "\n".join(before + (after if before and before[-1].strip() else after[rest:]))


def _begins_statement(lines: Sequence[str], number: int) -> bool:
    """Whether a line is one of TOML itself, and not of a text or list that began before it."""
    try:
        tomllib.loads("".join(f"{line}\n" for line in lines[:number]))
    except tomllib.TOMLDecodeError:
        return False
    return True


def _is_aside(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


@contextmanager
def _held(path: Path) -> Iterator[str]:
    """Hold the file against other processes that change it, and yield its text."""
    try:
        with files.hold_folder(path.resolve().parent):
            yield read_text(path)
    except OSError as error:
        raise QuestionsError(f"{path} cannot be written: {error.strerror}") from error


def _write(path: Path, text: str, expected: Sequence[SavedQuestion]) -> None:
    """Replace the file, if its new text holds exactly the expected questions."""
    if parse_saved(text, path) != tuple(expected):
        raise QuestionsError(f"{path} is written in an unusual way: change it by hand")
    target = path.resolve()  # a link stays one
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666
    files.replace_bytes(target, text.encode(), mode=mode)
