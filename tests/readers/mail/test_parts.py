"""The parts of messages as mailers write them."""

import base64
import binascii

import pytest

from qa.readers import read
from readers.samples import one

HEAD = "From: Eve <eve@x.example>\r\nSubject: Roof\r\nMIME-Version: 1.0\r\n"


def parts(kind, *bodies, boundary="q"):
    """Build a part of several; each body has its own headers."""
    text = "".join(f"--{boundary}\r\nContent-Type: {body}\r\n" for body in bodies)
    return f"multipart/{kind}; boundary={boundary}\r\n\r\n{text}--{boundary}--\r\n"


def message(kind, *bodies):
    return f"{HEAD}Content-Type: {parts(kind, *bodies)}"


def single(kind, text, more=""):
    return f"{HEAD}Content-Type: {kind}\r\n{more}\r\n{text}"


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("", "The roof \r\nleaks.\r\n\r\n> He \r\n> said.\r\n>> Yes\r\n From Ann\r\n-- \r\nAnn", None),
        ("; delsp=yes", "屋根 \r\nが漏る。", "屋根が漏る。"),
        ("; delsp=yes", "> 屋根 \r\n> が漏る。", "> 屋根が漏る。"),
        ("", "1 \r\n2 \r\n\r\n3", "1 2\n\n3"),
    ],
)
def test_flowed_lines_are_joined(kind, given, expected):
    expected = expected or "The roof leaks.\n\n> He said.\n>> Yes\nFrom Ann\n-- \nAnn"
    assert one("a.eml", single(f"text/plain; charset=utf-8; format=flowed{kind}", given)).text == expected


def test_enriched_text_is_read_without_its_marks():
    given = "<bold>The roof</bold> leaks <<here>.\r\nA line\r\n\r\n<color><param>red</param>Next.</color>"
    assert one("a.eml", single("text/enriched", given)).text == "The roof leaks <here>. A line\nNext."
    given = "<bold>The roof</bold> <lt>leaks>.<nl>Next\r\nline.<comment>no</comment>"
    assert one("a.eml", single("text/richtext", given)).text == "The roof <leaks>.\nNext line."


def test_a_report_on_delivery_is_read():
    status = (
        "Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; bob@x.example\r\nAction: failed\r\n"
    )
    returned = "message/rfc822\r\n\r\nFrom: Eve <eve@x.example>\r\nSubject: Gutter\r\n\r\nIt leaks."
    data = message(
        "report",
        "text/plain\r\n\r\nNot delivered.",
        f"message/delivery-status\r\n\r\n{status}",
        returned,
    )
    assert one("a.eml", data).text == (
        "Not delivered.\n\nReporting-MTA: dns; mx.example\n\n"
        "Final-Recipient: rfc822; bob@x.example\nAction: failed\n\n"
        "From: Eve <eve@x.example>\nSubject: Gutter\n\nIt leaks."
    )


def test_a_receipt_and_the_headers_of_a_message_are_read():
    data = message(
        "report",
        "text/plain\r\n\r\nIt was read.",
        "message/disposition-notification\r\n\r\nDisposition: manual-action; displayed\r\n",
        "text/rfc822-headers\r\n\r\nSubject: Gutter",
    )
    expected = "It was read.\n\nDisposition: manual-action; displayed\n\nSubject: Gutter"
    assert one("a.eml", data).text == expected


def test_html_for_some_programs_only_does_not_replace_that_for_all():
    amp = "text/x-amp-html\r\n\r\n<p>Amp.</p>"
    html = "text/html\r\n\r\n<p>Nine tiles fell off.</p>"
    assert one("a.eml", message("alternative", html, amp)).text == "Nine tiles fell off."
    assert one("a.eml", message("alternative", amp)).text == "Amp."


