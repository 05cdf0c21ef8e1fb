from pathlib import Path

import pytest

from qa.errors import ReadError
from qa.readers import SUFFIXES, is_sidecar, read, recognition, sidecar_of, supported
from qa.readers.extract import MAX_HEADING_LENGTH
from qa.readers.html import article
from qa.readers.metadata import MAX_VALUE_LENGTH
from qa.readers.size_limits import MAX_KEY_LENGTH, MAX_MESSAGE_LENGTH
from qa.text.segmentation.passages import split_passages
from qa.types import ReadFailure, Reading
from readers.samples import headings, make_docx, make_epub, one


def test_every_suffix_is_read(samples):
    unread = {suffix for suffix, kind in SUFFIXES.items() if kind.startswith("image/")}
    if "eng" in recognition.installed_languages():
        unread = set()
    assert {name.removeprefix("a") for name in samples} == set(SUFFIXES) - unread
    for name, data in samples.items():
        for reading in read(name, data):
            assert isinstance(reading, Reading), name
            expected = SUFFIXES[name.removeprefix("a")] if reading.member is None else "text/plain"
            assert reading.media_type == expected
            assert "text" in reading.text.lower() or reading.text.strip() in {"Body.", "More."}


def test_suffixes_in_capitals_are_supported_and_sidecars_are_not():
    assert supported(Path("REPORT.PDF"))
    assert not supported(Path("report.pdf.meta.toml"))
    assert not supported(Path("image.psd"))
    assert supported(Path("old.report.TAR.GZ"))
    assert not supported(Path("report.gz"))


def test_sidecar_has_the_whole_file_name():
    assert sidecar_of(Path("docs/report.pdf")) == Path("docs/report.pdf.meta.toml")
    assert is_sidecar(Path("docs/report.pdf.meta.toml"))
    assert not is_sidecar(Path("docs/meta.toml"))
    assert not is_sidecar(Path("docs/.meta.toml"))


def test_what_is_nested_too_deeply_is_called_so():
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n" for i in range(3000))
    with pytest.raises(ReadError, match=r"^cannot be read: it is nested too deeply$"):
        one("deep.eml", f"Subject: Deep\n{deep}Text.")


def test_unknown_suffix_is_an_error():
    with pytest.raises(ReadError, match="no kind that can be read"):
        list(read("a.psd", b""))


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_empty_files_are_errors(suffix):
    with pytest.raises(ReadError):
        list(read(f"a{suffix}", b""))


