"""Outlook's files."""

import pytest
from compressed_rtf import compress

from qa.errors import ReadError
from qa.readers import open_member, read
from readers.mail.msg_files import make_msg
from readers.samples import one

SUBJECT, BODY, HTML, RTF = 0x37, 0x1000, 0x1013, 0x1009
NAME, ADDRESS, SENT, HEADERS = 0xC1A, 0xC1F, 0x39, 0x7D
FILE_NAME, SHORT_NAME, DATA, METHOD = 0x3707, 0x3704, 0x3701, 0x3705
CONTENT_ID, CODEPAGE = 0x3712, 0x3FDE
DAY = 132040872000000000  # 2019-06-04 10:00 UTC in tenths of microseconds since 1601
LETTER = {SUBJECT: "Boiler", NAME: "Ann Smith", ADDRESS: "ann@example.org", SENT: DAY}


def test_a_message_and_its_attachments():
    file = {FILE_NAME: "note.txt", DATA: b"A note.", METHOD: 1}
    short = {SHORT_NAME: "draw~1.psd", DATA: b"8BPS", METHOD: 1}
    data = make_msg({**LETTER, BODY: "It leaks.\r\nBye."}, [file, short])
    letter, note = read("a.msg", data)
    assert letter.text == "It leaks.\nBye."
    found = letter.metadata
    assert (found.title, found.author, found.published) == ("Boiler", "Ann Smith", "2019-06-04")
    assert letter.notes == ("attachment draw~1.psd is of no kind that is read",)
    assert (note.member, note.text) == ("note.txt", "A note.")
    assert open_member("a.msg", data, "note.txt") == b"A note."


def test_html_is_read_where_there_is_no_plain_text():
    page = b"<html><body><h1>Boiler</h1><p>It leaks.</p></body></html>"
    assert one("a.msg", make_msg({**LETTER, HTML: page})).text == "Boiler\n\nIt leaks."
    assert (
        one("a.msg", make_msg({**LETTER, HTML: page, BODY: "Boiler\r\nIt leaks."})).text
        == "Boiler\nIt leaks."
    )


def test_headers_of_the_transport_come_first():
    headers = "From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nDate: Wed, 05 Jun 2019 01:00:00 +0900\r\n\r\n"
    found = one("a.msg", make_msg({**LETTER, BODY: "Text.", HEADERS: headers})).metadata
    assert (found.author, found.published) == ("Jürgen", "2019-06-05")


def test_rich_text_is_read_where_there_is_no_other():
    data = compress(rb"{\rtf1\ansi It leaks.\par On Monday.\par}")
    assert one("a.msg", make_msg({**LETTER, RTF: data})).text == "It leaks.\n\nOn Monday."
    letter = one("a.msg", make_msg({**LETTER, RTF: b"LZFu"}))
    assert letter.text == "Boiler"
    assert letter.notes[0].startswith("the message's rich text cannot be read")


def test_what_is_no_file_is_noted():
    letter = one("a.msg", make_msg({**LETTER, BODY: "Text."}, [{FILE_NAME: "Inner", METHOD: 5}]))
    assert letter.notes == ("attachment Inner was not read: it is no file",)


def test_a_message_in_a_message_is_part_of_its_text():
    note = {FILE_NAME: "note.txt", DATA: b"A note.", METHOD: 1}
    inner = ({SUBJECT: "Valve", NAME: "Bob", SENT: DAY, BODY: "It is stuck."}, [note])
    data = make_msg({**LETTER, BODY: "See below."}, [{FILE_NAME: "Valve.msg", METHOD: 5, "inner": inner}])
    letter, found = read("a.msg", data)
    assert letter.text == "See below.\n\nFrom: Bob\nDate: 2019-06-04\nSubject: Valve\n\nIt is stuck."
    assert letter.metadata.title == "Boiler"
    assert found.member == "note.txt"


def test_pictures_that_the_text_shows_are_no_attachments():
    page = b"<html><body><p>It leaks.</p><img src='cid:logo@x'></body></html>"
    logo = {FILE_NAME: "logo.png", DATA: b"x", CONTENT_ID: "logo@x"}
    letter = one("a.msg", make_msg({**LETTER, HTML: page}, [logo]))
    assert (letter.text, letter.notes) == ("It leaks.", ("attachment logo.png was not read",))


def test_html_in_a_codepage():
    page = "<html><body><p>Котёл починили в понедельник.</p></body></html>".encode("cp1251")
    assert one("a.msg", make_msg({**LETTER, HTML: page, CODEPAGE: 1251})).text.startswith("Котёл починили")


@pytest.mark.parametrize("data", [b"", b"Text.", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 2000])
def test_what_is_no_message_is_an_error(data):
    with pytest.raises(ReadError):
        list(read("a.msg", data))


def test_a_message_without_text_is_an_error():
    with pytest.raises(ReadError, match="without text"):
        list(read("a.msg", make_msg(LETTER)))


def test_damaged_messages_give_readings_or_errors():
    data = make_msg({**LETTER, BODY: "It leaks."}, [{FILE_NAME: "note.txt", DATA: b"A note.", METHOD: 1}])
    for at in range(0, len(data), 37):
        try:
            list(read("a.msg", data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]))
        except ReadError:
            continue


def test_a_plain_message_that_is_named_so_is_read():
    assert one("a.msg", "From: Ann <ann@x.example>\nSubject: Boiler\n\nIt leaks.").text == "It leaks."