def test_an_alternative_in_related_in_mixed_stands_once():
    html = "text/html\r\n\r\n<p>Nine tiles.</p><img src=cid:a>"
    inner = parts("alternative", "text/plain\r\n\r\nNine tiles.", html, boundary="in")
    related = parts("related", inner, "image/x-psd\r\nContent-ID: <a>\r\n\r\nx", boundary="re")
    reading = one("a.eml", message("mixed", related, "text/plain\r\n\r\nThe list's footer."))
    assert reading.text == "Nine tiles.\n\nThe list's footer."


def test_related_in_alternative_stands_once():
    html = "text/html\r\n\r\n<p>Nine <b>tiles</b>.</p><img src=cid:a>"
    related = parts("related", html, "image/png\r\nContent-ID: <a>\r\n\r\nx", boundary="re")
    assert (
        one("a.eml", message("alternative", "text/plain\r\n\r\nNine tiles.", related)).text == "Nine tiles."
    )


def test_text_that_stands_inline_is_the_message_even_if_it_has_a_name():
    note = "text/plain; name=note.txt\r\nContent-Disposition: inline; filename=note.txt\r\n\r\nA note."
    data = message("mixed", "text/plain\r\n\r\nAbove.", note, "text/plain\r\n\r\nBelow.")
    assert one("a.eml", data).text == "Above.\n\nA note.\n\nBelow."


def test_base64_without_padding_or_with_a_footer():
    roof = base64.b64encode(b"The roof leaks again.!").decode().rstrip("=")
    encoded = "Content-Transfer-Encoding: base64\r\n"
    assert one("a.eml", single("text/plain", roof, encoded)).text == "The roof leaks again.!"
    footer = f"{base64.b64encode(b'The roof leaks.').decode()}\r\n_____\r\nThe list of roofers\r\n"
    assert one("a.eml", single("text/plain", footer, encoded)).text == (
        "The roof leaks.\n\n_____\nThe list of roofers"
    )
    assert one("a.eml", single("text/plain", "It leaks, says Ann.", encoded)).text == "It leaks, says Ann."


def test_a_damaged_line_of_base64_costs_itself():
    lines = base64.encodebytes(b"The roof leaks. " * 30).splitlines()
    lines[2] = lines[2][:40] + b"\xff!" + lines[2][43:]
    data = single("text/plain", "", "Content-Transfer-Encoding: base64\r\n").encode() + b"\r\n".join(lines)
    (reading,) = read("a.eml", data)
    assert reading.text.count("The roof leaks.") >= 26


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("caf=C3=A9", "café"),
        ("one =\r\ntwo", "one two"),
        ("one = \r\ntwo", "one two"),
        ("a = b", "a = b"),
        ("100=ZZ", "100=ZZ"),
        ("end=", "end"),
    ],
)
def test_quoted_printable(given, expected):
    encoded = "Content-Transfer-Encoding: Quoted-Printable\r\n"
    assert one("a.eml", single("text/plain; charset=utf-8", given, encoded)).text == expected


def test_signatures_are_no_attachments_and_an_encrypted_message_is_noted():
    signature = "application/pgp-signature; name=signature.asc\r\n\r\nx"
    reading = one("a.eml", message("signed", "text/plain\r\n\r\nSigned.", signature))
    assert (reading.text, reading.notes) == ("Signed.", ())
    data = message("encrypted", "application/pgp-encrypted\r\n\r\nVersion: 1")
    assert "the message is encrypted" in one("a.eml", data).notes


def test_what_apple_mail_puts_around_a_message_is_left_out():
    raw = b"From: Eve <eve@x.example>\nSubject: Roof\n\nIt leaks.\n"
    reading = one("1234.emlx", b"%d      \n%s<?xml version='1.0'?><plist></plist>" % (len(raw), raw))
    assert (reading.text, reading.metadata.title) == ("It leaks.", "Roof")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_left_out(encoding):
    (reading,) = read("a.eml", "Subject: Roof\n\nIt leaks.".encode(encoding))
    assert (reading.text, reading.metadata.title) == ("It leaks.", "Roof")


