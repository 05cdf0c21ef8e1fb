import pytest

from qa.errors import ReadError
from readers.samples import headings, one


def rtf(body, head=r"\ansi\ansicpg1252\deff0"):
    data = body if isinstance(body, bytes) else body.encode("latin-1")
    return one("a.rtf", b"{\\rtf1" + head.encode() + b" " + data + b"}")


def test_paragraphs_headings_and_metadata():
    reading = rtf(
        r"{\fonttbl{\f0\fswiss Arial;}}{\stylesheet{\s0 Normal;}{\s1\b heading 1;}}"
        r"{\info{\title On tides}{\author Ann}{\operator Bob}}{\header Page 1\par}"
        r"\pard\s1 Tides\par\pard It rises\line and {\b falls}.\par" "\n" r"It \'e9bbs \endash  far.\par"
    )  # fmt: skip
    assert reading.text == "Tides\n\nIt rises and falls.\n\nIt ébbs – far."
    assert headings(reading) == [(1, "Tides")]
    assert (reading.metadata.title, reading.metadata.author) == ("On tides", "Ann")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"\u1055\'cf\u1088?\u1080?\u1074?", "Прив"),
        (r"{\uc0\u1055 \u1088 }x", "Прx"),
        (r"\u-10179?\u-8704? sea", "😀 sea"),
        (r"{\fonttbl{\f0 Arial;}{\f1\fcharset204 Arial;}}{\f1\'cf\'f0}\'e9", "Прé"),
        (r"{\fonttbl{\f1\fcharset128 Mincho;}}{\f1 \'93\'8c\'8b\'9e\'83A}", "東京ア"),
        (r"\{a\}\~b\-c", "{a} bc"),
        (r"Seen{\v  hidden}{\deleted  gone}.", "Seen."),
        (r"{\field{\*\fldinst HYPERLINK x}{\fldrslt there}}", "there"),
        (r"10{\super 3} m{\super 2}", "10^3 m²"),
        (r"{\*\unknown lost}kept{\pict 0a0b}", "kept"),
        (r"{\upr{\'3f}{\*\ud{\u1055?}}}", "П"),
        (r"{\shp{\*\shpinst{\sp{\sn a}{\sv 1}}{\shptxt Boxed.\par}}}", "Boxed."),
        (r"\bin3 {}}left", "left"),
    ],
)
def test_characters_and_groups(body, text):
    assert rtf(body).text == text


def test_a_file_says_its_encoding():
    assert rtf(b"\\'cf\xf0\xe8", r"\ansi\ansicpg1251").text == "При"


def test_notes_follow_the_text_and_comments_are_noted():
    reading = rtf(
        r"It cost 40{\super\chftn}{\footnote\pard{\super\chftn} In crowns.\par}{\*\annotation No.} then.\par"
    )
    assert reading.text == "It cost 40[1] then.\n\n[1] In crowns."
    assert reading.notes == ("comments were left out: 1",)


def test_tables_keep_their_grid():
    row = r"\trowd{}\cellx1\cellx2\cellx3\pard\intbl {}\cell {}\cell {}\cell\row "
    rows = row.format(r"\trhdr", "Port", "1880", "1890") + row.format("", "Wick", r"12\par in all", "")
    rows += row.format("", "", "", "9")
    reading = rtf(rf"Before.\par {rows}\pard After.\par")
    assert reading.text == "Before.\n\nPort | 1880 | 1890\nWick | 12 in all | \n |  | 9\n\nAfter."
    assert [(t.header.slice(reading.text), len(t.rows)) for t in reading.tables] == [
        ("Port | 1880 | 1890", 2)
    ]


def test_lists_keep_their_numbers():
    assert rtf(r"{\listtext 1.\tab}Row\par{\pntext 2.\tab}Rest\par").text == "1. Row\n\n2. Rest"


def test_what_is_no_rtf_is_an_error():
    with pytest.raises(ReadError, match="is not an RTF file"):
        one("a.rtf", b"text")
    with pytest.raises(ReadError, match="nested too deeply"):
        rtf("{" * 5_000)
    assert rtf("It } breaks").text == "It breaks"
