"""Collect what a document says of itself, the better witness first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import PurePosixPath

from qa.readers import dates
from qa.types import How, Metadata

LONGEST_VALUE = 300
"""How many characters of a field are kept: it is shown, and searched by word, with each passage."""

LONGEST_ADDRESS = 2_000
"""The longest address that is taken: browsers take about as much."""

FIELDS = ("title", "source", "author", "published", "dateline", "language", "url")

_LONGEST_DATE = 100  # characters, with all that may stand around a date
_LARGE = 10**18  # an integer of thousands of digits could not be written down

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\s]+")
_JOINTS = re.compile(r"[_-]+")
_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_][A-Za-z0-9]++)*+")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_USELESS = re.compile(
    r"untitled.*|\(?(?:unspecified|anonymous|unknown)\)?|title|author|user|owner|admin(?:istrator)?|python-docx"
    r"|microsoft word\b.*|powerpoint presentation|(?:word )?document ?\d*|презентация powerpoint"
    r"|документ ?\d*|без (?:имени|названия)|пользователь|автор"
    r"|\S*\.(?:docx?|odt|rtf|xlsx?|pptx?|indd|qxd|tex|dvi|pdf|html?|txt)",
    re.IGNORECASE,
)


class Facts:
    """Fields of metadata with how each was found. The first value given to a field stays."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._found: dict[str, How] = {}
        self._notes: dict[str, str] = {}

    def add(self, field: str, value: object, how: How) -> None:
        """Set a field, unless it has a value or this one says nothing; of a long one, its beginning."""
        if field in self._values or not (text := normalise(field, value)):
            return
        if field == "url" and len(text) > LONGEST_ADDRESS:
            self._notes.setdefault(field, f"url was left out: it has {len(text):,} characters")
            return
        if field != "url" and len(text) > LONGEST_VALUE:
            self._notes[field] = f"{field} was cut: it has {len(text):,} characters"
            text = shortened(text)
        self._values[field] = text
        self._found[field] = how

    def add_all(self, values: Mapping[str, object], how: How) -> None:
        """Give several fields their values."""
        for field, value in values.items():
            self.add(field, value, how)

    def fill_from(self, other: Facts) -> None:
        """Take from ``other`` what is missing here."""
        for field, value in other._values.items():
            self.add(field, value, other._found[field])
        for field, note in other._notes.items():
            if self._values.get(field) == other._values.get(field):
                self._notes[field] = note

    def get(self, field: str) -> str | None:
        """Look a field up."""
        return self._values.get(field)

    def notes(self) -> tuple[str, ...]:
        """Return what a person should know of fields that were too long."""
        return tuple(self._notes.values())

    def metadata(self, name: str) -> Metadata:
        """Give the collected metadata; a document without a title is called after its file ``name``."""
        self.add("title", _JOINTS.sub(" ", PurePosixPath(name).stem), "filename")
        return Metadata(**self._values, found=dict(self._found))


def normalise(field: str, value: object) -> str | None:
    """Turn a value as found into one that the field may hold, or None."""
    if isinstance(value, (list, tuple)):
        value = ", ".join(str(part) for part in value if part is not None)
    text = _UNPRINTABLE.sub(" ", "" if value is None else str(value)).strip()
    if field == "published":
        return dates.parse(text) if len(text) <= _LONGEST_DATE else None
    if field == "language":
        code = _LANGUAGE.fullmatch(text)
        return code[1].lower() if code else None
    if field == "url":
        return text if _WEB_ADDRESS.fullmatch(text) else None
    return text or None


def is_plain(value: object) -> bool:
    """Whether a value of someone's data can be that of a field: text, a number or a date, or some of them."""
    return all(map(_is_scalar, value)) if isinstance(value, list) else _is_scalar(value)


def _is_scalar(value: object) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < _LARGE
    return value is None or isinstance(value, (str, float, date))


def shortened(text: str) -> str:
    """Return a text as long as a field may be; where that is not all of it, a sign stands for the rest."""
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1].rstrip()}…"


def doubts(published: object) -> tuple[str, ...]:
    """Note a date that was given but leaves doubt which day it is."""
    if not published:
        return ()
    if not is_plain(published):
        return ("date was not taken: it is no text",)
    if normalise("published", published):
        return ()
    given = shortened(str(published))
    return (f"date {given!r} was not taken: it is not a full, unambiguous date",)


def useful(value: str | None) -> str | None:
    """Drop a title or author that a program filled in by itself, such as "Microsoft Word - x.doc"."""
    stripped = (value or "").strip()
    return None if _USELESS.fullmatch(stripped) else stripped


def first(values: Iterable[str | None]) -> str | None:
    """Give the first value that says something."""
    return next((value for value in values if value and value.strip()), None)
