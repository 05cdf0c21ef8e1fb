"""Saved web pages."""

import pytest

from qa.errors import ReadError
from readers.samples import headings, one

HEAD = (
    "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://example.org/boiler\r\n"
    "Subject: =?utf-8?Q?The=20boiler=20=E2=80=93=20news?=\r\n"
    "Date: Mon, 3 Jun 2019 10:00:00 -0000\r\nMIME-Version: 1.0\r\n"
)
PAGE = "<html><body><h1>The boiler</h1><p>It was repaired on Monday for 900 =E2=82=AC.</p></body></html>"
PART = (
    "Content-Type: text/html{}\r\nContent-ID: <page@mhtml>\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    "Content-Location: https://example.org/boiler\r\n\r\n"
)
STYLE = "--b7\r\nContent-Type: text/css\r\n\r\nbody { color: red }\r\n"
FRAME = "--b7\r\nContent-Type: text/html\r\n\r\n<p>An advertisement.</p>\r\n"


def archive(*parts, more=""):
    kind = f'Content-Type: multipart/related; type="text/html"; boundary="b7"{more}\r\n\r\n'
    return f"{HEAD}{kind}{''.join(parts)}--b7--\r\n"


@pytest.mark.parametrize("name", ["a.mht", "a.mhtml"])
@pytest.mark.parametrize("charset", ["", "; charset=utf-8"])
def test_the_page_is_read(name, charset):
    reading = one(name, archive(f"--b7\r\n{PART.format(charset)}{PAGE}\r\n", STYLE, FRAME))
    assert reading.text == "The boiler\n\nIt was repaired on Monday for 900 €."
    assert headings(reading) == [(1, "The boiler")]
    found = reading.metadata
    assert found.url == "https://example.org/boiler"
    assert found.author is found.published is None


def test_a_title_comes_from_the_page_or_the_subject():
    page = "<html><body><p>It was repaired on Monday.</p></body></html>"
    assert one("a.mht", archive(f"--b7\r\n{PART.format('')}{page}\r\n")).metadata.title == "The boiler – news"


def test_the_start_is_the_page_wherever_it_stands():
    reading = one(
        "a.mht", archive(FRAME, f"--b7\r\n{PART.format('')}{PAGE}\r\n", more='; start="<page@mhtml>"')
    )
    assert reading.text.startswith("The boiler")


def test_a_page_in_an_alternative_is_found():
    inner = 'Content-Type: multipart/alternative; boundary="c7"\r\n\r\n--c7\r\n'
    reading = one("a.mht", archive(STYLE, f"--b7\r\n{inner}{PART.format('')}{PAGE}\r\n--c7--\r\n"))
    assert reading.text.startswith("The boiler")


def test_what_holds_no_page_is_an_error():
    for data in (archive(STYLE), "Some text.", ""):
        with pytest.raises(ReadError, match="holds no HTML"):
            one("a.mht", data)


def test_a_page_of_frames_is_read_by_its_longest():
    frames = "--b7\r\nContent-Type: text/html\r\n\r\n<html><frameset><frame src=x></frameset></html>\r\n"
    reading = one("a.mht", archive(frames, FRAME, f"--b7\r\n{PART.format('')}{PAGE}\r\n"))
    assert reading.text.startswith("The boiler")


def test_a_page_that_is_only_named_so_is_read():
    assert one("a.mht", "<html><body><p>It was repaired.</p></body></html>").text == "It was repaired."
