from email.message import EmailMessage

import pytest

from qa.errors import ReadError
from qa.readers import open_member, read
from qa.types import ReadFailure
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
    assert reading.text == "Hello.\n\nSecond."
    assert reading.headings == ()
    found = reading.metadata
    assert (found.title, found.author, found.published) == ("Новости дня", "Анна Петрова", "2019-07-03")
    assert set(found.found.values()) == {"file"}


def test_plain_text_comes_before_html_and_attachments_are_noted():
    built = message("Plain.")
    built.add_alternative("<p>Rich.</p>", subtype="html")
    built.add_attachment(b"x", maintype="application", subtype="pdf", filename="report.pdf")
    reading, failure = read("a.eml", built.as_bytes())
    assert reading.text.strip() == "Plain."
    assert (reading.notes, failure.full_path) == ((), "a.eml/report.pdf")


def test_attachments_are_members():
    built = message("See the files.")
    built.add_attachment("A note.", filename="note.txt")
    built.add_attachment(b"8BPS", maintype="image", subtype="x-psd", filename="drawing.psd")
    built.add_attachment(b"<p>No name.</p>", maintype="application", subtype="xhtml+xml")
    body, note, page = read("a.eml", built.as_bytes())
    assert body.notes == ("attachment drawing.psd is of no kind that is read",)
    assert (note.member, note.text.strip()) == ("note.txt", "A note.")
    assert (page.member, page.text) == ("attachment.xhtml", "No name.")
    assert open_member("a.eml", built.as_bytes(), "note.txt").strip() == b"A note."


def test_a_message_of_attachments_only_has_its_subject_as_text():
    built = message("")
    built.add_attachment("A note.", filename="note.txt")
    body, note = read("a.eml", built.as_bytes())
    assert (body.text, note.member) == ("Новости дня", "note.txt")


def test_attachments_in_a_mailbox_are_named_after_their_messages():
    built = message("See the files.")
    built.add_attachment("A note.", filename="note.txt")
    mail = b"From ann Mon Jun  3 10:00:00 2019\n" + built.as_bytes() + b"\n"
    members = [reading.member for reading in read("a.mbox", mail * 2)]
    assert members == [None, "1/note.txt", None, "2/note.txt"]
    assert open_member("a.mbox", mail * 2, "2/note.txt").strip() == b"A note."


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


HEAD = "From: Eve <eve@x.example>\r\nSubject: Roof\r\nMIME-Version: 1.0\r\n"


def parts(kind, *bodies):
    lines = [f"Content-Type: multipart/{kind}; boundary=q", ""]
    for content_type, body in bodies:
        lines += ["--q", f"Content-Type: {content_type}", "", body]
    return HEAD + "\r\n".join([*lines, "--q--", ""])


def test_every_part_of_text_is_the_message():
    mixed = parts("mixed", ("text/plain", "Above."), ("image/png", "x"), ("text/html", "<p>Below."))
    reading = one("a.eml", mixed)
    assert reading.text == "Above.\n\nBelow."
    assert reading.notes == ("attachment image/png was not read",)


@pytest.mark.parametrize("plain", ["", "-- \r\nSent to the list", "<html><p>Tiles fell", "Please use HTML."])
def test_html_is_read_where_the_plain_text_lacks_it(plain):
    built = parts("alternative", ("text/plain", plain), ("text/html", "<p>Nine tiles fell off the roof."))
    assert one("a.eml", built).text == "Nine tiles fell off the roof."


def test_plain_text_is_read_where_the_html_lacks_it():
    built = parts("alternative", ("text/plain", "Nine tiles fell."), ("text/html", "<p>Leave the list"))
    assert one("a.eml", built).text == "Nine tiles fell."


def test_a_forwarded_message_is_read_with_its_headers():
    forwarded = "From: Dan <d@x.example>\r\nSubject: Gutter\r\n\r\nThe gutter leaks."
    reading = one("a.eml", parts("mixed", ("text/plain", "See."), ("message/rfc822", forwarded)))
    assert reading.text == "See.\n\nFrom: Dan <d@x.example>\nSubject: Gutter\n\nThe gutter leaks."


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("iso-2022-jp", b'\x1b$B2q-"\x1b(B ok \x1b(I1\x1b(B', "会② ok \uff71"),
        ("iso-8859-8-e", "גג".encode("cp1255"), "גג"),
        ("iso-8859-1", b"\x93tile\x94", "“tile”"),
        ("utf-7", b"D+AOk-j+AOA-", "Déjà"),
        ("cp437", b"caf\x82", "café"),
        ("us-ascii", "Dächer".encode(), "Dächer"),
    ],
)
def test_charsets_of_mail(charset, data, text):
    head = f"{HEAD}Content-Type: text/plain; charset={charset}\r\n\r\n".encode()
    assert one("a.eml", head + data).text == text


@pytest.mark.parametrize(
    ("sender", "author"),
    [
        ('"Zoë Größ" <z@x.example>'.encode(), "Zoë Größ"),
        ('"Zoë Größ" <z@x.example>'.encode("latin-1"), "Zoë Größ"),
        ("Größ, Zoë <z@x.example>".encode(), "Größ, Zoë"),
        (b"=?utf-8?q?Zo=C3?= =?utf-8?q?=AB?= <z@x.example>", "Zoë"),
        (b"=?utf-8?b?Wm/Dqw?= <z@x.example>", "Zoë"),
        (b"z@x.example", "z@x.example"),
    ],
)
def test_senders_as_mail_programs_write_them(sender, author):
    kind = b"Content-Type: text/plain; charset=iso-8859-1\r\n"
    assert one("a.eml", b"From: " + sender + b"\r\n" + kind + b"\r\nText.").metadata.author == author


SENDERS = ["eve@x.example Tue Jan  7 08:00:00 2020", "- Tue Jan 07 08:00:00 +0000 2020"]


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize("name", ["a.eml", "a.mbox"])
def test_each_message_of_a_mailbox_is_a_document(name, sender):
    mails = (
        f"{HEAD}Message-ID: <1@x.example>\r\n\r\nThe roof leaks.\r\n\r\nFrom here on it rains.\r\n\r\n",
        f"{HEAD}Content-Type: image/png\r\n\r\nx\r\n\r\n",
        f"{HEAD}\r\n>From the roof it drips.\r\n",
        f"{HEAD}Message-ID: <1@x.example>\r\n\r\nA copy.\r\n",
    )
    data = "".join(f"From {sender}\r\n{mail}" for mail in mails)
    first, bad, third, copy = read(name, data.encode())
    assert (first.key, first.text) == ("1@x.example", "The roof leaks.\n\nFrom here on it rains.")
    assert bad == ReadFailure(name, "is a message without text", "2")
    assert (third.key, third.text) == ("3", "From the roof it drips.")
    assert copy.key == "4"


def test_a_lone_message_has_no_key():
    assert one("a.mbox", f"{HEAD}\r\nText.").key is None
