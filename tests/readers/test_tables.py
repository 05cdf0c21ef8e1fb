import json

import pytest

from qa.errors import ReadError
from qa.readers import read
from qa.types import ReadFailure, Reading
from readers.samples import headings, one


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
        ("d", "x,y"),
        ("7", "Two\nlines"),
        ("f", "Last"),
    ]
    assert list(failures) == ["b", "c", "a", "9"]
    assert failures["b"] == failures["c"] == "has no text"
    assert "3 fields where the header has 2" in readings[1].notes[0]
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


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("ID,Headline,Body", "7,Moorings,Boats moor at night."),
        ("guid;name;Page Content;link", "7;Moorings;Boats moor at night.;https://x.example/"),
        ("_id|title|article", "7|Moorings|Boats moor at night."),
        ("id\ttitle\tdescription\tpubDate", "7\tMoorings\tBoats moor at night.\t"),
        ("id,title,answer", "7,Moorings,Boats moor at night."),
        ("id,metadata.title,content", '7,Moorings,"Boats moor at night."'),
    ],
)
def test_the_text_is_found_under_its_common_names(header, row):
    ((reading,), failures) = rows("a.csv", f"{header}\n{row}\n")
    assert (reading.text, reading.key, failures) == ("Boats moor at night.", "7", {})
    assert reading.metadata.title == "Moorings"


def test_missing_fields_are_empty():
    readings, failures = rows("a.csv", "title,text,source\nMoorings,Boats moor.\nTides,High at noon.,Port\n")
    assert [(r.text, r.metadata.source) for r in readings] == [
        ("Boats moor.", None),
        ("High at noon.", "Port"),
    ]
    assert not failures


def test_rows_of_sentences_without_a_text_column_name_their_cells():
    data = (
        "question,answer,asked by\nWhen is high tide?,It is high at noon.,\nWho moors here?,Anglers do.,Bo\n"
    )
    readings, _ = rows("a.csv", data)
    assert [reading.text for reading in readings] == [
        "question: When is high tide?\nanswer: It is high at noon.",
        "question: Who moors here?\nanswer: Anglers do.\nasked by: Bo",
    ]


def test_rows_of_values_are_one_table():
    reading = one("prices.csv", "sep=;\nBoat;Length;Price\nDinghy;4;12,50\nYacht;;90\n")
    assert reading.text == "Boat | Length | Price\nDinghy | 4 | 12,50\nYacht |  | 90"
    (table,) = reading.tables
    assert table.header.slice(reading.text) == "Boat | Length | Price"
    assert [row.slice(reading.text) for row in table.rows] == ["Dinghy | 4 | 12,50", "Yacht |  | 90"]
    assert (reading.key, reading.metadata.title) == (None, "prices")


def test_a_table_without_a_header_has_none():
    reading = one("prices.csv", "Dinghy,4\nYacht,9\nBarge,30\n")
    assert (reading.tables[0].header, len(reading.tables[0].rows)) == (None, 3)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_excels_line_that_names_the_delimiter_is_no_row(end):
    data = end.join(["sep=|", "id|text", "|One", 'b|"Two', 'lines"', ""])
    readings, _ = rows("a.csv", data.encode("utf-16"))
    assert [(reading.key, reading.text) for reading in readings] == [("3", "One"), ("b", f"Two{end}lines")]


@pytest.mark.parametrize(
    "row",
    [
        {"content": "Boats moor.", "title": "Moorings", "author": {"@type": "Person", "name": "Ann Reed"}},
        {"page_content": "Boats moor.", "metadata": {"title": "Moorings", "authors": ["Ann Reed"]}},
        {"body": ["Boats moor."], "meta": {"headline": "Moorings", "byline": "Ann Reed"}},
        {"_source": {"text": "Boats moor.", "title": {"rendered": "Moorings"}, "creator": "Ann Reed"}},
        {"kwargs": {"page_content": "Boats moor.", "metadata": {"title": "Moorings", "author": "Ann Reed"}}},
        {"articleBody": "Boats moor.", "headline": "Moorings", "author": [{"name": "Ann Reed"}]},
    ],
)
@pytest.mark.parametrize(
    "published", ["2019-07-03", 1562112000, 1562112000000, "Wed, 03 Jul 2019 10:00:00 +0000"]
)
def test_shapes_of_common_exporters(row, published):
    ((reading,), failures) = rows(
        "a.jsonl", json.dumps(row | {"created_at": published, "_id": {"$oid": "5f"}})
    )
    assert (reading.text, reading.key, failures) == ("Boats moor.", "5f", {})
    found = reading.metadata
    assert (found.title, found.author, found.published) == ("Moorings", "Ann Reed", "2019-07-03")


def test_the_address_that_is_called_a_source_is_an_address():
    ((reading,), _) = rows("a.jsonl", '{"text": "Boats moor.", "source": "https://x.example/a"}')
    assert (reading.metadata.source, reading.metadata.url) == (None, "https://x.example/a")


@pytest.mark.parametrize(
    "wrap", ["{}", '{{"version": 1, "items": {}}}', '{{"hits": {{"total": 2, "hits": {}}}}}']
)
def test_a_list_of_objects_is_rows(wrap):
    readings, failures = rows("a.json", wrap.format('[{"id": "a", "text": "One."}, {"text": "Two."}]'))
    assert [(reading.key, reading.text) for reading in readings] == [("a", "One."), ("2", "Two.")]
    assert not failures


def test_an_object_is_one_document():
    reading = one("a.json", '{"port": "Leith", "open": true, "fees": {"day": 4, "kinds": ["boat", "barge"]}}')
    assert reading.text == "port: Leith\nopen: yes\n\nfees\n\nday: 4\nkinds: boat, barge"
    assert headings(reading) == [(1, "fees")]
    reading = one("b.json", '{"title": "Moorings", "text": "Boats moor."}')
    assert (reading.text, reading.metadata.title, reading.key) == ("Boats moor.", "Moorings", None)


def test_json_lines_may_be_called_json():
    readings, _ = rows("a.json", '{"text": "One."}\n{"text": "Two."}\n')
    assert [reading.text for reading in readings] == ["One.", "Two."]
    with pytest.raises(ReadError, match="is not JSON"):
        rows("a.json", "{broken")


def test_years_can_name_the_columns_of_a_table():
    (reading,) = read("berths.csv", b"Port,1900,1950\nThurso,,12\nWick,3,4\nOban,5,6\n")
    (table,) = reading.tables
    assert table.header is not None
    assert table.header.slice(reading.text) == "Port | 1900 | 1950"
    assert table.rows[0].slice(reading.text) == "Thurso |  | 12"
