"""What a reader gives of one file is bounded, and what is left out is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qa import readers
from qa.errors import ReadError
from qa.readers import read, size_limits
from qa.readers.extract import Extract
from qa.readers.metadata import MAX_VALUE_LENGTH
from qa.readers.size_limits import MAX_FAILURES, MAX_HEADINGS, MAX_NOTES, limit_failures, limit_reading
from qa.types import Heading, ReadFailure, Reading, RecognisedPage, Span, WordBox
from readers.samples import headings, one


def rows(name: str, data: bytes) -> tuple[list[Reading], list[ReadFailure]]:
    found = list(read(name, data))
    return [x for x in found if isinstance(x, Reading)], [x for x in found if isinstance(x, ReadFailure)]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("a.csv", b"x\n"),
        ("a.csv", b"1,\n"),
        ("a.jsonl", b"{\n"),
        ("a.jsonl", b'{"id": "k", "text": "Again"}\n'),
    ],
)
def test_of_bad_rows_the_first_are_named_and_the_rest_is_counted(name: str, bad: bytes) -> None:
    first = b"id,text\nk,One\n" if name == "a.csv" else b'{"id": "k", "text": "One"}\n'
    last = b"z,Last\n" if name == "a.csv" else b'{"id": "z", "text": "Last"}\n'
    readings, failures = rows(name, first + bad * 1_000 + last)
    assert [reading.text for reading in readings] == ["One", "Last"]
    assert len(failures) == MAX_FAILURES + 1
    assert all(failure.row and failure.count == 1 for failure in failures[:-1])
    assert failures[-1] == ReadFailure(name, "900 more rows cannot be read", None, 900)
    assert sum(failure.count for failure in failures) == 1_000


def test_as_many_as_are_named_need_no_count() -> None:
    _, failures = rows("a.csv", b"id,text\n" + b"x\n" * MAX_FAILURES)
    assert len(failures) == MAX_FAILURES
    assert failures[-1].row


def test_what_cannot_be_read_is_counted_though_the_file_then_ends_in_an_error() -> None:
    def broken():
        yield from (ReadFailure("a.csv", "is bad", str(number)) for number in range(150))
        raise ReadError("is broken")

    taken = limit_failures("a.csv", broken())
    failures = [next(taken) for _ in range(MAX_FAILURES + 1)]
    assert failures[-1].count == 50
    with pytest.raises(ReadError, match="is broken"):
        next(taken)


def test_a_table_of_too_many_rows_is_read_as_far_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_limits, "MAX_ROWS", 3)
    taken = read("a.csv", b"text\n" + b"One\n" * 4)
    assert [next(taken).text for _ in range(3)] == ["One"] * 3
    with pytest.raises(ReadError, match="million rows: split it"):
        next(taken)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b'{"id": "%s", "text": "x"}' % (b"k" * 1_001), "an id of more than 1,000 characters"),
        (b'{"id": 5, "text": "\\u0001"}', "holds no text"),
        (b'{"id": 5, "text": "%s"}' % (b"a " * 10_000_001), "more than 20 million characters"),
        (b'{"id": %s"x"%s, "text": "x"}' % (b"[" * 900, b"]" * 900), "neither a string nor a whole number"),
        (b'{"title": %s, "text": "x"}' % (b"9" * 5_000), "is not JSON"),
    ],
    ids=["key", "blank", "huge", "nested key", "digits"],
)
def test_a_row_beyond_the_limits_fails_alone(row: bytes, reason: str) -> None:
    readings, (failure,) = rows("a.jsonl", b'{"text": "One"}\n' + row + b'\n{"text": "Last"}\n')
    assert [reading.text for reading in readings] == ["One", "Last"]
    assert reason in failure.reason
    assert len(failure.row) <= size_limits.MAX_KEY_LENGTH


def test_nested_values_of_a_row_are_no_metadata() -> None:
    nested = b"[" * 900 + b"1" + b"]" * 900
    line = b'{"title": {"a": 1}, "author": ["Ann", "Bob"], "source": true, "date": %s, "text": "x"}' % nested
    (reading,), failures = rows("a.jsonl", line)
    assert not failures
    assert (reading.metadata.title, reading.metadata.source) == ("a", None)
    assert reading.metadata.author == "Ann, Bob"
    assert reading.notes == ("date was ignored: it is not text",)


def test_headings_beyond_the_limit_are_text_and_that_is_noted() -> None:
    text = "x" * (MAX_HEADINGS + 5)
    given = Reading(text, "text/html", headings=tuple(Heading(Span(n, n + 1), 1) for n in range(len(text))))
    kept = limit_reading(given)
    assert kept.headings == given.headings[:MAX_HEADINGS]
    assert kept.notes == ("only the first 100,000 of its 100,005 headings were recognised",)


def test_notes_are_bounded_in_number_and_length() -> None:
    kept = limit_reading(Reading("x", "text/plain", notes=tuple("a\n\ud800" * 9_999 for _ in range(250))))
    assert len(kept.notes) == MAX_NOTES
    assert kept.notes[-1] == "and 151 more notes"
    assert all(len(note) <= size_limits.MAX_MESSAGE_LENGTH and "\n" not in note for note in kept.notes)
    "".join(kept.notes).encode()


def test_an_attachment_named_in_bytes_of_no_encoding_is_noted_in_text() -> None:
    head = b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n"
    body = b"--q\r\nContent-Type: text/plain\r\n\r\nText.\r\n"
    part = b'--q\r\nContent-Disposition: attachment; filename="\xff\xfe.dwg"\r\n\r\nx\r\n'
    (reading,) = read("a.eml", head + body + part * 300 + b"--q--\r\n")
    assert len(reading.notes) == MAX_NOTES
    "".join(reading.notes).encode()


def test_values_are_cut_and_addresses_dropped() -> None:
    long = "Ann, " * 1_000
    head = f'<meta name=author content="{long}"><link rel=canonical href="https://x.example/{"a" * 2000}">'
    found = one("a.html", f"{head}<p>Text.")
    assert len(found.metadata.author) == MAX_VALUE_LENGTH
    assert found.metadata.author.endswith("…")
    assert found.metadata.url is None


@pytest.mark.parametrize("fence", ["---", "+++"])
@pytest.mark.parametrize(
    "matter", ["a.a" * 20_000 + "=1", "x" * 70_000, "[" * 30_000, "title: [x", "title = " + "9" * 5_000]
)
def test_a_document_is_read_though_its_front_matter_is_not(fence: str, matter: str) -> None:
    reading = one("a.md", f"{fence}\n{matter}\n{fence}\n\n# Heading\n\nText.\n")
    assert (1, "Heading") in headings(reading)
    assert all(len(note) <= size_limits.MAX_MESSAGE_LENGTH for note in reading.notes)
    if fence == "+++" or "[" in matter or len(matter) > 2**16:
        assert any(note.startswith("front matter cannot be read: ") for note in reading.notes)


def test_an_alias_in_front_matter_is_noted_and_the_rest_taken() -> None:
    reading = one("a.md", "---\nx: &x A name\ntitle: A title\nsource: *x\n---\nText.\n")
    assert (reading.metadata.title, reading.metadata.source) == ("A title", None)
    assert reading.notes == ("front matter: aliases are not followed (source)",)


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        (b"a." * 30_000 + b"a = 1", "nested more than 20 levels deep"),
        (b"title = '" + b"x" * 70_000 + b"'", "more than 64 KB"),
        (b"title = " + b"9" * 5_000, "a.txt.meta.toml is not TOML that can be read"),
        (b"k" * 9_000 + b" = 1", "unknown key 'kkk"),
        (b"title = 1\ntitle = 2", "Cannot overwrite a value"),
    ],
)
def test_a_sidecar_beyond_the_limits_is_an_error_that_names_it(sidecar: bytes, message: str) -> None:
    with pytest.raises(ReadError, match=r"^a\.txt\.meta\.toml") as caught:
        one("a.txt", "Text.", sidecar)
    assert message in str(caught.value)
    assert len(str(caught.value)) <= size_limits.MAX_MESSAGE_LENGTH


def test_want_of_memory_is_told_from_other_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    for raised in (MemoryError(), OSError(12, "Cannot allocate memory"), ValueError("out of memory")):

        def fail(data: bytes, raised: Exception = raised) -> None:
            raise raised

        monkeypatch.setattr(readers, "_READERS", {"text/plain": fail})
        with pytest.raises(MemoryError):
            list(read("a.txt", b"x"))


def test_only_so_many_recognised_words_keep_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_limits, "MAX_WORDS", 3)
    word = WordBox(0, 1, 0, 0, 1, 1)
    pages = tuple(RecognisedPage(number, Span(0, 1), 0.9, (word, word)) for number in (1, 2))
    reading = Reading("Text.", "image/tiff", pages=(Span(0, 1),) * 2, recognised=pages)
    limited = limit_reading(reading)
    assert limited.recognised == (pages[0], replace(pages[1], words=()))
    assert limited.notes == ("only the first 3 recognised words are marked on their pages",)
    monkeypatch.setattr(size_limits, "MAX_WORDS", 4)
    assert limit_reading(reading) == reading


def test_what_a_reader_recognised_is_part_of_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = (RecognisedPage(1, Span(0, 5), 0.9, (WordBox(0, 4, 0, 0, 1, 1),)),)
    extract = Extract("Text.", pages=(Span(0, 5),), recognised=pages)
    monkeypatch.setattr(readers, "_READERS", {"image/png": lambda _: extract})
    assert one("a.png", "").recognised == pages
