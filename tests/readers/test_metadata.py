"""Metadata collected from several sources."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.readers.metadata import (
    FIELDS,
    MAX_URL_LENGTH,
    MAX_VALUE_LENGTH,
    Facts,
    date_notes,
    first_nonblank,
    is_plain,
    normalise,
    shorten,
    written_by_hand,
)

VALUES = st.one_of(st.none(), st.text(max_size=400), st.integers(), st.lists(st.text(max_size=9), max_size=3))


@given(st.lists(st.tuples(st.sampled_from(FIELDS), VALUES, st.sampled_from(["file", "text", "sidecar"]))))
def test_a_field_keeps_its_first_valid_value(additions: list[tuple]) -> None:
    facts = Facts()
    first: dict[str, tuple[str, str]] = {}
    for field, value, how in additions:
        facts.add(field, value, how)
        text = normalise(field, value)
        if text and (field != "url" or len(text) <= MAX_URL_LENGTH):
            first.setdefault(field, (text, how))
    metadata = facts.metadata("folder/my_file-name.txt")
    for field in FIELDS:
        text, how = first.get(field, ("my file name", "filename") if field == "title" else (None, None))
        assert getattr(metadata, field) == (text and (text if field == "url" else shorten(text)))
        assert metadata.found.get(field) == how


def test_missing_fields_are_filled_with_their_notes() -> None:
    better, worse = Facts(), Facts()
    better.add("title", "Short", "sidecar")
    worse.add("title", "x" * 400, "file")
    worse.add("author", "y" * 400, "file")
    better.fill_from(worse)
    assert (better.get("title"), better.get("author")) == ("Short", shorten("y" * 400))
    assert better.notes() == ("author was cut: it has 400 characters",)
    assert better.metadata("a.txt").found == {"title": "sidecar", "author": "file"}


@pytest.mark.parametrize(
    ("field", "value", "normal"),
    [
        ("title", " A\x00\n title ", "A title"),
        ("title", " \t", None),
        ("author", ["Ann", None, "Bob"], "Ann, Bob"),
        ("published", "3 July 2019", "2019-07-03"),
        ("published", date(2019, 7, 3), "2019-07-03"),
        ("published", "03/07/2019", None),
        ("language", "EN-us", "en"),
        ("language", "eng", None),
        ("url", "https://example.org/a", "https://example.org/a"),
        ("url", "javascript:alert(1)", None),
        ("url", "https://example.org/a b", None),
    ],
)
def test_a_value_takes_the_form_of_its_field(field: str, value: object, normal: str | None) -> None:
    assert normalise(field, value) == normal


@given(st.text(max_size=2 * MAX_VALUE_LENGTH))
def test_a_shortened_text_begins_as_the_text_does(text: str) -> None:
    short = shorten(text)
    assert len(short) <= MAX_VALUE_LENGTH
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


@pytest.mark.parametrize("value", ["text", 5, 1.5, None, date(2019, 7, 3), ["a", 1], []])
def test_plain_values_can_be_fields(value: object) -> None:
    assert is_plain(value)


@pytest.mark.parametrize("value", [True, 10**18, {"a": 1}, ["a", ["b"]], [True], object()])
def test_other_values_cannot_be_fields(value: object) -> None:
    assert not is_plain(value)


@pytest.mark.parametrize(
    "value",
    [
        "Microsoft Word - x.doc",
        "untitled 3",
        "(anonymous)",
        "report.pdf",
        "Document1",
        "python-docx",
        "Автор",
        "0001193125-19-012345",
        "20190703",
        "Book1",
        "Book2.xlsm",
        "New Microsoft Word Document",
        "Donnelley Financial Solutions",
        "EDGAR Filing Agent",
        "Workiva Inc.",
        "Toppan Merrill Bridge",
        "openpyxl",
        "calibre (6.1.0)",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        " ",
        None,
    ],
)
def test_what_a_program_filled_in_is_not_taken(value: str | None) -> None:
    assert not written_by_hand(value)


@pytest.mark.parametrize(
    "value",
    [
        "Bookkeeping 2",
        "Presentation of results",
        "Merrill Lynch outlook",
        "10-K for 2017",
        "1984 by Orwell",
        "Acrobatics",
        "LibreOffice for teachers",
    ],
)
def test_what_looks_like_it_is_taken(value: str) -> None:
    assert written_by_hand(value) == value


def test_what_a_person_wrote_is_taken_trimmed() -> None:
    assert written_by_hand(" Annual report.pdf and more ") == "Annual report.pdf and more"
    assert first_nonblank([None, " ", "one", "two"]) == "one"
    assert first_nonblank([]) is None


def test_an_ambiguous_date_is_noted() -> None:
    assert date_notes("2019-07-03") == date_notes(None) == date_notes("") == ()
    assert date_notes("03/07/2019") == ("date '03/07/2019' was ignored: it is not a full, unambiguous date",)
    assert date_notes({"year": 2019}) == ("date was ignored: it is not text",)
