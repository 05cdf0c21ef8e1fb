"""Text whose encoding is declared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.readers.encodings import codec_of, decode_declared
from qa.readers.html.article import decode_markup
from readers.samples import one

SENTENCE = "Der Fährmann grüßt"


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("ISO-8859-1", "cp1252", "“It’s done” – for 900 €"),
        ("us-ascii", "cp1252", "“It’s done”"),
        ("iso-8859-8-i", "iso8859-8", "שלום לכולם"),
        ("EUC-KR", "cp949", "똠방각하 회의"),
        ("ks_c_5601-1987", "cp949", "회의는 월요일"),
        ("gb2312", "gb18030", "镕基 会议"),
        ("x-sjis", "cp932", "①会議"),
        ("iso-8859-9", "cp1254", "İstanbul – “ev”"),
        ("tis-620", "cp874", "การประชุม…"),
        (" 'KOI8-U' ", "koi8-u", "Київ, їжак"),
    ],
)
def test_labels_mean_what_they_mean_on_the_web(label, codec, text):
    assert decode_declared(text.encode(codec), label) == (text, ())


@pytest.mark.parametrize("label", ["latin1", "us-ascii", "shift_jis", "nonsense", None])
def test_what_is_valid_utf8_is_utf8_whatever_is_declared(label):
    assert decode_declared(SENTENCE.encode(), label) == (SENTENCE, ())


def test_a_byte_order_mark_decides():
    assert decode_declared(SENTENCE.encode("utf-16"), "iso-8859-1").text == SENTENCE


@pytest.mark.parametrize("label", ["utf-8", None, "latin1"])
def test_a_bad_byte_costs_a_character_and_a_note(label):
    data = ("Ein Schiff läuft ein. " * 20).encode() + b"B\xfccher" + " für Kinder".encode()
    text, notes = decode_declared(data, "utf-8")
    assert text.endswith("B\ufffdcher für Kinder")
    assert notes == ("1 damaged character was replaced by \ufffd: the file is not quite UTF-8",)


def test_a_plainly_wrong_declaration_is_not_believed():
    russian = "Паром отходит от пристани каждое утро в девять часов, кроме воскресенья."
    assert decode_declared(russian.encode("cp1251"), "utf-8") == (russian, ())


@pytest.mark.parametrize("label", ["replacement", "x-user-defined", "no-such", ""])
def test_labels_of_no_encoding(label):
    assert codec_of(label) is None


@pytest.mark.parametrize("label", ["utf-16", "utf-16le", "unicode", "UTF-16BE"])
def test_utf16_is_not_believed_if_the_declaration_could_be_read(label):
    page = f"<meta charset={label}><p>The boat sails at noon."
    assert decode_declared(page.encode(), label) == (page, ())
    assert decode_declared("Ο πλοίαρχος".encode("utf-16-le"), "utf-16le").text == "Ο πλοίαρχος"


def test_bytes_that_no_encoding_has_do_not_lose_a_text():
    text, notes = decode_declared(b"x\x81y\x9dz \x80 5", "windows-1252")
    assert text == "x\ufffdy\ufffdz € 5"
    assert notes == ("2 damaged characters were replaced by \ufffd: the file is not quite CP1252",)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("<!-- <meta charset=koi8-r> --><meta charset=windows-1251>", "windows-1251"),
        ("<meta name=about content='charset=koi8-r'><meta charset=windows-1251>", "windows-1251"),
        ("<META HTTP-EQUIV=Content-Type CONTENT='text/html;charset=koi8-r'>", "koi8-r"),
        ("<meta data-charset=big5><meta  charset = 'KOI8-R' >", "koi8-r"),
    ],
)
def test_only_declarations_of_the_page_count(head, expected):
    text = "Паром отходит от пристани каждое утро"
    assert text in decode_markup(f"{head}<p>{text}</p>".encode(expected)).text


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.txt", "", ""),
        ("a.md", "# Boot\n\n", ""),
        ("a.rst", "Boot\n====\n\n", ""),
        ("a.csv", "id,text\n7,", "\n"),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\n", "\n"),
    ],
)
def test_a_bad_byte_loses_no_file(name, before, after):
    line = "Ein Schiff läuft ein. " * 20 + "Bücher" + after
    data = (before + line).encode().replace("Bü".encode(), b"B\xfc")
    reading = one(name, b"\xef\xbb\xbf" + data)
    assert "B\ufffdcher" in reading.text
    assert reading.text[0] != "\ufeff"
    assert reading.notes == ("1 damaged character was replaced by \ufffd: the file is not quite UTF-8",)


@given(st.text(min_size=1).filter(lambda text: not text.startswith("\ufeff") and "\0" not in text))
def test_utf8_comes_back_as_it_was(text):
    assert decode_declared(text.encode(), "utf-8") == (text, ())
