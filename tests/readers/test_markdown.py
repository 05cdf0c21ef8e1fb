from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readers.samples import headings, one

YAML = "---\ntitle: A title\ndate: 2019-07-03\nauthor: [Ann, Bob]\ntags: [x]\nlanguage: en\n---\n"


def test_headings_are_the_words_within_their_lines():
    text = (
        "# The *title* #\r\n\r\nSome text.\r\n\r\nTwo\r\n  lines\r\n---\r\n\r\n> ## Quoted\r\n\r\n"
        "```\r\n# code\r\n```\r\n\r\n    # code too\r\n\r\n#\r\n\r\n#no heading\r\n\r\n###\tTab\r\n"
    )
    reading = one("a.md", text)
    assert reading.text == text
    assert headings(reading) == [(1, "The *title*"), (2, "Two\r\n  lines"), (2, "Quoted"), (3, "Tab")]
    assert (reading.metadata.title, reading.metadata.found["title"]) == ("The title", "text")


def test_yaml_front_matter():
    reading = one("a.md", YAML + "# Heading\n\nText.\n")
    found = reading.metadata
    assert (found.title, found.published, found.author, found.language) == (
        "A title",
        "2019-07-03",
        "Ann, Bob",
        "en",
    )
    assert set(found.found.values()) == {"file"}
    assert headings(reading) == [(0, YAML.rstrip()), (1, "Heading")]


def test_toml_front_matter_with_windows_line_ends():
    matter = '+++\r\ntitle = "A title"\r\npublished = 2019-07-03\r\nweight = 5\r\n+++'
    reading = one("a.md", matter + "\r\n\r\nText.\r\n")
    assert (reading.metadata.title, reading.metadata.published) == ("A title", "2019-07-03")
    assert headings(reading) == [(0, matter)]


def test_a_sidecar_overrides_front_matter():
    found = one("a.md", YAML + "Text.", b'title = "Another"').metadata
    assert (found.title, found.found["title"], found.found["author"]) == ("Another", "sidecar", "file")


def test_a_break_between_themes_is_no_front_matter():
    reading = one("a.md", "---\nJust prose.\n\n---\nMore.\n")
    assert reading.headings == ()
    assert reading.notes == ()


def test_broken_front_matter_is_text_and_noted():
    reading = one("a.md", "---\ntitle: [x\n---\n\nText.\n")
    assert all(heading.level for heading in reading.headings)
    assert "front matter cannot be read" in reading.notes[0]


def test_tables_are_their_lines():
    text = (
        "---\ntitle: A\n---\n\nPorts:\n\n| Port | Boats |\r\n|------|------:|\r\n"
        "| Wick |  |\r\n| Nairn | `a\\|b` |\r\n\r\n"
        "> Port | Now\n> --- | ---\n> Wick | 7\n\n```\n| a |\n|---|\n| b |\n```\n"
    )
    reading = one("a.md", text)
    assert reading.text == text
    shown = [(table.header.slice(text), [row.slice(text) for row in table.rows]) for table in reading.tables]
    assert shown == [
        ("| Port | Boats |", ["| Wick |  |", "| Nairn | `a\\|b` |"]),
        ("Port | Now", ["Wick | 7"]),
    ]


@pytest.mark.parametrize(
    "data",
    [
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==",
        "data:image/svg+xml;charset=utf-8;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmciPg",
        "DATA:;BASE64,R0lGODlhAQABAIAAAAAAAP",
        f"data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'{'%20' * 30}",
    ],
)
def test_no_embedded_data_is_text(data):
    reading = one("a.md", f"The pier ![at noon]({data}) is long.")
    assert reading.text == f"The pier ![at noon]({data[: data.index(':') + 1]}{_type(data)},…) is long."
    assert reading.notes == ("the data of an embedded file is left out of the text",)


def _type(data):
    return data.partition(":")[2].partition(",")[0].partition(";")[0]


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["# A b", "Words", "===", "---", "", "> # q", "- # i", "\t# x", "## c ##", "```"])
    )
)
def test_headings_are_in_order_and_apart(lines):
    text = "\n".join(["x", *lines])
    spans = [heading.span for heading in one("a.md", text).headings]
    assert all(a.end <= b.start for a, b in pairwise(spans))


def test_the_data_of_embedded_pictures_is_left_out_and_noted():
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 50
    reading = one("a.md", f"# Moorings\n\nA mooring.\n\n![map]({picture})\n\n[x]: <{picture}>\n")
    assert reading.text == "# Moorings\n\nA mooring.\n\n![map](data:image/png,…)\n\n[x]: <data:image/png,…>\n"
    assert reading.notes == ("the data of 2 embedded files is left out of the text",)
