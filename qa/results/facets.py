"""Facets: the results of a question counted by publisher, year, language, type, folder and date.

A result counts under a value if any of its nearly identical passages has it, because it would still be a
result with that filter. Pure functions over results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from types import MappingProxyType
from typing import Literal

from qa.text.folding import fold, same_form
from qa.types import Filters, Hit, Passage

Field = Literal["source", "year", "language", "type", "folder"]
Unit = Literal["day", "month", "year"]

MAX_BARS = 12
"""Chosen so that a finger can hit each bar on the narrowest screen."""

_MONTHS_PER_YEAR = 12
_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class _Division:
    """Time divided into numbered bars of ``days`` days or ``months`` months."""

    unit: Unit
    days: int = 0
    months: int = 0

    def number(self, day: date) -> int:
        """Return the number of the bar that contains a day."""
        if self.days:
            return (day.toordinal() - 1) // self.days
        return (day.year * _MONTHS_PER_YEAR + day.month - 1) // self.months

    def start(self, number: int) -> date:
        """Return the first day of a bar, within the calendar."""
        if self.days:
            return date.fromordinal(number * self.days + 1)
        year, month = divmod(number * self.months, _MONTHS_PER_YEAR)
        return date(year, month + 1, 1) if date.min.year <= year <= date.max.year else _edge(year)


def _edge(year: int) -> date:
    return date.min if year < date.min.year else date.max


_DIVISIONS = (
    _Division("day", days=1),
    _Division("day", days=7),
    _Division("month", months=1),
    _Division("month", months=3),
    *(
        _Division("year", months=years * _MONTHS_PER_YEAR)
        for years in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    ),
)
"""The finest first. Chosen: lengths of time that people count in."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many results have a value, and whether the query filters for it."""

    value: str
    count: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A period of time, ISO dates inclusive, and how many results were published in it."""

    start: str
    end: str
    count: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Bars of equal length, in days, months or years, without a gap from the first result to the last."""

    unit: Unit
    bars: tuple[Bar, ...]

    @property
    def highest(self) -> int:
        """Return the count of the highest bar."""
        return max(bar.count for bar in self.bars)


_VALUES_OF: Mapping[Field, Callable[[Passage], Iterable[str | None]]] = MappingProxyType(
    {
        "source": lambda passage: [passage.document.metadata.source],
        "year": lambda passage: [(passage.document.metadata.published or "")[:4]],
        "language": lambda passage: [passage.language or passage.document.metadata.language],
        "type": lambda passage: [passage.document.media_type],
        "folder": lambda passage: _places(passage.document.path),
    }
)


def selected_values(filters: Filters) -> dict[Field, tuple[str, ...]]:
    """Return the values that are filtered for, by facet; a year if the dates are its first and last day."""
    year = (filters.date_from or "")[:4]
    is_whole_year = year and (filters.date_from, filters.date_to) == year_range(year)
    return {
        "source": filters.source,
        "year": (year,) if is_whole_year else (),
        "language": filters.language,
        "type": filters.media_type,
        "folder": tuple(_place(path) for path in filters.path if _WILD.isdisjoint(path)),
    }


def _places(path: str) -> Iterable[str]:
    """Return the folders that hold a document, the outermost first, and its own path."""
    return accumulate(_place(path).split("/"), "{}/{}".format)


def _place(path: str) -> str:
    return same_form(path.rstrip("/"))


def year_range(year: str) -> tuple[str, str]:
    """Return a year's first and last day as ISO dates."""
    return f"{year}-01-01", f"{year}-12-31"


def count_values(hits: Sequence[Hit], field: Field, selected: Sequence[str]) -> tuple[Count, ...]:
    """Count the results with each value of a facet, the most frequent first, years the latest first.

    Spellings of one value count as one, shown in its most frequent spelling. Selected values are included
    even if no result has them, so that a person can deselect them.
    """
    totals: Counter[str] = Counter()
    spellings: dict[str, Counter[str]] = {}
    for hit in hits:
        values = _values(hit, field)
        totals.update({fold(value) for value in values})
        for value in values:
            spellings.setdefault(fold(value), Counter())[value] += 1
    selected_keys = {fold(value): value for value in selected}
    counts = [
        Count(
            value=_most_frequent(spellings[key]) if key in spellings else selected_keys[key],
            count=totals[key],
            chosen=key in selected_keys,
        )
        for key in totals.keys() | selected_keys.keys()
    ]
    if field == "year":
        return tuple(sorted(counts, key=lambda count: count.value, reverse=True))
    return tuple(sorted(counts, key=lambda count: (-count.count, count.value)))


def _most_frequent(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda spelling: (-spellings[spelling], spelling))


def count_undated(hits: Iterable[Hit]) -> int:
    """Count the results without a full date."""
    return sum(not _values(hit, "year") for hit in hits)


def timeline(hits: Iterable[Hit]) -> Timeline | None:
    """Count the results over time, in the finest bars that fit into ``MAX_BARS``; None for a single day."""
    dates = Counter(day for hit in hits for day in _dates(hit))
    if len(dates) < 2:  # noqa: PLR2004 -- a single day makes no timeline
        return None
    first, last = min(dates), max(dates)
    division = next(
        division for division in _DIVISIONS if division.number(last) - division.number(first) < MAX_BARS
    )
    counts = Counter(division.number(day) for day in dates.elements())
    bars = (
        Bar(division.start(number).isoformat(), _end(division, number).isoformat(), counts[number])
        for number in range(division.number(first), division.number(last) + 1)
    )
    return Timeline(division.unit, tuple(bars))


def _end(division: _Division, number: int) -> date:
    following = division.start(number + 1)
    return following if following == date.max else following - timedelta(days=1)


def _values(hit: Hit, field: Field) -> set[str]:
    values = {value for passage in (hit.passage, *hit.duplicates) for value in _VALUES_OF[field](passage)}
    return {value for value in values if value}


def count_folders(hits: Sequence[Hit], selected: Sequence[str]) -> tuple[Count, ...]:
    """Count the results in each folder, by path: the outermost, the selected, and those directly in these.

    Case matters, as in the filter. Selected paths are included even if no result is there.
    """
    totals = Counter(place for hit in hits for place in _values(hit, "folder"))
    own = {_place(passage.document.path) for hit in hits for passage in (hit.passage, *hit.duplicates)}
    shown = {place for place in totals if place.rpartition("/")[0] in {"", *selected}} - own
    return tuple(Count(place, totals[place], place in selected) for place in sorted(shown | set(selected)))


def _dates(hit: Hit) -> set[date]:
    published = (passage.document.metadata.published for passage in (hit.passage, *hit.duplicates))
    return {date.fromisoformat(iso) for iso in published if iso}
