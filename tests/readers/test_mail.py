from email.message import EmailMessage

import pytest

from qa.errors import ReadError
from readers.samples import headings, one


def message(text="Hello.\n\nSecond.\n", **headers):
    built = EmailMessage()
    built["Subject"] = "Новости дня"
    built["From"] = "Анна Петрова <anna@example.org>"
    built["Date"] = "Wed, 03 Jul 2019 23:30:00 +0700"
    for name, value in headers.items():
        built[name.replace("_", "-")] = value
    if text is not None:
        built.set_content(text)
    return built


def test_plain_message():
    reading = one("a.eml", message().as_bytes())
    assert reading.text == "Hello.\n\nSecond.\n"
    assert reading.headings == ()
    found = reading.metadata
    assert (found.title, found.author, found.published) == ("Новости дня", "Анна Петрова", "2019-07-03")
    assert set(found.found.values()) == {"file"}


def test_plain_text_comes_before_html_and_attachments_are_noted():
    built = message("Plain.")
    built.add_alternative("<p>Rich.</p>", subtype="html")
    built.add_attachment(b"x", maintype="application", subtype="pdf", filename="report.pdf")
    reading = one("a.eml", built.as_bytes())
    assert reading.text.strip() == "Plain."
    assert reading.notes == ("attachment report.pdf was not read",)


def test_html_message():
    built = message(None)
    built.set_content("<h1>Title</h1><p>Rich\ntext.</p><script>bad</script>", subtype="html")
    reading = one("a.eml", built.as_bytes())
    assert reading.text == "Title\n\nRich text."
    assert headings(reading) == [(1, "Title")]


@pytest.mark.parametrize("charset", ["koi8-r", "cp1251", "no-such", None])
def test_russian_in_legacy_encodings(charset):
    text = "Россия и Камбоджа расширяют сотрудничество."
    kind = f"; charset={charset}" if charset else ""
    head = f"Subject: x\r\nContent-Type: text/plain{kind}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    body = text.encode("koi8-r" if charset == "koi8-r" else "cp1251")
    assert one("a.eml", head.encode() + body).text == text


@pytest.mark.parametrize(
    "header", ["Date: yesterday", "Date: 03/07/2019", "From: <<>>,;", "Subject: =?utf-8?q?=ff=fe?="]
)
def test_odd_headers_are_left_out(header):
    reading = one("a.eml", f"Message-ID: <a@b>\r\n{header}\r\n\r\nText.\r\n")
    assert reading.metadata.published is None
    assert reading.metadata.author is None


def test_what_is_no_message_is_an_error():
    with pytest.raises(ReadError, match="is not an e-mail message"):
        one("a.eml", "Just some text, no headers.")
