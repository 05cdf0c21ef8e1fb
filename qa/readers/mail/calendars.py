"""Calendars: each event or task is a section with its summary, times, place and description."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

from qa.errors import ReadError
from qa.readers.extract import Block, Extract, assemble, one_line
from qa.readers.grid import Grid
from qa.readers.html.article import parse
from qa.readers.html.blocks import blocks as html_blocks
from qa.readers.mail.alternatives import letters_of
from qa.readers.mail.charsets import decode_text
from qa.readers.metadata import Facts

_KINDS = ("VEVENT", "VTODO", "VJOURNAL")
_NAMES = ("X-WR-CALNAME", "NAME")
_EMPTY = "is a calendar without events"
_STATES = {"CANCELLED": "Cancelled", "TENTATIVE": "Tentative", "COMPLETED": "Completed"}
_UNITS = {"daily": "days", "weekly": "weeks", "monthly": "months", "yearly": "years"}
_FOLD = re.compile(rb"\r?\n[ \t]")
_MARKUP = re.compile(r"<(?:/(?:p|b|i|u|a|ul|ol|li|div|span|html)|br ?/?)>", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|p|div|li)\b", re.IGNORECASE)
_MAILTO = re.compile("^mailto:", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n\s*\n")


def read(data: bytes) -> Extract:
    """Read a calendar file.

    Raises:
        ReadError: it is no calendar that can be read, or has no events.
    """
    calendars = _parse(data)
    events = ([*_head(component), *_description(component)] for component in _components(calendars))
    facts = Facts()
    for calendar in calendars:
        for name in _NAMES:
            facts.add("title", one_line(str(calendar.get(name, ""))), "file")
    text, headings, tables = assemble(chain.from_iterable(events))
    if not text:
        raise ReadError(_EMPTY)
    return Extract(text, facts, headings, tables=tables)


def blocks(data: bytes, charset: str | None, beside: str) -> list[Block | Grid]:
    """Return the events of a calendar in a message.

    Args:
        data: the calendar.
        charset: its charset as declared, or None.
        beside: the text that it stands beside. A description that it has already is left out.

    Raises:
        ReadError: it is no calendar that can be read.
    """
    known = letters_of(beside)
    components = list(_components(_parse(data, charset)))
    if not components:
        raise ReadError(_EMPTY)
    found: list[Block | Grid] = []
    for component in components:
        description = _description(component)
        said = letters_of(" ".join(block.text for block in description))
        found += _head(component)
        found += [] if said in known else description
    return found


def _parse(data: bytes, charset: str | None = None) -> list[Any]:
    from icalendar import Calendar

    try:
        text = decode_text(_FOLD.sub(b"", data), charset).text  # a fold may divide a character
        parsed: Any = Calendar.from_ical(text, multiple=True)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ReadError(f"is not a calendar that can be read: {error}") from error
    return list(parsed)


def _components(calendars: Iterable[Any]) -> Iterator[Any]:
    for calendar in calendars:
        yield from (component for component in calendar.walk() if component.name in _KINDS)


def _head(component: Any) -> list[Block]:
    """Return an event's summary as a heading, and the lines on when, where and with whom it is."""
    lines = [
        _labelled("When", _times(component)),
        _repeats(component),
        _labelled("Where", _text(component, "LOCATION")),
        _people("Organizer", component.get("ORGANIZER")),
        _people("Attendees", component.get("ATTENDEE")),
        _text(component, "URL"),
        _text(component, "COMMENT"),
        _STATES.get(_text(component, "STATUS").upper(), ""),
    ]
    named = [Block(line, tight=number > 0) for number, line in enumerate(filter(None, lines))]
    return [Block(_text(component, "SUMMARY"), level=1), *named]


def _description(component: Any) -> list[Block | Grid]:
    text = "\n".join(_values(component, "DESCRIPTION"))
    if not text.strip() and (markup := "".join(_values(component, "X-ALT-DESC"))).strip():
        return list(html_blocks(parse(markup)))
    if _MARKUP.search(text):
        return list(html_blocks(parse(text if _BREAK.search(text) else text.replace("\n", "<br>"))))
    found: list[Block | Grid] = []
    for paragraph in _BLANK_LINES.split(text.replace("\r\n", "\n")):
        lines = filter(None, map(one_line, paragraph.split("\n")))
        found += [Block(line, tight=number > 0) for number, line in enumerate(lines)]
    return found


def _labelled(label: str, text: str) -> str:
    return f"{label}: {text}" if text else ""


def _values(component: Any, name: str) -> list[str]:
    value = component.get(name, "")
    return list(map(str, value if isinstance(value, list) else [value]))


def _text(component: Any, name: str) -> str:
    return one_line(", ".join(_values(component, name)))


def _times(component: Any) -> str:
    """Return when an event is, in its own time zone: ``2019-06-03 10:00 – 11:30 (Europe/Berlin)``."""
    start, end = _time(component, "DTSTART"), _time(component, "DTEND")
    due = _time(component, "DUE")
    if start and not end and isinstance(length := _time(component, "DURATION"), timedelta):
        end = start + length
    if isinstance(end, date) and not isinstance(end, datetime):  # the day after the last
        end = max(end - timedelta(days=1), start) if type(start) is date else end
    times = [] if start is None else [_moment(start)]
    if start is not None and end is not None and end != start:
        same_day = isinstance(end, datetime) and _moment(end)[:10] == _moment(start)[:10]
        times.append(_moment(end)[11:] if same_day else _moment(end))
    text = " – ".join(times)
    if due is not None:
        text = f"{text}, due {_moment(due)}".removeprefix(", ")
    zone = _zone(component, start if start is not None else due)
    return f"{text} ({zone})" if text and zone else text


def _time(component: Any, name: str) -> Any:
    try:
        value = getattr(component.get(name), "dt", None)
    except ValueError:  # how the library tells of a damaged property
        return None
    return value if isinstance(value, (date, timedelta)) else None


def _moment(value: date) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else value.isoformat()


def _zone(component: Any, value: Any) -> str | None:
    """Return the name of a time zone, as the file has it."""
    for name in ("DTSTART", "DUE"):
        parameters = getattr(component.get(name), "params", {})
        if "TZID" in parameters:
            return one_line(str(parameters["TZID"]))
    return "UTC" if isinstance(value, datetime) and value.tzinfo else None


def _repeats(component: Any) -> str:
    rule = component.get("RRULE")
    if not isinstance(rule, dict) or not rule.get("FREQ"):
        return ""
    often = str(rule["FREQ"][0]).lower()
    interval = str(next(iter(rule.get("INTERVAL", ())), 1))
    if interval != "1":
        often = f"every {interval} {_UNITS.get(often, often)}"
    days = ", ".join(map(str, rule.get("BYDAY", ())))
    until = [_moment(value) for value in rule.get("UNTIL", ()) if isinstance(value, date)]
    times = [f"{count} times" for count in rule.get("COUNT", ())]
    parts = [f"Repeats {often}", f"on {days}" if days else "", f"until {until[0]}" if until else "", *times]
    return " ".join(filter(None, parts))


def _people(label: str, value: Any) -> str:
    people = value if isinstance(value, list) else [value]
    names = [_person(person) for person in people if person]
    return f"{label}: {', '.join(filter(None, names))}" if any(names) else ""


def _person(person: Any) -> str:
    name = one_line(str(getattr(person, "params", {}).get("CN") or ""))
    address = _MAILTO.sub("", one_line(str(person)))
    return f"{name} <{address}>" if name and "@" in address and name != address else name or address