def test_truncated_and_damaged_files_give_readings_or_named_errors(samples):
    slow = (".jpg", ".jpeg", ".tif", ".tiff", ".webp")  # a damaged picture of these can still be recognised
    for name, data in samples.items():
        if name.endswith(slow):
            continue
        cuts = [data[: len(data) * part // 8] for part in range(8)]
        noise = [data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :] for at in range(0, len(data), 97)]
        for damaged in [
            *cuts,
            *noise[:25],
            bytes(range(256)) * 4,
            b"%PDF-1.7\n%%EOF",
            b"PK\x03\x04" + b"\0" * 40,
        ]:
            try:
                found = list(read(name, damaged))
            except ReadError:
                continue
            assert all(isinstance(item, Reading | ReadFailure) for item in found)


def test_whatever_a_library_raises_becomes_a_read_error(monkeypatch):
    def parse(markup):
        raise IndexError("out of range")

    monkeypatch.setattr(article, "parse", parse)
    with pytest.raises(ReadError, match="IndexError: out of range"):
        list(read("a.html", b"<p>x</p>"))


LONG = " ".join(f"word{number}" for number in range(200_000))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.md", f"# Short\n\nText.\n\n## {LONG}\n\nMore.".encode()),
        ("a.html", f"<body><h1>Short</h1><p>Text.</p><h2>{LONG}</h2><p>More.</p></body>".encode()),
        (
            "a.docx",
            make_docx(
                lambda made: [
                    made.add_heading("Short", 1),
                    made.add_paragraph("Text."),
                    made.add_heading(LONG, 2),
                    made.add_paragraph("More."),
                ]
            ),
        ),
        ("a.epub", make_epub(f"<h1>Short</h1><p>Text.</p><h2>{LONG}</h2><p>More.</p>")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_very_long_heading_is_body_text(name: str, data: bytes) -> None:
    reading = one(name, data)
    assert headings(reading) == [(1, "Short")]
    assert LONG in reading.text
    passages = split_passages(
        reading,
        count_tokens=lambda texts: [len(text.split()) for text in texts],
        max_tokens=100,
        language=str,
    )
    assert {passage.section for passage in passages} <= {None, "Short"}
    assert max(passage.span.end - passage.span.start for passage in passages) <= 16 * 100
    words = " ".join(passage.span.slice(reading.text) for passage in passages).split()
    assert [word for word in words if word.startswith("word")] == LONG.split()


def test_a_heading_of_the_greatest_length_is_one() -> None:
    assert headings(
        one("a.md", f"# {'x' * MAX_HEADING_LENGTH}\n\nText.\n\n# {'y' * (MAX_HEADING_LENGTH + 1)}\n\nMore.")
    ) == [(1, "x" * MAX_HEADING_LENGTH)]


LONG_FIELD = LONG[:5_000]


@pytest.mark.parametrize("field", ["title", "source", "author", "dateline"])
@pytest.mark.parametrize("where", ["front matter", "sidecar", "column"])
def test_long_metadata_is_cut_and_noted(field: str, where: str) -> None:
    sidecar, name, data = None, "a.md", "Some text."
    if where == "front matter":
        data = f"---\n{field}: {LONG_FIELD}\n---\n\nSome text."
    elif where == "sidecar":
        sidecar = f'{field} = "{LONG_FIELD}"'.encode()
    else:
        name, data = "a.csv", f"text,{field}\nSome text.,{LONG_FIELD}\n"
    reading = one(name, data, sidecar)
    value = getattr(reading.metadata, field)
    assert len(value) <= MAX_VALUE_LENGTH
    assert LONG_FIELD.startswith(value.removesuffix("…"))
    assert value.endswith("…")
    assert reading.notes == (f"{field} was cut: it has {len(LONG_FIELD):,} characters",)


def test_an_address_that_is_too_long_is_left_out_and_noted() -> None:
    reading = one("a.md", f"---\nurl: https://example.org/{'x' * 5000}\n---\n\nSome text.")
    assert reading.metadata.url is None
    assert reading.notes == ("url was left out: it has 5,020 characters",)


def test_what_the_sidecar_gives_is_not_noted_of_the_file() -> None:
    reading = one("a.md", f"---\ntitle: {LONG_FIELD}\n---\n\nSome text.", b'title = "Short"')
    assert (reading.metadata.title, reading.notes) == ("Short", ())


def test_a_note_and_a_reason_are_no_longer_than_a_field() -> None:
    (note,) = one("a.md", f"---\npublished: {LONG_FIELD}\n---\n\nSome text.").notes
    assert len(note) <= MAX_MESSAGE_LENGTH
    (bad, good) = read("a.jsonl", f'{{"id": "{LONG_FIELD}", "text": "One."}}\n{{"text": "Two."}}'.encode())
    assert bad == ReadFailure(
        "a.jsonl", "has an id of more than 1,000 characters", LONG_FIELD[:MAX_KEY_LENGTH]
    )
    assert isinstance(good, Reading)
    with pytest.raises(ReadError) as raised:
        list(read("a.txt", b"Text.", sidecar_data=f'published = "{LONG_FIELD}"'.encode()))
    assert len(str(raised.value)) <= MAX_MESSAGE_LENGTH


def test_notes_are_counted_where_there_are_very_many() -> None:
    message = "From: a@b.c\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
    parts = "--x\nContent-Type: text/plain\n\nSome text.\n" + "--x\nContent-Type: image/png\n\n.\n" * 250
    notes = one("a.eml", f"{message}{parts}--x--\n").notes
    assert notes[-1] == "and 151 more notes"
    assert len(notes) == 100