@pytest.mark.parametrize("declared", ["; boundary=other", ""])
def test_a_wrong_boundary_is_mended(declared):
    plain = "--q\r\nContent-Type: text/plain\r\n\r\nIt leaks.\r\n"
    body = f"{plain}--q\r\nContent-Type: text/html\r\n\r\n<p>It leaks."
    assert one("a.eml", single(f"multipart/alternative{declared}", f"{body}\r\n--q--")).text == "It leaks."


def test_what_only_says_where_the_message_can_be_read_is_no_message():
    stub = f"text/plain\r\n\r\nView in your browser: https://x.example/{'a' * 90}"
    html = "text/html\r\n\r\n<p>Nine tiles fell off the roof."
    assert one("a.eml", message("alternative", stub, html)).text == "Nine tiles fell off the roof."


def test_tables_that_stand_inline_are_files():
    table = "text/csv; name=a.csv\r\nContent-Disposition: inline\r\n\r\nid,text\r\n1,It leaks.\r\n"
    body, row = read("a.eml", message("mixed", "text/plain\r\n\r\nSee.", table).encode())
    assert (body.text, row.member, row.text) == ("See.", "a.csv", "It leaks.")


FORWARDED = "From: Dan <d@x.example>\r\nSubject: Gutter\r\n\r\nThe gutter leaks again and again."


def test_a_forwarded_message_may_be_encoded():
    head = "message/rfc822\r\nContent-Transfer-Encoding: "
    encoded = base64.encodebytes(FORWARDED.encode()).decode()
    quoted = f"{FORWARDED[:-6]}=\r\n{FORWARDED[-6:]}"
    for inner in (f"base64\r\n\r\n{encoded}", f"quoted-printable\r\n\r\n{quoted}"):
        text = one("a.eml", message("mixed", "text/plain\r\n\r\nSee.", head + inner)).text
        assert text == "See.\n\nFrom: Dan <d@x.example>\nSubject: Gutter\n\nThe gutter leaks again and again."


def test_base64_on_one_line_with_spaces():
    lines = base64.encodebytes("Größe und der Rest des Satzes. ".encode() * 5).decode().split("\n")
    data = single("text/plain; charset=utf-8", " ".join(lines), "Content-Transfer-Encoding: base64\r\n")
    assert one("a.eml", data).text.strip() == ("Größe und der Rest des Satzes. " * 5).strip()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ('filename="C:\\\\docs\\\\a.txt"', "a.txt"),
        ("filename=report", "report.txt"),
        ("filename*0*=UTF-8''Gr%C3%BC; filename*1=sse.txt", "Grüsse.txt"),
        ('filename="=?utf-8?q?Gr=C3=BC=C3=9Fe?=.txt"', "Grüße.txt"),
        ('filename="Grüße.txt"', "Grüße.txt"),
    ],
)
def test_names_of_files(name, expected):
    file = f"text/plain; charset=utf-8\r\nContent-Disposition: attachment; {name}\r\n\r\nFile."
    _, found = read("a.eml", message("mixed", "text/plain\r\n\r\nSee.", file).encode())
    assert found.member == expected


def test_the_title_of_a_message_in_html_is_not_shown():
    html = "<html><head><title>News 7</title></head><body><p>It leaks.</p></body></html>"
    assert one("a.eml", single("text/html", html)).text == "It leaks."


def test_uuencoded_files_are_attachments():
    lines = [
        binascii.b2a_uu(part).decode() for part in (b"The roof leaks, and nobody repairs it. No", b"body!")
    ]
    text = f"See.\n\nbegin 644 note.txt\n{''.join(lines)}`\nend\n\nBye.\nbegin 6 days\nend\n"
    body, note = read("a.eml", single("text/plain", text).encode())
    assert body.text.split() == ["See.", "Bye.", "begin", "6", "days", "end"]
    assert (note.member, note.text) == ("note.txt", "The roof leaks, and nobody repairs it. Nobody!")
