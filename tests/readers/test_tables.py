import pytest

from qa.errors import ReadError
from qa.readers import read
from qa.types import ReadFailure, Reading


def rows(name, data):
    found = list(read(name, data if isinstance(data, bytes) else data.encode()))
    readings = [item for item in found if isinstance(item, Reading)]
    failures = [item for item in found if isinstance(item, ReadFailure)]
    return readings, {failure.row: failure.reason for failure in failures}


def test_columns_are_metadata():
    data = "id,Title,publisher,author,date,language,url,text,other\na1,A title,A House,Ann,2019-07-03,en,https://x.example/,Text.,x\n"
    ((reading,), failures) = rows("a.csv", data)
    found = reading.metadata
    assert not failures
    assert (reading.key, reading.text, reading.headings) == ("a1", "Text.", None)
    assert (found.title, found.source, found.author, found.published) == (
        "A title",
        "A House",
        "Ann",
        "2019-07-03",
    )
    assert (found.language, found.url) == ("en", "https://x.example/")
    assert set(found.found.values()) == {"file"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiters(delimiter, end):
    lines = [["id", "text"], ["1", '"One, two; three\tfour\nfive ""six"""'], ["2", "More"]]
    readings, failures = rows("a.csv", end.join(delimiter.join(line) for line in lines))
    assert [reading.text for reading in readings] == ['One, two; three\tfour\nfive "six"', "More"]
    assert not failures


def test_bad_rows_fail_alone():
    data = 'id,text\na,One\nb\nc,\nd,x,y\na,Again\n,"Two\nlines"\ne,"stray"x\nf,Last\n'
    readings, failures = rows("a.csv", data)
    assert [(reading.key, reading.text) for reading in readings] == [
        ("a", "One"),
        ("7", "Two\nlines"),
        ("f", "Last"),
    ]
    assert list(failures) == ["3", "c", "5", "a", "9"]
    assert "1 fields where the header has 2" in failures["3"]
    assert failures["c"] == "has no text"
    assert "same key" in failures["a"]


def test_bad_lines_of_json_fail_alone():
    lines = [
        b'{"id": 5, "text": "One", "title": "T", "source": "S"}',
        b"{broken",
        b"",
        b"[1]",
        b'{"title": "no text"}',
        b'{"text": 5}',
        b'{"text": "\\ud800"}',
        b'{"id": 5, "text": "Again"}',
        b'{"id": [1], "text": "x"}',
        b'{"text": "\xff"}',
        b"[" * 100_000,
        b'{"id": "a\\ud800", "text": "x"}',
        b'{"id": ["\\udfff"], "text": "x"}',
        b'{"text": "Last \\ud83d\\ude00 \\u0000 end", "published": "03/07/2019"}',
    ]
    readings, failures = rows("a.jsonl", b"\n".join(lines))
    assert [(reading.key, reading.text) for reading in readings] == [
        ("5", "One"),
        ("14", "Last \U0001f600   end"),
    ]
    assert set(failures) == {"2", "4", "5", "6", "7", "[1]", "10", "11", "a\ufffd", "['\\udfff']"}
    assert "id that is not Unicode: half of a surrogate pair" in failures["a\ufffd"]
    assert "same key" in failures["5"]
    assert readings[0].metadata.title == "T"
    assert readings[1].metadata.title == "a"
    assert readings[1].metadata.published is None
    assert "03/07/2019" in readings[1].notes[0]


def test_a_sidecar_speaks_for_every_row():
    for reading in read("a.csv", b"title,text\nx,One\ny,Two\n", sidecar_data=b'source = "A House"'):
        assert reading.metadata.source == "A House"
        assert reading.metadata.found["source"] == "sidecar"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", "id,body\n1,x\n", "no column named text"),
        ("a.csv", "id,text\n", "no rows"),
        ("a.jsonl", "\n\n", "no rows"),
        ("a.jsonl", "", "no rows"),
    ],
)
def test_tables_without_text_are_errors(name, data, message):
    with pytest.raises(ReadError, match=message):
        rows(name, data)


def test_a_cell_may_be_longer_than_the_library_likes():
    readings, _ = rows("a.csv", "text\n" + "word " * 50_000)
    assert len(readings[0].text) > 200_000


def test_encodings_and_marks():
    text = "Россия и Камбоджа расширяют сотрудничество"
    for encoding in ("utf-8-sig", "cp1251", "utf-16"):
        assert rows("a.csv", f"id;text\n1;{text}\n".encode(encoding))[0][0].text == text
    for encoding in ("utf-8-sig", "utf-16"):
        assert rows("a.jsonl", f'{{"text": "{text}"}}\n'.encode(encoding))[0][0].text == text
