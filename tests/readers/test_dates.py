"""Dates in documents."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.readers import dates

ENGLISH = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
RUSSIAN = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
]
DATES = st.dates(date(1000, 1, 1), date(2999, 12, 31))


@given(DATES, st.sampled_from([str, str.upper, str.lower, lambda month: month[:3]]))
def test_every_date_is_read_in_every_form(day: date, write) -> None:
    month, russian = write(ENGLISH[day.month - 1]), RUSSIAN[day.month - 1]
    for text in (
        day.isoformat(),
        f"{day:%Y/%m/%d}",
        f"{day.isoformat()}T23:30:00+07:00",
        f"{day.day} {month} {day.year:04}",
        f"{month} {day.day}, {day.year:04}",
        f"Monday, {month} {day.day}th, {day.year:04} at 5:30 pm",
        f"{day.day} {russian} {day.year:04} г.",
    ):
        assert dates.parse(text) == day.isoformat(), text


@given(DATES)
def test_numbers_in_an_ambiguous_order_are_no_date(day: date) -> None:
    for form in ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%y"):
        assert dates.parse(day.strftime(form)) is None


@given(st.text(max_size=30))
def test_any_text_gives_an_iso_date_or_none(text: str) -> None:
    value = dates.parse(text)
    assert value is None or date.fromisoformat(value).isoformat() == value


@pytest.mark.parametrize(
    "text", ["30 February 2019", "2019-02-30", "0000-01-01", "July 3", "July 2019", "3 July 20191"]
)
def test_days_that_do_not_exist_and_parts_of_dates_are_none(text: str) -> None:
    assert dates.parse(text) is None


def test_a_day_and_month_may_lack_the_year() -> None:
    pattern = re.compile(dates.DAY_AND_MONTH, re.IGNORECASE)
    for text in ("July 3", "3 July", "Sept. 13, 2019", "3 июля 2019 г."):
        assert pattern.fullmatch(text)
    assert not pattern.fullmatch("July 301")
