"""A document's metadata, collected from several sources, the most reliable first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import PurePosixPath

from qa.readers import dates
from qa.types import How, Metadata

MAX_VALUE_LENGTH = 300
"""Characters of a field that are kept: it is shown with each passage, and searched by word."""

MAX_URL_LENGTH = 2_000
"""Characters of the longest address that is kept: about what browsers accept."""

FIELDS = ("title", "source", "author", "published", "dateline", "language", "url")

_MAX_DATE_LENGTH = 100  # characters, with weekday, time and zone
_LARGE = 10**18  # Python refuses to write an integer of thousands of digits

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\s]+")
_JOINTS = re.compile(r"[_-]+")
_LANGUAGE = re.compile(r"([A-Za-z]{2})(?:[-_][A-Za-z0-9]++)*+")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_FILLED_IN = re.compile(
    r"untitled.*|\(?(?:unspecified|anonymous|unknown)\)?|title|author|user|owner|admin(?:istrator)?|python-docx"
    r"|microsoft word\b.*|powerpoint presentation|(?:word )?document ?\d*|презентация powerpoint"
    r"|документ ?\d*|без (?:имени|названия)|пользователь|автор"
    r"|(?:book|sheet|slide|presentation|scan|img|image|dsc|книга|лист|презентация)[ _-]?\d*"
    r"|new (?:microsoft )?(?:\w+ )?document|новый (?:\w+ )?документ(?: microsoft word)?"
    r"|adobe (?:indesign|acrobat|illustrator)\b.*|acrobat (?:distiller|pdfmaker|capture)\b.*"
    r"|calibre(?: \S+)?|openpyxl|xlsxwriter|apache poi|pdftex[-\d.]*|(?:gpl )?ghostscript [\d.]+"
    r"|libreoffice(?: [\d.]+)?|(?:\w+ )?edgar (?:filing )?agent"
    r"|(?:rr )?donnelley(?: financial)?(?: solutions)?"
    r"|(?:workiva|wdesk|certent|toppan|toppan merrill|merrill)(?:,? (?:inc|corp|corporation|bridge)\.?)?"
    r"|[\d\W_]+|[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\S*\.(?:docx?|docm|odt|ods|odp|rtf|xls[xmb]?|pptx?|indd|qxd|tex|dvi|pdf|html?|txt|csv|ps|eps|pages|wpd)",
    re.IGNORECASE,
)


class Facts:
    """Fields of metadata, each with its origin. A field keeps its first value."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._found: dict[str, How] = {}
        self._notes: dict[str, str] = {}

    def add(self, field: str, value: object, how: How) -> None:
        """Set a field, unless it has a value or this one is empty or invalid. A long value is cut."""
        if field in self._values or not (text := normalise(field, value)):
            return
        if field == "url" and len(text) > MAX_URL_LENGTH:
            self._notes.setdefault(field, f"url was left out: it has {len(text):,} characters")
            return
        if field != "url" and len(text) > MAX_VALUE_LENGTH:
            self._notes[field] = f"{field} was cut: it has {len(text):,} characters"
            text = shorten(text)
        self._values[field] = text
        self._found[field] = how

    def add_all(self, values: Mapping[str, object], how: How) -> None:
        """Set several fields."""
        for field, value in values.items():
            self.add(field, value, how)

    def fill_from(self, other: Facts) -> None:
        """Set the fields that are missing here to their values in ``other``."""
        for field, value in other._values.items():
            self.add(field, value, other._found[field])
        for field, note in other._notes.items():
            if self._values.get(field) == other._values.get(field):
                self._notes[field] = note

    def get(self, field: str) -> str | None:
        """Return a field's value."""
        return self._values.get(field)

    def notes(self) -> tuple[str, ...]:
        """Return notes on the fields that were too long."""
        return tuple(self._notes.values())

    def metadata(self, name: str) -> Metadata:
        """Return the metadata. A document without a title is called after its file ``name``."""
        self.add("title", _JOINTS.sub(" ", PurePosixPath(name).stem), "filename")
        return Metadata(**self._values, found=dict(self._found))


def normalise(field: str, value: object) -> str | None:
    """Return a value in the form that the field holds, or None if it is invalid."""
    if isinstance(value, (list, tuple)):
        value = ", ".join(str(part) for part in value if part is not None)
    text = _UNPRINTABLE.sub(" ", "" if value is None else str(value)).strip()
    if field == "published":
        return dates.parse(text) if len(text) <= _MAX_DATE_LENGTH else None
    if field == "language":
        code = _LANGUAGE.fullmatch(text)
        return code[1].lower() if code else None
    if field == "url":
        return text if _WEB_ADDRESS.fullmatch(text) else None
    return text or None


def is_plain(value: object) -> bool:
    """Whether a field can hold a value: text, a number, a date, or a list of these."""
    return all(map(_is_scalar, value)) if isinstance(value, list) else _is_scalar(value)


def _is_scalar(value: object) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < _LARGE
    return value is None or isinstance(value, (str, float, date))


def shorten(text: str) -> str:
    """Return a text cut to ``MAX_VALUE_LENGTH``, with an ellipsis if anything is missing."""
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[: MAX_VALUE_LENGTH - 1].rstrip()}…"


def date_notes(published: object) -> tuple[str, ...]:
    """Return a note if there is a date but it does not name one day."""
    if not published:
        return ()
    if not is_plain(published):
        return ("date was ignored: it is not text",)
    if normalise("published", published):
        return ()
    return (f"date {shorten(str(published))!r} was ignored: it is not a full, unambiguous date",)


def written_by_hand(value: str | None) -> str | None:
    """Return a title or author, unless a program filled it in, such as "Microsoft Word - x.doc"."""
    stripped = (value or "").strip()
    return None if _FILLED_IN.fullmatch(stripped) else stripped


def first_nonblank(values: Iterable[str | None]) -> str | None:
    """Return the first value that is not blank."""
    return next((value for value in values if value and value.strip()), None)
