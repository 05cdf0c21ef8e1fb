"""Dates as documents write them. Only full and unambiguous ones count: 03/07/2019 does not."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

_MONTHS = (
    ("jan(?:uary)?", "янв(?:аря)?"),
    ("feb(?:ruary)?", "фев(?:р(?:аля)?)?"),
    ("mar(?:ch)?", "мар(?:та)?"),
    ("apr(?:il)?", "апр(?:еля)?"),
    ("may", "мая"),
    ("june?", "июн(?:я)?"),
    ("july?", "июл(?:я)?"),
    ("aug(?:ust)?", "авг(?:уста)?"),
    ("sept?(?:ember)?", "сент?(?:ября)?"),
    ("oct(?:ober)?", "окт(?:ября)?"),
    ("nov(?:ember)?", "ноя(?:б(?:ря)?)?"),
    ("dec(?:ember)?", "дек(?:абря)?"),
)
_MONTH_FORMS = tuple(re.compile("|".join(forms)) for forms in _MONTHS)
_MONTH = "(?:" + "|".join(name for names in _MONTHS for name in names) + r")\b\.?"
_WEEKDAY = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?"
    r"|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье)[.,]?\s++"
)
_TIME = (
    r"(?:,?\s*+(?:at\s|в\s)?\d{1,2}:\d\d(?::\d\d)?"
    r"\s*+(?:[ap]\.?m\.?\s*+)?(?:[+-]\d{4}|\(?[a-zа-я]{2,5}(?:[+-]\d{1,2})?\)?)?)?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[12]\d{3})(?:\s?(?:года|г\.?))?"
_NAMED = rf"(?P<month>{_MONTH})"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?P<year>[12]\d{3})([-/])(?P<month>\d\d)\2(?P<day>\d\d)(?:(?:T|\s)\s*+\d\d:?\d\d.*)?",
        rf"(?:{_WEEKDAY})?{_DAY}\s++{_NAMED},?\s++{_YEAR}{_TIME}",
        rf"(?:{_WEEKDAY})?{_NAMED}\s++{_DAY},?\s++{_YEAR}{_TIME}",
    )
)

_DAY_IN_DIGITS = re.compile(r"([12]\d{3})(\d\d)(\d\d)")
_MOMENT = re.compile(r"(?P<seconds>[1-9]\d{8,9})(?:\d{3})?(?:\.\d+)?")
_LATEST = 4_102_444_800
"""Seconds from 1970 to 2100: a larger number is no moment. The smallest is one of March 1973."""

DAY_AND_MONTH = rf"(?:{_MONTH}\s\d{{1,2}}(?!\d)|\d{{1,2}}\s{_MONTH})(?:,?\s[12]\d{{3}}(?:\s?г\.?)?)?"
"""A pattern, to be matched without regard to case, for a day, its month and perhaps its year."""


def parse(value: str) -> str | None:
    """Return a full date, perhaps with a time, as an ISO date; None if it is none or ambiguous."""
    text = " ".join(value.split())
    for form in _FORMS:
        if match := form.fullmatch(text):
            try:
                return date(int(match["year"]), _month(match["month"]), int(match["day"])).isoformat()
            except ValueError:
                return None
    return None


def from_number(value: Any) -> str | None:
    """Return the date of a moment that a program wrote as a number, or None if it is none.

    Such are seconds or milliseconds since 1970, from 1973 to 2100, and eight digits: ``20190703``.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    digits = str(value).strip()
    if day := _DAY_IN_DIGITS.fullmatch(digits):
        return parse("-".join(day.groups()))
    if not (moment := _MOMENT.fullmatch(digits)):
        return None
    seconds = int(moment["seconds"])
    return datetime.fromtimestamp(seconds, UTC).date().isoformat() if seconds < _LATEST else None


def _month(name: str) -> int:
    if name.isdigit():
        return int(name)
    bare = name.lower().rstrip(".")
    return next(number for number, form in enumerate(_MONTH_FORMS, start=1) if form.fullmatch(bare))
